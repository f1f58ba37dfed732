//! Metainfo in JSON, both ways (FEP-d8c8, “JSON Encoding” and “Bencoding”): text as it is, `pieces` and the values of
//! `piece layers` in base64, `pieces root` and the keys of `piece layers` in hexadecimal. Many a torrent cannot be written
//! so; the bytes of the `.torrent` stay the truth. What names a torrent beside its metainfo is read in `torrent.rs`.

use super::incoming::{MAX_DEPTH, depth};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use shoal_torrent::{Bencode, Limits};
use std::collections::BTreeMap;

/// The most bytes of metainfo that are written as JSON or read from it: with the rest of its record it stays below what
/// servers fetch at most, 1 MiB.
pub const MOST_BYTES: usize = 1024 * 1024 - 32 * 1024;
/// The most items that are read from JSON.
const MOST_ITEMS: usize = 400_000;
/// The largest number, either way, that every reader of JSON takes for itself (RFC 7493 §2.2).
const MOST: u64 = (1 << 53) - 1;

/// The keys beside `info` that torrents are known to have. What else a document has at its top belongs to the document.
const OUTER: [&str; 23] = [
    "announce",
    "announce-list",
    "azureus_properties",
    "codepage",
    "comment",
    "comment.utf-8",
    "created by",
    "created by.utf-8",
    "creation date",
    "encoding",
    "httpseeds",
    "info",
    "locale",
    "nodes",
    "piece layers",
    "publisher",
    "publisher-url",
    "publisher-url.utf-8",
    "publisher.utf-8",
    "title",
    "update-url",
    "url-list",
    "website",
];

/// Where in a torrent an item stands; that decides how its strings are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outer,
    Info,
    FileTree,
    Layers,
    Elsewhere,
}

/// How a string is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Notation {
    Text,
    Hex,
    Base64,
}

impl Place {
    /// The place of what stands under a key.
    fn under(self, key: &str) -> Self {
        match (self, key) {
            (Self::Outer, "info") => Self::Info,
            (Self::Outer, "piece layers") => Self::Layers,
            (Self::Info, "file tree") | (Self::FileTree, _) => Self::FileTree,
            _ => Self::Elsewhere,
        }
    }

    /// How keys are written.
    fn keys(self) -> Notation {
        if self == Self::Layers {
            Notation::Hex
        } else {
            Notation::Text
        }
    }

    /// How a string that stands directly under a key is written.
    fn value(self, key: &str) -> Notation {
        match (self, key) {
            (Self::Layers, _) | (Self::Info, "pieces") => Notation::Base64,
            (Self::FileTree, "pieces root") => Notation::Hex,
            _ => Notation::Text,
        }
    }
}

