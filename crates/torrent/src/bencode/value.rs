//! A bencoded item taken apart and put together again, for those who write torrents in another notation. Info-hashes are
//! never computed over what it writes: whoever does that compares with the bytes that were read. Next in the flow:
//! nothing here; other crates use it.

use std::collections::BTreeMap;

use super::{Node, Tree};
use crate::encode;
use crate::error::MetainfoError;
use crate::limits::Limits;

/// An item of bencode (BEP 3), with dictionaries in the order that BEP 3 wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bencode {
    /// A number.
    Int(i64),
    /// A string.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Bencode>),
    /// A dictionary.
    Dict(BTreeMap<Vec<u8>, Bencode>),
}

impl Bencode {
    /// Takes apart one item within the limits of size, depth and number of items; only white space may follow it. Of a key
    /// that is there twice the last counts, and order is lost: [`Bencode::write`] gives the same bytes only for what is in
    /// canonical form.
    ///
    /// # Errors
    /// When the bytes are not bencoded, or beyond a limit.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self, MetainfoError> {
        let tree = Tree::scan(bytes, limits)?;
        Ok(Self::of(tree.root()))
    }

    /// As deep as the limits let the tree be.
    fn of(node: Node<'_>) -> Self {
        if let Some(items) = node.list() {
            return Self::List(items.map(Self::of).collect());
        }
        if let Some(pairs) = node.dict() {
            return Self::Dict(
                pairs
                    .map(|(key, value)| (key.to_vec(), Self::of(value)))
                    .collect(),
            );
        }
        match node.bytes() {
            Some(bytes) => Self::Bytes(bytes.to_vec()),
            // The scan has read every number before.
            None => Self::Int(node.int().unwrap_or_default()),
        }
    }

    /// Writes it in canonical form.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.append(&mut out);
        out
    }

    fn append(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(value) => encode::int(out, *value),
            Self::Bytes(content) => encode::bytes(out, content),
            Self::List(items) => {
                out.push(b'l');
                items.iter().for_each(|item| item.append(out));
                out.push(b'e');
            }
            Self::Dict(pairs) => {
                out.push(b'd');
                for (key, value) in pairs {
                    encode::bytes(out, key);
                    value.append(out);
                }
                out.push(b'e');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_canonical_comes_back_byte_for_byte_and_nothing_else_does() {
        for bytes in [
            &b"d1:ali1ei-2ee1:bl0:d0:deee1:ci7ee"[..],
            b"le",
            b"0:",
            b"i-9223372036854775808e",
        ] {
            let value = Bencode::read(bytes, &Limits::STRANGER).expect("well-formed");
            assert_eq!(value.write(), bytes);
        }
        for bytes in [&b"d1:b0:1:a0:e"[..], b"d1:a0:1:a0:e", b"i007e", b"01:a", b"de\n"] {
            let value = Bencode::read(bytes, &Limits::STRANGER).expect("well-formed");
            assert_ne!(value.write(), bytes);
        }
        assert!(Bencode::read(b"d", &Limits::STRANGER).is_err());
    }
}
