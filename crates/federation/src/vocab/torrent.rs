//! What is read of somebody's `Torrent` (FEP-d8c8), whole or in short, and what makes it believable: the info-hashes are
//! those of its metainfo, and the magnet link names the same. Its metainfo is read in `metainfo.rs`.

use super::{
    incoming::url_of,
    metainfo::{NoMetainfo, to_bencode},
    terms::TORRENT_NS,
};
use serde_json::{Map, Value};
use shoal_torrent::{InfoHashV1, InfoHashV2, Magnet, Metainfo, MetainfoError};
use std::str::FromStr;
use url::Url;

/// A torrent as somebody describes it.
#[derive(Debug, Clone)]
pub struct Torrent {
    /// Its id.
    pub id: Option<Url>,
    /// Its v1 info-hash; computed from the metainfo if there is any, else as stated.
    pub info_hash_v1: Option<InfoHashV1>,
    /// Its v2 info-hash, likewise.
    pub info_hash_v2: Option<InfoHashV2>,
    /// Where its `.torrent` is said to be.
    pub bencoded: Option<Url>,
    /// Its magnet link.
    pub magnet: Option<Magnet>,
    /// The `.torrent` that its metainfo gives and what that says; `None` for the abbreviated form.
    pub file: Option<(Vec<u8>, Metainfo)>,
}

/// Why a document is not a torrent that can be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unbelievable {
    /// Its type is another.
    #[error("this is not a Torrent")]
    Kind,
    /// One of the members of FEP-d8c8 is there in two spellings that differ, or is not what it should be.
    #[error("its {0} cannot be read")]
    Member(&'static str),
    /// Neither info-hash is there.
    #[error("it names no info-hash")]
    NoHash,
    /// Its metainfo cannot be one.
    #[error("its metainfo cannot be read: {0}")]
    Json(#[from] NoMetainfo),
    /// Its metainfo is no torrent that can be shared.
    #[error("its metainfo is refused: {0}")]
    Metainfo(#[from] MetainfoError),
    /// The stated info-hashes are not those of the metainfo.
    #[error("its info-hash is not that of its metainfo")]
    OtherHash,
    /// The magnet link names another torrent.
    #[error("its magnet link names another torrent")]
    OtherMagnet,
}

impl Torrent {
    /// Reads a document, or what stands for one inside another. The members of FEP-d8c8 are read by their name, prefixed with
    /// `bt:`, and by their whole identifier; contexts are not looked at.
    ///
    /// # Errors
    /// [`Unbelievable`]; an info-hash that is not that of the metainfo is never passed on.
    pub fn read(document: &Map<String, Value>) -> Result<Self, Unbelievable> {
        if !is_torrent(document.get("type")) {
            return Err(Unbelievable::Kind);
        }
        let v1: Option<InfoHashV1> = hash(document, "infohash_v1")?;
        let v2: Option<InfoHashV2> = hash(document, "infohash_v2")?;
        if v1.is_none() && v2.is_none() {
            return Err(Unbelievable::NoHash);
        }
        let file = match to_bencode(document)? {
            Some(bytes) => {
                let metainfo = Metainfo::parse(&bytes)?;
                if (metainfo.info_hash_v1(), metainfo.info_hash_v2()) != (v1, v2) {
                    return Err(Unbelievable::OtherHash);
                }
                Some((bytes, metainfo))
            }
            None => None,
        };
        let magnet = member(document, "magnet")?
            .map(|value| text(value).and_then(|text| text.parse::<Magnet>().ok()))
            .map(|magnet| magnet.ok_or(Unbelievable::Member("magnet")))
            .transpose()?;
        if let Some(magnet) = &magnet
            && (differs(magnet.info_hash_v1, v1) || differs(magnet.info_hash_v2, v2))
        {
            return Err(Unbelievable::OtherMagnet);
        }
        Ok(Self {
            id: document.get("id").and_then(url_of),
            info_hash_v1: v1,
            info_hash_v2: v2,
            bencoded: member(document, "bencoded")?.and_then(url_of),
            magnet,
            file,
        })
    }
}

/// Whether a type is that of a torrent, in whichever spelling; the abbreviated form may go without one.
pub(crate) fn is_torrent(kind: Option<&Value>) -> bool {
    let fits = |kind: &Value| {
        kind.as_str()
            .is_some_and(|kind| names("Torrent").iter().any(|name| name == kind))
    };
    match kind {
        None => true,
        Some(Value::Array(kinds)) => kinds.iter().any(fits),
        Some(kind) => fits(kind),
    }
}

/// The spellings of one of the words of FEP-d8c8.
fn names(word: &str) -> [String; 3] {
    [
        word.to_owned(),
        format!("bt:{word}"),
        format!("{TORRENT_NS}{word}"),
    ]
}

/// A member in whichever spelling it is there.
fn member<'d>(
    document: &'d Map<String, Value>,
    word: &'static str,
) -> Result<Option<&'d Value>, Unbelievable> {
    let mut found: Option<&Value> = None;
    for name in names(word) {
        let Some(value) = document.get(&name) else {
            continue;
        };
        if found.is_some_and(|known| known != value) {
            return Err(Unbelievable::Member(word));
        }
        found = Some(value);
    }
    Ok(found)
}