impl Notation {
    fn write(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Text => std::str::from_utf8(bytes).ok().map(str::to_owned),
            Self::Hex => Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
            Self::Base64 => Some(STANDARD.encode(bytes)),
        }
    }

    fn read(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Text => Some(text.as_bytes().to_vec()),
            Self::Hex => from_hex(text),
            Self::Base64 => STANDARD.decode(text).ok(),
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        (byte as char)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match *pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

/// The metainfo of a `.torrent` as members of a JSON document; `None` when the JSON would not give back the same bytes
/// (text that is not UTF-8, keys out of order, keys that nobody knows, numbers beyond 2⁵³), is too long or too deep.
#[must_use]
pub fn to_json(torrent: &[u8]) -> Option<Map<String, Value>> {
    if torrent.len() > MOST_BYTES {
        return None;
    }
    let Bencode::Dict(root) = Bencode::read(torrent, &Limits::STRANGER).ok()? else {
        return None;
    };
    if root
        .keys()
        .any(|key| !OUTER.iter().any(|known| known.as_bytes() == key))
    {
        return None;
    }
    let members = members(&root, Place::Outer)?;
    let text = serde_json::to_vec(&members).ok()?;
    if text.len() > MOST_BYTES || depth(&text) > MAX_DEPTH {
        return None;
    }
    let again = to_bencode(&members).ok()??;
    (again == torrent).then_some(members)
}

fn members(pairs: &BTreeMap<Vec<u8>, Bencode>, place: Place) -> Option<Map<String, Value>> {
    let pair = |(key, value): (&Vec<u8>, &Bencode)| {
        let key = place.keys().write(key)?;
        let value = written(value, place, &key)?;
        Some((key, value))
    };
    pairs.iter().map(pair).collect()
}

fn written(value: &Bencode, place: Place, key: &str) -> Option<Value> {
    Some(match value {
        Bencode::Int(number) if number.unsigned_abs() <= MOST => Value::from(*number),
        Bencode::Int(_) => return None,
        Bencode::Bytes(bytes) => Value::from(place.value(key).write(bytes)?),
        Bencode::List(items) => {
            let items = items.iter().map(|item| written(item, Place::Elsewhere, ""));
            Value::Array(items.collect::<Option<_>>()?)
        }
        Bencode::Dict(pairs) => Value::Object(members(pairs, place.under(key))?),
    })
}

/// Why JSON is not the metainfo of a torrent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoMetainfo {
    /// Something that bencode does not have, or a hash that is not written as one.
    #[error("“{0}” holds what a torrent cannot hold")]
    Value(String),
    /// Nested deeper than what is read.
    #[error("it is nested more than {} deep", MAX_DEPTH)]
    Depth,
    /// More items or bytes than what is read.
    #[error("it is larger than what is read")]
    Size,
}

/// The `.torrent` that the members of a document describe; `None` when there is no `info` among them. What else the
/// document has is left alone.
///
/// # Errors
/// [`NoMetainfo`].
pub fn to_bencode(document: &Map<String, Value>) -> Result<Option<Vec<u8>>, NoMetainfo> {
    if !document.contains_key("info") {
        return Ok(None);
    }
    let known = document
        .iter()
        .filter(|(key, _)| OUTER.contains(&key.as_str()))
        .map(|(key, value)| (key.as_str(), value));
    let mut reader = Reader {
        items: MOST_ITEMS,
        bytes: MOST_BYTES,
    };
    let root = reader.dictionary(known, Place::Outer, 1)?;
    Ok(Some(root.write()))
}

/// What may still be read.
struct Reader {
    items: usize,
    bytes: usize,
}

impl Reader {
    fn dictionary<'v>(
        &mut self,
        pairs: impl Iterator<Item = (&'v str, &'v Value)>,
        place: Place,
        depth: usize,
    ) -> Result<Bencode, NoMetainfo> {
        let mut dictionary = BTreeMap::new();
        for (key, value) in pairs {
            let raw = self.string(key, place.keys(), key)?;
            let value = self.value(value, (place, key), depth + 1)?;
            // Two spellings of one hash would be one key.
            if dictionary.insert(raw, value).is_some() {
                return Err(no_value(key));
            }
        }
        Ok(Bencode::Dict(dictionary))
    }

    fn value(
        &mut self,
        value: &Value,
        (place, key): (Place, &str),
        depth: usize,
    ) -> Result<Bencode, NoMetainfo> {
        if depth > MAX_DEPTH {
            return Err(NoMetainfo::Depth);
        }
        self.items = self.items.checked_sub(1).ok_or(NoMetainfo::Size)?;
        match value {
            Value::Number(number) => {
                let number = number.as_i64().filter(|number| number.unsigned_abs() <= MOST);
                number.map(Bencode::Int).ok_or_else(|| no_value(key))
            }
            Value::String(text) => self.string(text, place.value(key), key).map(Bencode::Bytes),
            Value::Array(items) => {
                let items = items
                    .iter()
                    .map(|item| self.value(item, (Place::Elsewhere, key), depth + 1));
                items.collect::<Result<_, _>>().map(Bencode::List)
            }
            Value::Object(members) => {
                let members = members.iter().map(|(key, value)| (key.as_str(), value));
                self.dictionary(members, place.under(key), depth)
            }
            Value::Null | Value::Bool(_) => Err(no_value(key)),
        }
    }

    fn string(&mut self, text: &str, notation: Notation, key: &str) -> Result<Vec<u8>, NoMetainfo> {
        self.bytes = self.bytes.checked_sub(text.len()).ok_or(NoMetainfo::Size)?;
        notation.read(text).ok_or_else(|| no_value(key))
    }
}

