//! Checking a record or an activity from a file: who is said to have signed which part of it, and whether that holds with
//! the actor documents that the caller has, or fetches with [`actor`]. What one edition says of the one before is
//! `chain.rs`; `shoal record verify` asks both.

use super::chain::{self, Unchained};
use crate::{
    ACTIVITY_JSON,
    fetch::{Client, FetchError, is_activity_json},
    policy::same_origin,
    proof::{self, ProofError},
    time::parse_rfc3339,
    vocab::{
        exact::{self, Inexact},
        incoming::{kind_of, url_of},
        torrent::{self, Torrent, Unbelievable},
    },
};
use serde_json::{Map, Value};
use shoal_store::Millis;
use url::Url;

/// How deep objects inside activities are looked into: an `Undo` of a `Delete` of a Tombstone is three.
const MOST_PARTS: usize = 4;

/// Why a document is not believed. Each names the part: `the Create`, `the Upload in it`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not JSON, or not such that it can be signed.
    #[error("the document cannot be checked: {0}")]
    Unreadable(#[from] Inexact),
    /// A member that every record has is missing or not what it should be.
    #[error("{0} has no usable “{1}”")]
    Member(String, &'static str),
    /// A Tombstone by itself: nobody signs those.
    #[error(
        "{0} is a Tombstone: it carries no signature. The Delete activity that tells of it does; check that one"
    )]
    Tombstone(String),
    /// It lies on another server than whoever is said to have made it.
    #[error("{0} is on another server than {1}, whom it is attributed to")]
    OtherHost(String, String),
    /// The proof names a key of another server than the author's.
    #[error("{0} is attributed to {1}, but signed with the key {2}")]
    OtherKey(String, String, String),
    /// It acts on something of somebody else who did not sign it.
    #[error("{0} is attributed to {1}, who did not sign it")]
    Unsigned(String, String),
    /// The actor document is another's.
    #[error("the actor document is that of {0}, not of {1}")]
    OtherActor(String, String),
    /// The actor does not list the key.
    #[error("{0} does not list the key {1} in its assertionMethod")]
    UnknownKey(String, String),
    /// The proof does not hold.
    #[error("{0} is not believed: {1}")]
    Proof(String, ProofError),
    /// A torrent that contradicts itself.
    #[error("{0} is not believed: {1}")]
    Torrent(String, Unbelievable),
    /// What it says of its editions contradicts itself.
    #[error("{0} is not believed: {1}")]
    Edition(String, Unchained),
}

/// One part of a document: the whole, or an object inside an activity.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it is called in sentences.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Its id.
    pub id: Url,
    /// Who is said to have made it; none of a Tombstone, and of what is only named in short.
    pub owner: Option<Url>,
    /// Which key its own proof names; `None` when it has no proof and only the whole vouches for it.
    pub key: Option<String>,
    /// When its proof says that it was made.
    pub created: Option<String>,
    document: Value,
}

/// Reads a document and finds its parts, the whole first. Everything that needs no key is checked.
///
/// # Errors
/// [`Refused`].
pub fn parts(text: &[u8]) -> Result<Vec<Part>, Refused> {
    let document = exact::read(text)?;
    let mut parts = Vec::new();
    collect(&document, &mut parts)?;
    Ok(parts)
}

fn collect(document: &Value, parts: &mut Vec<Part>) -> Result<(), Refused> {
    let outer = parts.last();
    let part = part(document, outer.is_some())?;
    match outer {
        None if part.kind == "Tombstone" => return Err(Refused::Tombstone(part.name)),
        None if part.key.is_none() => return Err(Refused::Proof(part.name, ProofError::Missing)),
        Some(outer) => belongs(&part, outer)?,
        None => {}
    }
    parts.push(part);
    match document.get("object") {
        Some(object @ Value::Object(members)) if members.contains_key("type") && parts.len() < MOST_PARTS => {
            collect(object, parts)
        }
        _ => Ok(()),
    }
}

/// Whether an activity may carry what it carries: changes are made only by whom the thing belongs to, or with a
/// signature of theirs.
fn belongs(part: &Part, outer: &Part) -> Result<(), Refused> {
    if !matches!(
        outer.kind.as_str(),
        "Create" | "Update" | "Delete" | "Add" | "Remove"
    ) {
        return Ok(());
    }
    let actor = outer.owner.as_ref();
    match (&part.owner, actor) {
        (Some(owner), Some(actor)) if owner != actor && part.key.is_none() => {
            Err(Refused::Unsigned(part.name.clone(), owner.to_string()))
        }
        (_, Some(actor)) if !same_origin(&part.id, actor) => {
            Err(Refused::OtherHost(part.name.clone(), actor.to_string()))
        }
        _ => Ok(()),
    }
}