fn hash<T: FromStr>(document: &Map<String, Value>, word: &'static str) -> Result<Option<T>, Unbelievable> {
    let read = |value: &Value| {
        text(value)
            .and_then(|text| text.parse().ok())
            .ok_or(Unbelievable::Member(word))
    };
    member(document, word)?.map(read).transpose()
}

/// Text, or the id of what is expanded.
fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Object(members) => members.get("@value").or_else(|| members.get("@id"))?.as_str(),
        other => other.as_str(),
    }
}

/// Whether both are there and say different things.
fn differs<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const HASH: &str = "1ad02871c78eb1c2934f46de0c7ffd9ef9ee4083";

    fn read(document: Value) -> Result<Torrent, Unbelievable> {
        Torrent::read(document.as_object().expect("an object"))
    }

    #[test]
    fn every_spelling_of_a_word_is_read() {
        for document in [
            json!({ "id": "https://a.example/t", "infohash_v1": HASH }),
            json!({ "type": "Torrent", "bt:infohash_v1": HASH, "@context": "https://w3id.org/fep/d8c8.jsonld" }),
            json!({ "type": ["Object", "bt:Torrent"], "infohash_v1": HASH, "bt:infohash_v1": HASH }),
            json!({ "type": "https://w3id.org/fep/d8c8#Torrent",
                "https://w3id.org/fep/d8c8#infohash_v1": { "@value": HASH } }),
        ] {
            let torrent = read(document.clone()).expect("read");
            assert_eq!(
                torrent.info_hash_v1.map(|hash| hash.to_string()).as_deref(),
                Some(HASH),
                "{document}"
            );
        }
    }

    #[test]
    fn magnets_are_read_with_and_without_the_multihash_prefix() {
        let v2 = "ab".repeat(32);
        for prefix in ["1220", ""] {
            let magnet = format!("magnet:?xt=urn:btmh:{prefix}{v2}");
            let torrent = read(json!({ "infohash_v2": v2, "magnet": magnet })).expect("read");
            let written = torrent.magnet.expect("a magnet link").to_string();
            assert_eq!(written, format!("magnet:?xt=urn:btmh:1220{v2}"));
        }
    }

    #[test]
    fn what_contradicts_itself_is_not_believed() {
        let other = "00".repeat(20);
        let info = json!({ "length": 5, "name": "x", "piece length": 16384, "pieces": "YWFhYWFhYWFhYWFhYWFhYWFhYWE=" });
        let magnet = format!("magnet:?xt=urn:btih:{other}");
        for (document, reason) in [
            (json!({ "type": "Note", "infohash_v1": HASH }), Unbelievable::Kind),
            (json!({ "type": "Torrent" }), Unbelievable::NoHash),
            (
                json!({ "infohash_v1": "xyz" }),
                Unbelievable::Member("infohash_v1"),
            ),
            (
                json!({ "infohash_v1": HASH, "bt:infohash_v1": other }),
                Unbelievable::Member("infohash_v1"),
            ),
            (
                json!({ "infohash_v1": HASH, "magnet": 5 }),
                Unbelievable::Member("magnet"),
            ),
            (
                json!({ "infohash_v1": HASH, "magnet": magnet }),
                Unbelievable::OtherMagnet,
            ),
            (
                json!({ "infohash_v1": HASH, "info": info }),
                Unbelievable::OtherHash,
            ),
            (
                json!({ "infohash_v1": HASH, "info": {} }),
                Unbelievable::Metainfo(MetainfoError::Missing("piece length")),
            ),
        ] {
            assert_eq!(read(document.clone()).err(), Some(reason), "{document}");
        }
    }
}