fn no_value(key: &str) -> NoMetainfo {
    NoMetainfo::Value(key.chars().take(64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const INFO: &str = "d6:lengthi5e4:name1:x12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae";

    fn torrent(before: &str, behind: &str) -> Vec<u8> {
        format!("d{before}4:info{INFO}{behind}e").into_bytes()
    }

    #[test]
    fn a_torrent_comes_back_byte_for_byte() {
        let bytes = torrent(
            "8:announce10:http://a/b7:comment2:hi",
            "5:nodesll1:ai5eee8:url-list0:",
        );
        let members = to_json(&bytes).expect("it can be written");
        assert_eq!(members["info"]["pieces"], "YWFhYWFhYWFhYWFhYWFhYWFhYWE=");
        assert_eq!(members["nodes"], json!([["a", 5]]));
        let mut document = members.clone();
        document.insert("type".to_owned(), json!("Torrent"));
        document.insert("proof".to_owned(), json!({ "x": null }));
        assert_eq!(to_bencode(&document), Ok(Some(bytes)));
    }

    #[test]
    fn what_would_not_come_back_is_not_written() {
        for (bytes, why) in [
            (torrent("", "1:zi1e"), "a key that nobody knows"),
            (torrent("7:comment1:\u{0}", ""), ""),
            (torrent("", "\n"), "white space"),
            (torrent("7:comment0:1:a0:", ""), "keys out of order"),
            (
                torrent("13:creation datei9007199254740992e", ""),
                "a number that JavaScript rounds",
            ),
            (b"le".to_vec(), "no dictionary"),
        ] {
            assert_eq!(to_json(&bytes).is_some(), why.is_empty(), "{why}");
        }
        let mut broken = torrent("7:comment2:hi", "");
        let at = broken
            .windows(2)
            .position(|pair| pair == b"hi")
            .expect("it is there");
        broken[at] = 0xff;
        assert!(to_json(&broken).is_none(), "not UTF-8");
        let long = "x".repeat(MOST_BYTES);
        assert!(to_json(&torrent(&format!("7:comment{}:{long}", long.len()), "")).is_none());
        let deep = format!("5:nodes{}{}", "l".repeat(80), "e".repeat(80));
        assert!(to_json(&torrent("", &deep)).is_none());
    }

    #[test]
    fn json_that_no_torrent_can_be_is_refused() {
        let read = |document: Value| to_bencode(document.as_object().expect("an object"));
        assert_eq!(read(json!({ "announce": "x" })), Ok(None));
        for (document, key) in [
            (json!({ "info": { "length": 1.5 } }), "length"),
            (json!({ "info": { "private": true } }), "private"),
            (json!({ "info": { "pieces": "not base64!" } }), "pieces"),
            (
                json!({ "info": { "file tree": { "a": { "": { "pieces root": "xy" } } } } }),
                "pieces root",
            ),
            (
                json!({ "info": {}, "piece layers": { "ABAB": "", "abab": "" } }),
                "abab",
            ),
            (
                json!({ "info": { "length": 9_007_199_254_740_992_u64 } }),
                "length",
            ),
        ] {
            assert_eq!(
                read(document.clone()),
                Err(NoMetainfo::Value(key.to_owned())),
                "{document}"
            );
        }
        let mut deep = json!("x");
        for _ in 0..100 {
            deep = json!([deep]);
        }
        assert_eq!(read(json!({ "info": { "x": deep } })), Err(NoMetainfo::Depth));
        let wide = vec![0; MOST_ITEMS + 1];
        assert_eq!(read(json!({ "info": { "x": wide } })), Err(NoMetainfo::Size));
        let long = "x".repeat(MOST_BYTES + 1);
        assert_eq!(read(json!({ "info": { "x": long } })), Err(NoMetainfo::Size));
    }
}
