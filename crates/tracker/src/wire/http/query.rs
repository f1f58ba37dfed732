//! The pairs of a query and their values: hashes of exactly twenty bytes, and numbers. Works on raw bytes, since an info
//! hash is not text. `announce.rs` and `scrape.rs` say which pairs there are.

/// The pairs of a query in order, still encoded. A pair without `=` has an empty value.
pub(super) fn pairs(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    query
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let name = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            (&pair[..name], pair.get(name + 1..).unwrap_or_default())
        })
}

/// What is wrong with a value of twenty bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotTwenty {
    /// A `%` without two hexadecimal digits behind it.
    BrokenEscape,
    /// It has so many bytes, counted up to 64.
    Length(usize),
}

/// Decodes a value that must have twenty bytes. `+` is a blank, as in forms.
pub(super) fn twenty(value: &[u8]) -> Result<[u8; 20], NotTwenty> {
    let mut decoded = [0; 20];
    let (mut len, mut at) = (0, 0);
    while at < value.len() && len < 64 {
        let byte = match value[at] {
            b'%' => {
                let digits = value.get(at + 1).zip(value.get(at + 2));
                let byte = digits.and_then(|(high, low)| Some(digit(*high)? << 4 | digit(*low)?));
                at += 2;
                byte.ok_or(NotTwenty::BrokenEscape)?
            }
            b'+' => b' ',
            byte => byte,
        };
        if let Some(place) = decoded.get_mut(len) {
            *place = byte;
        }
        len += 1;
        at += 1;
    }
    if len == decoded.len() {
        Ok(decoded)
    } else {
        Err(NotTwenty::Length(len))
    }
}

/// Reads a whole number; too large ones become the largest. `None` if it is anything else or negative.
pub(super) fn number(value: &[u8]) -> Option<u64> {
    let add = |number: u64, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(number.saturating_mul(10).saturating_add(digit))
    };
    if value.is_empty() {
        None
    } else {
        value.iter().try_fold(0, add)
    }
}

/// Whether a value is a whole number below zero.
pub(super) fn is_negative(value: &[u8]) -> bool {
    value
        .strip_prefix(b"-")
        .is_some_and(|digits| number(digits).is_some())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_split_at_the_first_equals_sign() {
        let all: Vec<_> = pairs(b"a=b=c&&d&=e&f=").collect();
        let expected: [(&[u8], &[u8]); 4] = [(b"a", b"b=c"), (b"d", b""), (b"", b"e"), (b"f", b"")];
        assert_eq!(all, expected);
        assert_eq!(pairs(b"").count(), 0);
    }

    #[test]
    fn twenty_bytes_are_read_raw_or_escaped() {
        assert_eq!(
            twenty(b"%00%fF;+4567890123456\xe9&="),
            Ok(*b"\0\xff; 4567890123456\xe9&=")
        );
        assert_eq!(twenty(b""), Err(NotTwenty::Length(0)));
        assert_eq!(twenty(&[b'a'; 19]), Err(NotTwenty::Length(19)));
        assert_eq!(twenty(&[b'a'; 10_000]), Err(NotTwenty::Length(64)));
        for broken in [&b"%ZZ"[..], b"abc%", b"abc%1", b"%+1", b"%%41"] {
            assert_eq!(twenty(broken), Err(NotTwenty::BrokenEscape), "{broken:?}");
        }
    }

    #[test]
    fn numbers_saturate_and_are_nothing_else() {
        assert_eq!(number(b"0"), Some(0));
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(number(b"99999999999999999999999"), Some(u64::MAX));
        for other in [&b""[..], b"-1", b"1.1", b"a", b"1e9", b" 1", b"%31"] {
            assert_eq!(number(other), None, "{other:?}");
        }
        assert!(is_negative(b"-1") && !is_negative(b"-") && !is_negative(b"1") && !is_negative(b"-a"));
    }
}
