//! What is read of somebody else's actor document, and the rules that make it believable: everything that acts for the
//! actor has to live on the actor's own host. `remote.rs` fetches and keeps it.

use super::incoming::{kind_of, url_of};
use crate::{
    keys::ed25519_from_multibase,
    policy::{host_of, same_origin},
    verify::key::PublicKey,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

/// The longest title that is kept, in characters.
const MAX_TITLE: usize = 200;
/// The longest name in a handle.
const MAX_NAME: usize = 128;
/// The most keys of one actor that are looked at.
const MAX_KEYS: usize = 10;
/// The longest document that is kept.
const MAX_DOCUMENT: usize = 64 * 1024;
/// The most capabilities of one actor that are looked at.
const MAX_CAPABILITIES: usize = 64;

/// An actor document, read but not yet believed.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Document(pub Map<String, Value>);

/// An actor that everything of has been checked that a document can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteActor {
    /// Its id.
    pub id: Url,
    /// `Person`, `Group`, `Service`, `Organization` or `Application`.
    pub kind: String,
    /// The name in its handle.
    pub name: String,
    /// What it calls itself; its name when it says nothing.
    pub title: String,
    /// Where to write to it.
    pub inbox: Url,
    /// Where one delivery serves its whole server.
    pub shared_inbox: Option<Url>,
    /// Its keys for HTTP signatures; at least one.
    pub keys: Vec<Key>,
    /// Its Ed25519 keys for proofs, which may sign requests too (FEP-521a).
    pub multikeys: Vec<Multikey>,
}

impl RemoteActor {
    /// The key of that id, of either sort; `None` when it lists none or the key cannot be read.
    pub fn key(&self, id: &str) -> Option<PublicKey> {
        if let Some(key) = self.keys.iter().find(|key| key.id == id) {
            return PublicKey::from_pem(&key.pem);
        }
        let multikey = self.multikeys.iter().find(|key| key.id == id)?;
        PublicKey::from_ed25519(&multikey.public)
    }
}

/// A key of somebody else's actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id, as signatures name it.
    pub id: String,
    /// PEM.
    pub pem: String,
}

/// An Ed25519 key of somebody else's actor, out of its `assertionMethod`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multikey {
    /// Its id, as proofs name it.
    pub id: String,
    /// Its 32 bytes.
    pub public: Vec<u8>,
}

