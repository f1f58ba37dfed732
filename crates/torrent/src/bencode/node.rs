//! Looking at bencoded items: what an item is, what is in it, and whether an encoder would have written it so. Next in
//! the flow: `metainfo.rs`.

use std::cmp::Ordering;

use super::{Kind, Token, Tree, parse_int};

/// One item of a [`Tree`].
#[derive(Clone, Copy)]
pub(crate) struct Node<'t> {
    tree: &'t Tree<'t>,
    index: u32,
}

impl<'t> Node<'t> {
    /// The item that holds all others.
    pub(super) fn outermost(tree: &'t Tree<'t>) -> Self {
        Node { tree, index: 0 }
    }

    fn token(&self) -> Token {
        self.tree.tokens[self.index as usize]
    }

    /// Offset of its first byte in the file.
    pub(crate) fn offset(&self) -> usize {
        self.token().start as usize
    }

    /// Its bencoded bytes, as they stand in the file.
    pub(crate) fn raw(&self) -> &'t [u8] {
        let token = self.token();
        &self.tree.bytes[token.start as usize..self.tree.tokens[token.next as usize].start as usize]
    }

    /// Its content, if it is a string.
    pub(crate) fn bytes(&self) -> Option<&'t [u8]> {
        let token = self.token();
        (token.kind == Kind::Bytes).then(|| &self.raw()[token.header as usize..])
    }

    /// Its value, if it is a number.
    pub(crate) fn int(&self) -> Option<i64> {
        let raw = self.raw();
        (self.token().kind == Kind::Int)
            .then(|| parse_int(&raw[1..raw.len() - 1]))
            .flatten()
    }

    /// Its items, if it is a list.
    pub(crate) fn list(&self) -> Option<Items<'t>> {
        (self.token().kind == Kind::List).then_some(Items {
            tree: self.tree,
            index: self.index + 1,
        })
    }

    /// Its keys and values in the order of the file, if it is a dictionary.
    pub(crate) fn dict(&self) -> Option<impl Iterator<Item = (&'t [u8], Node<'t>)> + use<'t>> {
        let mut items = Items {
            tree: self.tree,
            index: self.index + 1,
        };
        let pairs = std::iter::from_fn(move || {
            let key = items.next()?.bytes()?;
            items.next().map(|value| (key, value))
        });
        (self.token().kind == Kind::Dict).then_some(pairs)
    }

    /// The value of `key`, if it is a dictionary and has it.
    pub(crate) fn get(&self, key: &str) -> Option<Node<'t>> {
        self.dict()?
            .find(|(name, _)| *name == key.as_bytes())
            .map(|(_, value)| value)
    }

    /// How many items, end marks and items inside it there are.
    pub(crate) fn tokens(&self) -> usize {
        (self.token().next - self.index) as usize
    }

    /// The first thing in it that an encoder would have written otherwise: where, and what.
    pub(crate) fn not_canonical(&self) -> Option<(usize, &'static str)> {
        let tokens = &self.tree.tokens[self.index as usize..self.token().next as usize];
        let text = |token: &Token| &self.tree.bytes[token.start as usize..];
        for (token, index) in tokens.iter().zip(self.index..) {
            let problem = match token.kind {
                Kind::Int if text(token).starts_with(b"i-0") => Some("a negative zero"),
                Kind::Int => leading_zero(text(token)[1..].strip_prefix(b"-").unwrap_or(&text(token)[1..])),
                Kind::Bytes => leading_zero(text(token)),
                Kind::Dict => Node {
                    tree: self.tree,
                    index,
                }
                .unsorted(),
                _ => None,
            };
            if let Some(problem) = problem {
                return Some((token.start as usize, problem));
            }
        }
        None
    }

    fn unsorted(&self) -> Option<&'static str> {
        let mut last: Option<&[u8]> = None;
        for (key, _) in self.dict()? {
            match last.map(|last| last.cmp(key)) {
                Some(Ordering::Greater) => return Some("unsorted keys"),
                Some(Ordering::Equal) => return Some("a key twice"),
                _ => last = Some(key),
            }
        }
        None
    }
}

/// The items of a list, or the keys and values of a dictionary one after the other.
#[derive(Clone)]
pub(crate) struct Items<'t> {
    tree: &'t Tree<'t>,
    index: u32,
}

impl<'t> Iterator for Items<'t> {
    type Item = Node<'t>;

    fn next(&mut self) -> Option<Node<'t>> {
        let token = self.tree.tokens[self.index as usize];
        let node = Node {
            tree: self.tree,
            index: self.index,
        };
        (token.kind != Kind::End)
            .then(|| self.index = token.next)
            .map(|()| node)
    }
}

fn leading_zero(digits: &[u8]) -> Option<&'static str> {
    (digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit())
        .then_some("a number with leading zeros")
}

#[cfg(test)]
mod tests {
    use super::Tree;
    use crate::limits::Limits;

    #[test]
    fn canonical_form_is_seen() {
        let problem = |bytes: &[u8]| {
            Tree::scan(bytes, &Limits::STRANGER)
                .expect("well-formed")
                .root()
                .not_canonical()
        };
        assert_eq!(problem(b"d1:ai0e2:aai-10e1:bd1:x0:ee"), None);
        assert_eq!(problem(b"d1:b0:1:a0:e"), Some((0, "unsorted keys")));
        assert_eq!(problem(b"ld1:a0:1:a0:ee"), Some((1, "a key twice")));
        assert_eq!(problem(b"li-0ee"), Some((1, "a negative zero")));
        assert_eq!(problem(b"li-01ee"), Some((1, "a negative zero")));
        assert_eq!(problem(b"li007ee"), Some((1, "a number with leading zeros")));
        assert_eq!(problem(b"l01:ae"), Some((1, "a number with leading zeros")));
        assert_eq!(problem(b"l00:e"), Some((1, "a number with leading zeros")));
    }
}
