//! Which clients are served, by the first bytes of their peer ids (BEP 20), as an operator may choose. Knows no clients by
//! name and no other rule; `tracker.rs` asks before it looks for the torrent.

use thiserror::Error;

/// The most beginnings of one list.
const MOST: usize = 1000;

/// Which clients are served. Whoever is denied is not, even if allowed; if nobody is allowed by name, all others are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clients {
    allowed: Beginnings,
    denied: Beginnings,
}

/// What is wrong with the name of a client.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ClientsFault {
    /// It is empty or longer than a peer id.
    #[error(
        "{0:?}: a client is named by the first bytes of its peer id, one to twenty of them, such as \"-qB\""
    )]
    Length(String),
    /// There is a percent sign that escapes nothing.
    #[error("{0:?}: a percent sign needs two hexadecimal digits behind it; the sign itself is written %25")]
    Escape(String),
    /// There are too many.
    #[error("at most {MOST} clients can be named")]
    TooMany,
}

impl Clients {
    /// Reads two lists of beginnings of peer ids, of at most 1,000 each: text, with `%xx` for bytes that are none.
    ///
    /// # Errors
    /// Which one cannot be read, and why.
    pub fn new<T: AsRef<str>>(allow: &[T], deny: &[T]) -> Result<Self, ClientsFault> {
        Ok(Self {
            allowed: Beginnings::new(allow)?,
            denied: Beginnings::new(deny)?,
        })
    }

    /// Whether a client with this peer id is served.
    pub(crate) fn admit(&self, peer_id: &[u8; 20]) -> bool {
        let named = |list: &Beginnings| list.match_some_of(peer_id);
        (self.denied.0.is_empty() || !named(&self.denied))
            && (self.allowed.0.is_empty() || named(&self.allowed))
    }
}

/// Beginnings in order, none of which begins with another: so only the last that is not above a peer id can be its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Beginnings(Vec<Box<[u8]>>);

impl Beginnings {
    fn new<T: AsRef<str>>(texts: &[T]) -> Result<Self, ClientsFault> {
        if texts.len() > MOST {
            return Err(ClientsFault::TooMany);
        }
        let mut all = texts
            .iter()
            .map(|text| bytes(text.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        all.sort_unstable();
        all.dedup_by(|next, kept| next.starts_with(kept));
        Ok(Self(all))
    }

    fn match_some_of(&self, peer_id: &[u8; 20]) -> bool {
        let above = self.0.partition_point(|beginning| **beginning <= peer_id[..]);
        above
            .checked_sub(1)
            .is_some_and(|at| peer_id.starts_with(&self.0[at]))
    }
}

/// The bytes that a text stands for.
fn bytes(text: &str) -> Result<Box<[u8]>, ClientsFault> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        let (Some(high), Some(low)) = (digit(0), digit(1)) else {
            return Err(ClientsFault::Escape(text.to_owned()));
        };
        bytes.push((high << 4 | low) as u8);
        rest = &after[2..];
    }
    if !(1..=20).contains(&bytes.len()) {
        return Err(ClientsFault::Length(text.to_owned()));
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn id(text: &str) -> [u8; 20] {
        let mut id = [b'x'; 20];
        id[..text.len()].copy_from_slice(text.as_bytes());
        id
    }

    fn admitted(allow: &[&str], deny: &[&str], texts: &[&str]) -> Vec<bool> {
        let clients = Clients::new(allow, deny).expect("the test names clients well");
        texts.iter().map(|text| clients.admit(&id(text))).collect()
    }

    #[test]
    fn who_is_denied_is_not_served_even_if_allowed() {
        let seen = ["-qB5000-", "-qB4000-", "-TR3000-", "-XX0000-"];
        assert_eq!(admitted(&[], &[], &seen), [true; 4]);
        assert_eq!(admitted(&[], &["-XX", "-qB4"], &seen), [true, false, true, false]);
        assert_eq!(admitted(&["-qB", "-TR"], &[], &seen), [true, true, true, false]);
        assert_eq!(admitted(&["-qB"], &["-qB4"], &seen), [true, false, false, false]);
        assert_eq!(admitted(&["-qB4"], &["-q"], &seen), [false; 4]);
    }

    #[test]
    fn odd_bytes_are_written_with_a_percent_sign() {
        let clients = Clients::new(&["%00%ffA%25"], &[]).expect("it is well written");
        let mut id = [0; 20];
        id[..4].copy_from_slice(b"\x00\xffA%");
        assert!(clients.admit(&id));
        id[3] = b'B';
        assert!(!clients.admit(&id));
    }

    #[test]
    fn what_names_no_client_is_said() {
        for (text, sentence) in [
            ("", "one to twenty"),
            ("123456789012345678901", "one to twenty"),
            ("a%", "%25"),
            ("%4", "%25"),
            ("%g1", "%25"),
            ("%+1", "%25"),
        ] {
            let fault = Clients::new(&[text], &[]).expect_err(text).to_string();
            assert!(fault.contains(sentence), "{fault}");
        }
        assert_eq!(Clients::new(&vec!["a"; 1001], &[]), Err(ClientsFault::TooMany));
        assert!(Clients::new(&[], &["12345678901234567890"]).is_ok());
    }

    #[test]
    fn a_list_finds_what_looking_at_each_of_it_finds() {
        let seed = rand::random();
        eprintln!("seed {seed}");
        let mut dice = StdRng::seed_from_u64(seed);
        for _ in 0..500 {
            let mut word = |most: usize| -> String {
                let length = dice.random_range(1..=most);
                (0..length)
                    .map(|_| char::from(dice.random_range(b'a'..=b'c')))
                    .collect()
            };
            let list: Vec<String> = (0..12).map(|_| word(5)).collect();
            let clients = Clients::new(&[], &list).expect("letters are well written");
            for _ in 0..50 {
                let id = id(&word(8));
                let denied = list.iter().any(|beginning| id.starts_with(beginning.as_bytes()));
                assert_eq!(clients.admit(&id), !denied, "{list:?} {}", id.escape_ascii());
            }
        }
    }
}