/// Why an actor document is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A type that is not an actor's.
    #[error("this is not an actor")]
    Kind,
    /// A member is missing or of the wrong sort.
    #[error("the actor has no usable {0}")]
    Member(&'static str),
    /// A member points to another host than the actor's.
    #[error("the actor's {0} is on another host")]
    OtherHost(&'static str),
    /// Longer than 64 KiB.
    #[error("the actor document is too long")]
    Length,
}

impl Document {
    /// Checks the document and picks out what is kept.
    ///
    /// # Errors
    /// [`Unfit`], with the member that is wrong.
    pub fn check(&self) -> Result<RemoteActor, Unfit> {
        let members = &self.0;
        let id = members.get("id").and_then(url_of).ok_or(Unfit::Member("id"))?;
        if id.fragment().is_some() || !id.username().is_empty() || id.password().is_some() {
            return Err(Unfit::Member("id"));
        }
        let kind = self.kind()?;
        let name = match members.get("preferredUsername") {
            Some(Value::String(name)) => name.clone(),
            Some(_) => return Err(Unfit::Member("preferredUsername")),
            None => host_of(&id),
        };
        if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(is_odd) {
            return Err(Unfit::Member("preferredUsername"));
        }
        let title = members
            .get("name")
            .and_then(Value::as_str)
            .map(clean)
            .filter(|title| !title.is_empty());
        let inbox = members
            .get("inbox")
            .and_then(url_of)
            .ok_or(Unfit::Member("inbox"))?;
        if !same_origin(&inbox, &id) {
            return Err(Unfit::OtherHost("inbox"));
        }
        // A shared inbox elsewhere is not an error of the actor; it is only not used.
        let shared_inbox = members
            .get("endpoints")
            .and_then(|endpoints| endpoints.get("sharedInbox"))
            .and_then(url_of)
            .filter(|shared| same_origin(shared, &id));
        let (keys, multikeys) = (self.keys(&id)?, self.multikeys(&id));
        Ok(RemoteActor {
            title: title.unwrap_or_else(|| name.clone()),
            id,
            kind,
            name,
            inbox,
            shared_inbox,
            keys,
            multikeys,
        })
    }

    /// The document as it is kept.
    ///
    /// # Errors
    /// [`Unfit::Length`].
    pub fn text(&self) -> Result<String, Unfit> {
        let text = Value::Object(self.0.clone()).to_string();
        if text.len() > MAX_DOCUMENT {
            Err(Unfit::Length)
        } else {
            Ok(text)
        }
    }

    /// Whether the software declares that it understands records (FEP-844e: `implements` on the actor itself or on its
    /// `generator`).
    pub fn understands_records(&self) -> bool {
        let generator = self
            .0
            .get("generator")
            .and_then(|generator| generator.get("implements"));
        [self.0.get("implements"), generator]
            .into_iter()
            .flatten()
            .any(declares_records)
    }

    /// The first type that is an actor's.
    fn kind(&self) -> Result<String, Unfit> {
        const KINDS: [&str; 5] = ["Person", "Group", "Service", "Organization", "Application"];
        let named = match self.0.get("type") {
            Some(Value::Array(items)) => items.iter().take(8).filter_map(kind_of).collect(),
            Some(one) => kind_of(one).into_iter().collect::<Vec<_>>(),
            None => Vec::new(),
        };
        named
            .into_iter()
            .find(|kind| KINDS.contains(&kind.as_str()))
            .ok_or(Unfit::Kind)
    }

    /// The keys that the actor owns and that live on its host.
    fn keys(&self, actor: &Url) -> Result<Vec<Key>, Unfit> {
        let listed = self.listed("publicKey");
        let keys: Vec<Key> = listed.filter_map(|key| read_key(key, actor)).collect();
        if keys.is_empty() {
            Err(Unfit::Member("publicKey"))
        } else {
            Ok(keys)
        }
    }

    /// The Ed25519 keys that the actor controls and that live on its host. Others are passed over.
    fn multikeys(&self, actor: &Url) -> Vec<Multikey> {
        let listed = self.listed("assertionMethod");
        listed.filter_map(|key| read_multikey(key, actor)).collect()
    }

    /// What a member holds: one value, or the first [`MAX_KEYS`] of a list.
    fn listed(&self, member: &str) -> impl Iterator<Item = &Value> {
        let listed = match self.0.get(member) {
            Some(Value::Array(many)) => many,
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        listed.iter().take(MAX_KEYS)
    }
}

fn read_multikey(key: &Value, actor: &Url) -> Option<Multikey> {
    let id = url_of(key.get("id")?)?;
    let controller = url_of(key.get("controller")?)?;
    if kind_of(key.get("type")?)? != "Multikey" || controller != *actor || !same_origin(&id, actor) {
        return None;
    }
    Some(Multikey {
        id: key.get("id")?.as_str()?.to_owned(),
        public: ed25519_from_multibase(key.get("publicKeyMultibase")?.as_str()?)?,
    })
}

/// Whether a list of capabilities, or a single one, names records: as a Link or as a bare id.
fn declares_records(implements: &Value) -> bool {
    let listed: &[Value] = match implements {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    };
    listed.iter().take(MAX_CAPABILITIES).any(|one| {
        let href = one.as_str().or_else(|| one.get("href").and_then(Value::as_str));
        href.or_else(|| one.get("id").and_then(Value::as_str)) == Some(super::RECORDS)
    })
}

fn read_key(key: &Value, actor: &Url) -> Option<Key> {
    let id = url_of(key.get("id")?)?;
    let owner = url_of(key.get("owner")?)?;
    let pem = key.get("publicKeyPem")?.as_str()?;
    if owner != *actor || !same_origin(&id, actor) || pem.len() > 8 * 1024 {
        return None;
    }
    Some(Key {
        id: key.get("id")?.as_str()?.to_owned(),
        pem: pem.to_owned(),
    })
}

/// Characters that have no place in a name: they would make it look like another, or like part of a handle or path.
fn is_odd(character: char) -> bool {
    character.is_control()
        || character.is_whitespace()
        || matches!(character, '@' | '/' | '\\' | '#' | '?' | '<' | '>' | '"' | '&' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A title without control and direction characters, cut to [`MAX_TITLE`].
fn clean(title: &str) -> String {
    let kept = title
        .chars()
        .filter(|&character| character == ' ' || !is_odd_in_title(character));
    kept.take(MAX_TITLE).collect::<String>().trim().to_owned()
}

fn is_odd_in_title(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(change: impl FnOnce(&mut Value)) -> Document {
        let mut actor = json!({
            "id": "https://m.example/users/ann", "type": "Person", "preferredUsername": "ann", "name": "Ann",
            "inbox": "https://m.example/users/ann/inbox",
            "endpoints": { "sharedInbox": "https://m.example/inbox" },
            "publicKey": { "id": "https://m.example/users/ann#main-key", "owner": "https://m.example/users/ann",
                "publicKeyPem": "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n" }
        });
        change(&mut actor);
        serde_json::from_value(actor).expect("an object")
    }

    #[test]
    fn an_ordinary_actor_is_taken() {
        let actor = document(|_| {}).check().expect("taken");
        assert_eq!(
            (actor.name.as_str(), actor.title.as_str(), actor.kind.as_str()),
            ("ann", "Ann", "Person")
        );
        assert_eq!(actor.keys[0].id, "https://m.example/users/ann#main-key");
        assert_eq!(actor.shared_inbox.expect("a shared inbox").path(), "/inbox");
    }

    #[test]
    fn what_acts_for_an_actor_lives_on_its_host() {
        let evil =
            |member: &'static str| document(move |actor| actor[member] = json!("https://evil.example/inbox"));
        assert_eq!(evil("inbox").check(), Err(Unfit::OtherHost("inbox")));
        let key = document(|actor| actor["publicKey"]["id"] = json!("https://evil.example/key"));
        assert_eq!(key.check(), Err(Unfit::Member("publicKey")));
        let owner = document(|actor| actor["publicKey"]["owner"] = json!("https://m.example/users/bob"));
        assert_eq!(owner.check(), Err(Unfit::Member("publicKey")));
        let shared =
            document(|actor| actor["endpoints"]["sharedInbox"] = json!("https://evil.example/inbox"));
        assert_eq!(shared.check().expect("taken").shared_inbox, None);
    }

    #[test]
    fn who_understands_records_says_so() {
        let says = |member: &'static str, value: Value| {
            document(move |actor| actor[member] = value).understands_records()
        };
        assert!(!document(|_| {}).understands_records());
        assert!(says(
            "implements",
            json!([{ "href": "urn:other" }, { "href": "urn:shoal:records" }])
        ));
        assert!(says("implements", json!("urn:shoal:records")));
        let generator = json!({ "type": "Application", "implements": [{ "id": "urn:shoal:records" }] });
        assert!(says("generator", generator));
        for other in [
            json!(null),
            json!("https://shoal.example/"),
            json!({ "name": "urn:shoal:records" }),
        ] {
            assert!(!says("generator", other.clone()) && !says("implements", other));
        }
    }

    #[test]
    fn ed25519_keys_are_read_that_the_actor_controls() {
        let key = json!({
            "id": "https://m.example/users/ann#ed25519-key", "type": "Multikey",
            "controller": "https://m.example/users/ann",
            "publicKeyMultibase": "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2",
        });
        let with = |member: &'static str, value: Value| {
            let mut key = key.clone();
            key[member] = value;
            document(move |actor| actor["assertionMethod"] = json!([key, "https://m.example/users/ann#x"]))
                .check()
                .expect("taken")
        };
        let actor = with("type", json!("Multikey"));
        assert_eq!((actor.multikeys.len(), actor.multikeys[0].public.len()), (1, 32));
        assert!(actor.key("https://m.example/users/ann#ed25519-key").is_some());
        assert!(actor.key("https://m.example/users/ann#other").is_none());
        for (member, value) in [
            ("type", "DataIntegrityProof"),
            ("controller", "https://m.example/users/bob"),
            ("id", "https://evil.example/users/ann#ed25519-key"),
            ("publicKeyMultibase", "z6Mk"),
        ] {
            assert!(with(member, json!(value)).multikeys.is_empty(), "{member}");
        }
    }

    #[test]
    fn odd_names_are_refused_and_odd_titles_cleaned() {
        for name in [
            "",
            "a@b",
            "a/b",
            "a\u{0}b",
            "a\u{202e}b",
            "a b",
            &"a".repeat(10_000),
        ] {
            let actor = document(|actor| actor["preferredUsername"] = json!(name));
            assert_eq!(actor.check(), Err(Unfit::Member("preferredUsername")), "{name:?}");
        }
        let actor = document(|actor| actor["name"] = json!(format!("\u{202e}A\u{0}nn {}", "x".repeat(1000))));
        let title = actor.check().expect("taken").title;
        assert!(
            title.starts_with("Ann x") && title.chars().count() <= MAX_TITLE,
            "{title}"
        );
    }

    #[test]
    fn several_types_and_keys_are_understood_and_others_refused() {
        let actor = document(|actor| {
            actor["type"] = json!(["schema:Person", "Service"]);
            actor["publicKey"] = json!([{ "id": "x" }, actor["publicKey"].clone()]);
        });
        let actor = actor.check().expect("taken");
        assert_eq!((actor.kind.as_str(), actor.keys.len()), ("Service", 1));
        assert_eq!(
            document(|actor| actor["type"] = json!("Dataset")).check(),
            Err(Unfit::Kind)
        );
        assert_eq!(
            document(|actor| actor["publicKey"] = json!(null)).check(),
            Err(Unfit::Member("publicKey"))
        );
    }
}
