//! Bencoded bytes as a flat list of tokens: one pass without recursion, 12 bytes for each item, nothing copied.
//! Does not decide what keys mean; `metainfo.rs` walks the tree. Next in the flow: `bencode/node.rs`.

mod node;
mod value;

pub(crate) use node::Node;
pub use value::Bencode;

use crate::error::MetainfoError;
use crate::limits::Limits;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Int,
    Bytes,
    List,
    Dict,
    End,
}

/// One item, or the end of a list or dictionary.
#[derive(Clone, Copy)]
struct Token {
    /// Byte offset of its first byte.
    start: u32,
    /// Index of the token behind it and all that is in it.
    next: u32,
    kind: Kind,
    /// Bytes of the length and colon in front of a string.
    header: u8,
}

/// Bencoded bytes (BEP 3) that were found well-formed and within the limits.
pub(crate) struct Tree<'b> {
    bytes: &'b [u8],
    tokens: Vec<Token>,
}

struct Open {
    index: u32,
    dict: bool,
    /// In a dictionary: the next string is a key.
    key_next: bool,
}

impl<'b> Tree<'b> {
    /// Reads one item from the start of `bytes`. Only white space may follow it.
    pub(crate) fn scan(bytes: &'b [u8], limits: &Limits) -> Result<Self, MetainfoError> {
        if bytes.len() > limits.bytes || u32::try_from(bytes.len()).is_err() {
            return Err(MetainfoError::TooLarge {
                size: bytes.len(),
                limit: limits.bytes,
            });
        }
        let mut tree = Tree {
            bytes,
            tokens: Vec::new(),
        };
        let mut open: Vec<Open> = Vec::new();
        let mut at = 0;
        loop {
            if tree.tokens.len() >= limits.tokens {
                return Err(MetainfoError::TooManyItems { limit: limits.tokens });
            }
            at = tree.token(at, &mut open)?;
            if open.len() > limits.depth {
                return Err(MetainfoError::TooDeep { limit: limits.depth });
            }
            if open.is_empty() {
                break;
            }
        }
        if let Some(more) = bytes[at..].iter().position(|byte| !byte.is_ascii_whitespace()) {
            return Err(MetainfoError::TrailingBytes { position: at + more });
        }
        // A mark behind the last item, so that every item ends where the next begins.
        tree.push(at, Kind::End, 0);
        Ok(tree)
    }

    /// The outermost item.
    pub(crate) fn root(&self) -> Node<'_> {
        Node::outermost(self)
    }

    /// Reads the token at `at` and returns where the next begins.
    fn token(&mut self, at: usize, open: &mut Vec<Open>) -> Result<usize, MetainfoError> {
        let first = *self
            .bytes
            .get(at)
            .ok_or_else(|| broken(at, "the file ends too early"))?;
        let index = self.tokens.len() as u32;
        if let Some(parent) = open.last_mut().filter(|parent| parent.dict) {
            if parent.key_next && !matches!(first, b'0'..=b'9' | b'e') {
                return Err(broken(at, "a key is not a string"));
            }
            if !parent.key_next && first == b'e' {
                return Err(broken(at, "a key has no value"));
            }
            parent.key_next = !parent.key_next;
        }
        match first {
            b'i' => {
                let end = self.int_end(at)?;
                self.push(at, Kind::Int, 0);
                Ok(end)
            }
            b'0'..=b'9' => {
                let (header, end) = self.string(at)?;
                self.push(at, Kind::Bytes, header);
                Ok(end)
            }
            b'l' | b'd' => {
                let dict = first == b'd';
                self.push(at, if dict { Kind::Dict } else { Kind::List }, 0);
                open.push(Open {
                    index,
                    dict,
                    key_next: true,
                });
                Ok(at + 1)
            }
            b'e' => {
                let parent = open
                    .pop()
                    .ok_or_else(|| broken(at, "there is an end without a beginning"))?;
                self.push(at, Kind::End, 0);
                self.tokens[parent.index as usize].next = index + 1;
                Ok(at + 1)
            }
            _ => Err(broken(at, "there is no list, dictionary, number or string")),
        }
    }

    fn push(&mut self, at: usize, kind: Kind, header: u8) {
        let next = self.tokens.len() as u32 + 1;
        self.tokens.push(Token {
            start: at as u32,
            next,
            kind,
            header,
        });
    }

    /// Where the number at `at` ends; it fits 64 bits.
    fn int_end(&self, at: usize) -> Result<usize, MetainfoError> {
        let digits = self.bytes[at + 1..]
            .iter()
            .take(22)
            .position(|byte| *byte == b'e');
        let end = at + 1 + digits.ok_or_else(|| broken(at, "a number has no end"))?;
        parse_int(&self.bytes[at + 1..end]).ok_or_else(|| broken(at, "a number cannot be read"))?;
        Ok(end + 1)
    }

    /// How long the header of the string at `at` is, and where the string ends.
    fn string(&self, at: usize) -> Result<(u8, usize), MetainfoError> {
        let colon = self.bytes[at..].iter().take(20).position(|byte| *byte == b':');
        let digits = colon.ok_or_else(|| broken(at, "a string has no length"))?;
        let length = parse_int(&self.bytes[at..at + digits])
            .and_then(|length| usize::try_from(length).ok())
            .ok_or_else(|| broken(at, "the length of a string cannot be read"))?;
        let body = at + digits + 1;
        match body.checked_add(length) {
            Some(end) if end <= self.bytes.len() => Ok((digits as u8 + 1, end)),
            _ => Err(broken(at, "a string is longer than the file")),
        }
    }
}