/// One part, with everything checked that it shows by itself.
fn part(document: &Value, inside: bool) -> Result<Part, Refused> {
    let nameless = || Refused::Member("the document".to_owned(), "type");
    let members = document.as_object().ok_or_else(nameless)?;
    let kind = members.get("type").and_then(kind_of).ok_or_else(nameless)?;
    let name = if inside {
        format!("the {kind} in it")
    } else {
        format!("the {kind}")
    };
    let member = |member| Refused::Member(name.clone(), member);
    let id = members.get("id").and_then(url_of).ok_or_else(|| member("id"))?;
    let owner = owner(members, &kind).map_err(member)?;
    let (mut key, mut created) = (None, None);
    if let Some(proof) = members.get("proof") {
        let named = proof.get("verificationMethod").and_then(Value::as_str);
        let named = named.ok_or_else(|| Refused::Proof(name.clone(), ProofError::Unsupported))?;
        let owner = owner.as_ref().ok_or_else(|| member("attributedTo"))?;
        if !same_origin(&id, owner) {
            return Err(Refused::OtherHost(name, owner.to_string()));
        }
        let signer = Url::parse(named).ok().filter(|key| same_origin(key, owner));
        if signer.is_none() {
            return Err(Refused::OtherKey(name, owner.to_string(), named.to_owned()));
        }
        key = Some(named.to_owned());
        created = proof.get("created").and_then(Value::as_str).map(str::to_owned);
    }
    if torrent::is_torrent(members.get("type")) {
        Torrent::read(members).map_err(|error| Refused::Torrent(name.clone(), error))?;
    }
    chain::edition(members).map_err(|error| Refused::Edition(name.clone(), error))?;
    Ok(Part {
        name,
        kind,
        id,
        owner,
        key,
        created,
        document: document.clone(),
    })
}

/// Whom a part belongs to: an activity to its `actor`, an actor to itself, anything else to whom it is attributed to.
fn owner(members: &Map<String, Value>, kind: &str) -> Result<Option<Url>, &'static str> {
    const ACTORS: [&str; 5] = ["Person", "Group", "Service", "Organization", "Application"];
    if ACTORS.contains(&kind) {
        return Ok(members.get("id").and_then(url_of));
    }
    let read = |name: &'static str| match members.get(name) {
        Some(value) => url_of(value).map(Some).ok_or(name),
        None => Ok(None),
    };
    match (read("actor")?, read("attributedTo")?) {
        (Some(actor), Some(author)) if actor != author => Err("actor"),
        (actor, author) => Ok(actor.or(author)),
    }
}

impl Part {
    /// Whether this is the document of the actor that the part belongs to.
    #[must_use]
    pub fn is_by(&self, actor: &Value) -> bool {
        self.owner.is_some() && actor.get("id").and_then(url_of) == self.owner
    }

    /// Whether the part holds, by the document of the actor that it belongs to. Nothing is asked of a part without a proof.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn verify(&self, actor: &Value, now: Millis) -> Result<(), Refused> {
        let (Some(owner), Some(key)) = (&self.owner, &self.key) else {
            return Ok(());
        };
        if !self.is_by(actor) {
            let found = actor.get("id").and_then(Value::as_str).unwrap_or("nobody");
            return Err(Refused::OtherActor(found.to_owned(), owner.to_string()));
        }
        let multibase = multikey(actor, owner, key, now);
        let multibase = multibase.ok_or_else(|| Refused::UnknownKey(owner.to_string(), key.clone()))?;
        proof::verify(&self.document, key, multibase, now)
            .map_err(|error| Refused::Proof(self.name.clone(), error))
    }

    /// Whether `former` is the exact text of the edition before this one.
    ///
    /// # Errors
    /// [`Refused::Edition`].
    pub fn follows(&self, former: &[u8]) -> Result<(), Refused> {
        chain::follows(&self.document, former).map_err(|error| Refused::Edition(self.name.clone(), error))
    }

    /// A member of the document, for showing.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.document.get(name)
    }
}

/// The public key that an actor lists under this id for signing documents (FEP-521a), unless it has ended.
fn multikey<'a>(actor: &'a Value, owner: &Url, key: &str, now: Millis) -> Option<&'a str> {
    let listed = match actor.get("assertionMethod")? {
        Value::Array(keys) => keys.as_slice(),
        one => std::slice::from_ref(one),
    };
    let text = |entry: &'a Value, name: &str| entry.get(name).and_then(Value::as_str);
    let ended = |entry: &Value| {
        ["expires", "revoked"].iter().any(|name| {
            let time = entry.get(*name).map(|time| time.as_str().and_then(parse_rfc3339));
            time.is_some_and(|time| time.is_none_or(|time| time <= now))
        })
    };
    let found = listed.iter().take(MOST_KEYS).find(|entry| {
        text(entry, "id") == Some(key)
            && text(entry, "type") == Some("Multikey")
            && text(entry, "controller") == Some(owner.as_str())
            && !ended(entry)
    });
    text(found?, "publicKeyMultibase")
}

/// The most keys of one actor that are looked at.
const MOST_KEYS: usize = 10;

/// Fetches an actor's document, as it stands on its server now; of one that is gone, what is left of it, if that has keys.
///
/// # Errors
/// [`FetchError`]: what went wrong, or what came back instead.
pub async fn actor(client: &Client, id: &Url) -> Result<Value, FetchError> {
    let fetched = client.get(id, ACTIVITY_JSON).await?;
    let kind = fetched.headers.get(http::header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match fetched.status.as_u16() {
        200 => {}
        410 => {
            let left = is_activity_json(kind).then(|| exact::read(&fetched.body).ok());
            let with_keys = left
                .flatten()
                .filter(|left| left.get("assertionMethod").is_some());
            return with_keys.ok_or(FetchError::Gone);
        }
        status => return Err(FetchError::Status(status)),
    }
    if !is_activity_json(kind) {
        return Err(FetchError::Unusable(format!(
            "the answer is {kind:?}, not an ActivityPub document"
        )));
    }
    exact::read(&fetched.body).map_err(|error| FetchError::Unusable(error.to_string()))
}
