//! Base58btc as multibase writes it (`z…`), which signatures and digests are written in: five digits at a time, because every
//! record has one of each. Reading, which is rarer, is left to `bs58`. Next: `proof.rs`.

/// The digits, without those that look alike.
const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// How many digits are held in a part, and how much they count to.
const PART: usize = 5;
const FULL: u64 = 58_u64.pow(5);

/// Writes bytes as multibase base58btc. The work grows with the square of the length: for keys, signatures and digests.
pub(crate) fn multibase(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    // The number in base 58⁵, its least part first.
    let mut parts: Vec<u64> = Vec::with_capacity(bytes.len() / 3 + 1);
    // So many bytes that what is left over fills chunks of four.
    let (odd, rest) = bytes.split_at(bytes.len() % 4);
    for chunk in std::iter::once(odd).chain(rest.chunks(4)) {
        let mut carry = chunk
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte));
        let shift = 8 * chunk.len();
        for part in &mut parts {
            carry += *part << shift;
            *part = carry % FULL;
            carry /= FULL;
        }
        while carry > 0 {
            parts.push(carry % FULL);
            carry /= FULL;
        }
    }
    let mut text = String::with_capacity(1 + zeros + PART * parts.len());
    text.push('z');
    text.extend(std::iter::repeat_n('1', zeros));
    for (index, part) in parts.iter().rev().enumerate() {
        let mut digits = [0; PART];
        let mut left = *part;
        for digit in digits.iter_mut().rev() {
            *digit = usize::try_from(left % 58).unwrap_or(0);
            left /= 58;
        }
        let leading = if index == 0 {
            digits.iter().take_while(|digit| **digit == 0).count()
        } else {
            0
        };
        text.extend(digits[leading..].iter().map(|digit| char::from(DIGITS[*digit])));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_library_writes_the_same(bytes in prop::collection::vec(any::<u8>(), 0..100), zeros in 0_usize..9) {
            let bytes = [vec![0; zeros], bytes].concat();
            prop_assert_eq!(multibase(&bytes), format!("z{}", bs58::encode(&bytes).into_string()));
        }
    }

    #[test]
    fn the_edges_are_written_as_the_library_writes_them() {
        for bytes in [
            &[][..],
            &[0],
            &[0; 64],
            &[255; 64],
            &[255; 34],
            &[1],
            &[0, 0, 0, 0, 1],
        ] {
            assert_eq!(
                multibase(bytes),
                format!("z{}", bs58::encode(bytes).into_string())
            );
        }
    }
}