/// Digits with at most one minus sign in front, nothing else.
fn parse_int(text: &[u8]) -> Option<i64> {
    let (negative, digits) = text
        .strip_prefix(b"-")
        .map_or((false, text), |digits| (true, digits));
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_i64, |value, digit| {
        let digit = i64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
        value
            .checked_mul(10)?
            .checked_add(if negative { -digit } else { digit })
    })
}

fn broken(position: usize, problem: &'static str) -> MetainfoError {
    MetainfoError::NotBencoded { position, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(bytes: &[u8]) -> Result<Tree<'_>, MetainfoError> {
        Tree::scan(bytes, &Limits::STRANGER)
    }

    #[test]
    fn items_keep_their_bytes() {
        let tree = scan(b"d1:ali1ei-2eel1:b0:e4:spam").map(|_| ());
        assert!(tree.is_err(), "a dictionary needs its end");
        let tree = scan(b"d1:ali1ei-2ee1:bl0:d0:deee1:ci7ee\n").expect("it is well-formed");
        let root = tree.root();
        assert_eq!(root.get("a").expect("a").raw(), b"li1ei-2ee");
        let numbers: Vec<_> = root
            .get("a")
            .and_then(|a| a.list())
            .expect("a list")
            .map(|n| n.int())
            .collect();
        assert_eq!(numbers, [Some(1), Some(-2)]);
        assert_eq!(root.get("b").expect("b").raw(), b"l0:d0:deee");
        assert_eq!(root.get("c").and_then(|c| c.int()), Some(7));
        assert_eq!(root.get("c").expect("c").offset(), 29);
        assert!(root.get("d").is_none());
        assert_eq!(root.tokens(), 18);
    }

    #[test]
    fn malformed_bytes_are_refused() {
        let cases: [&[u8]; 21] = [
            b"",
            b"e",
            b"i",
            b"ie",
            b"i-e",
            b"i1",
            b"i1x",
            b"i+1e",
            b"i--1e",
            b"1",
            b"1:",
            b"-1:a",
            b"9999999999999999999999:a",
            b"d",
            b"di1ei2ee",
            b"d1:ae",
            b"l",
            b"x",
            b"i99999999999999999999e",
            b"4:spa",
            b"i1ex",
        ];
        for case in cases {
            assert!(scan(case).is_err(), "{}", String::from_utf8_lossy(case));
        }
    }

    #[test]
    fn limits_hold() {
        let deep = |n: usize| ["l".repeat(n), "e".repeat(n)].concat();
        assert!(scan(deep(100).as_bytes()).is_ok());
        assert_eq!(
            scan(deep(101).as_bytes()).err(),
            Some(MetainfoError::TooDeep { limit: 100 })
        );
        assert_eq!(
            scan("l".repeat(5_000_000).as_bytes()).err(),
            Some(MetainfoError::TooDeep { limit: 100 })
        );
        let wide = ["l", &"0:".repeat(3_000_000), "e"].concat();
        assert_eq!(
            scan(wide.as_bytes()).err(),
            Some(MetainfoError::TooManyItems { limit: 3_000_000 })
        );
        assert!(matches!(
            scan(&vec![b'0'; 10_000_001]).err(),
            Some(MetainfoError::TooLarge { .. })
        ));
    }
}
