//! Writing the few sorts of bencode that answers consist of (BEP 3). Whoever calls keeps the keys of a dictionary sorted.

/// Writes an integer.
pub(super) fn integer(value: u64, out: &mut Vec<u8>) {
    out.push(b'i');
    digits(value, out);
    out.push(b'e');
}

/// Writes a byte string.
pub(super) fn bytes(value: &[u8], out: &mut Vec<u8>) {
    digits(value.len() as u64, out);
    out.push(b':');
    out.extend_from_slice(value);
}

/// Writes a text as a byte string.
pub(super) fn text(value: &str, out: &mut Vec<u8>) {
    bytes(value.as_bytes(), out);
}

/// Writes a number in decimal digits.
pub(crate) fn digits(mut value: u64, out: &mut Vec<u8>) {
    let mut all = [b'0'; 20];
    let mut first = all.len();
    loop {
        first -= 1;
        all[first] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&all[first..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_strings_are_written_as_bep_3_says() {
        let mut out = Vec::new();
        integer(0, &mut out);
        integer(1800, &mut out);
        integer(u64::MAX, &mut out);
        text("", &mut out);
        bytes(&[0, b'e', 255], &mut out);
        assert_eq!(out, b"i0ei1800ei18446744073709551615e0:3:\0e\xff");
    }
}
