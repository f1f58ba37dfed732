//! What is read of an activity that came in: id, type, actor and object, in all the spellings that servers use. Nothing
//! else of it is looked at. `inbox/` decides what it means.

use crate::policy::MAX_URL;
use serde_json::{Map, Value, json};
use url::Url;

/// The deepest nesting that is parsed; real activities stay below 20.
pub const MAX_DEPTH: usize = 64;

/// An activity's envelope.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Its id.
    pub id: Url,
    /// Its type; of several, the first.
    pub kind: String,
    /// Who claims to do it.
    pub actor: Url,
    /// What it is done to, when it names something.
    pub object: Option<Object>,
    /// Of a `Follow`, its id, type, actor and object's id in the sender's own spelling, for giving back.
    pub as_written: Value,
}

/// What an activity is done to.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its id, when it has one that is a URL.
    pub id: Option<Url>,
    /// Its members, when it is embedded.
    pub embedded: Option<Map<String, Value>>,
}

/// Why a body is not an activity. All of them are answered 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("the document is nested too deeply")]
    Depth,
    /// Not JSON, or not an object.
    #[error("the body is not a JSON object")]
    Json,
    /// A member that every activity has is missing or of the wrong sort.
    #[error("the activity has no usable {0}")]
    Member(&'static str),
}

impl Incoming {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Unreadable`], with the member that is wrong.
    pub fn parse(body: &[u8]) -> Result<Self, Unreadable> {
        if depth(body) > MAX_DEPTH {
            return Err(Unreadable::Depth);
        }
        let Ok(Value::Object(mut members)) = serde_json::from_slice(body) else {
            return Err(Unreadable::Json);
        };
        let id = members.get("id").and_then(url_of);
        let id = id.ok_or(Unreadable::Member("id"))?;
        let kind = members.get("type").and_then(kind_of);
        let kind = kind.ok_or(Unreadable::Member("type"))?;
        let actor = members.get("actor").and_then(url_of);
        let actor = actor.ok_or(Unreadable::Member("actor"))?;
        let as_written = match kind.as_str() {
            "Follow" => as_written(&members),
            _ => Value::Null,
        };
        Ok(Self {
            id,
            kind,
            actor,
            object: members.get_mut("object").map(Value::take).and_then(Object::read),
            as_written,
        })
    }
}

impl Object {
    /// Reads an id, an embedded object, or a list of exactly one of them.
    fn read(value: Value) -> Option<Self> {
        match value {
            Value::Array(mut items) => match items.pop() {
                Some(only) if items.is_empty() && !only.is_array() => Self::read(only),
                _ => None,
            },
            Value::Object(members) => Some(Self {
                id: members.get("id").and_then(url_of),
                embedded: Some(members),
            }),
            other => Some(Self {
                id: Some(url_of(&other)?),
                embedded: None,
            }),
        }
    }

    /// The type of an embedded object.
    pub fn kind(&self) -> Option<String> {
        self.embedded.as_ref()?.get("type").and_then(kind_of)
    }

    /// A member of an embedded object that is an id or carries one.
    pub fn member(&self, name: &str) -> Option<Url> {
        self.embedded.as_ref()?.get(name).and_then(url_of)
    }
}

/// The id in a string, in an embedded object, or in a list of one.
pub fn url_of(value: &Value) -> Option<Url> {
    let text = match value {
        Value::String(text) => text.as_str(),
        Value::Object(members) => members.get("id")?.as_str()?,
        Value::Array(items) => match items.as_slice() {
            [Value::String(text)] => text.as_str(),
            [Value::Object(members)] => members.get("id")?.as_str()?,
            _ => return None,
        },
        _ => return None,
    };
    if text.len() > MAX_URL {
        return None;
    }
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// The members that an answer gives back; what is embedded shrinks to its id.
fn as_written(members: &Map<String, Value>) -> Value {
    let text = |value: &Value| match value {
        Value::Array(items) => items.first().cloned().unwrap_or_default(),
        other => other.clone(),
    };
    let id = |value: &Value| match text(value) {
        Value::Object(mut embedded) => embedded.remove("id").unwrap_or_default(),
        other => other,
    };
    let member = |name: &str| members.get(name).map(id).unwrap_or_default();
    json!({ "id": member("id"), "type": member("type"), "actor": member("actor"), "object": member("object") })
}

/// The type in a string, or the first in a list.
pub fn kind_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text,
        Value::Array(items) => items.first()?.as_str()?,
        _ => return None,
    };
    (!text.is_empty() && text.len() <= 64).then(|| text.to_owned())
}

/// How deep the brackets of a JSON text go, without parsing it; brackets in strings do not count.
pub fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => in_string = false,
            (true, _) => {}
            (false, b'"') => in_string = true,
            (false, b'[' | b'{') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            (false, _) => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_is_read_in_its_usual_spellings() {
        let body =
            br#"{"id":"https://a.example/1","type":["Follow","x"],"actor":{"id":"https://a.example/u"},
            "object":["https://b.example/c"]}"#;
        let read = Incoming::parse(body).expect("an activity");
        assert_eq!(
            (read.kind.as_str(), read.actor.as_str()),
            ("Follow", "https://a.example/u")
        );
        let object = read.object.expect("an object");
        assert_eq!(object.id.expect("an id").as_str(), "https://b.example/c");
    }

    #[test]
    fn what_is_not_an_activity_is_refused_with_its_reason() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(
            Incoming::parse(deep.as_bytes()).expect_err("deep"),
            Unreadable::Depth
        );
        for (body, reason) in [
            ("", Unreadable::Json),
            ("[]", Unreadable::Json),
            ("{}", Unreadable::Member("id")),
            (r#"{"id":"a"}"#, Unreadable::Member("id")),
            (r#"{"id":"data:x"}"#, Unreadable::Member("id")),
            (
                r#"{"id":"https://a.example/1","type":[]}"#,
                Unreadable::Member("type"),
            ),
            (
                r#"{"id":"https://a.example/1","type":"Like","actor":[1]}"#,
                Unreadable::Member("actor"),
            ),
        ] {
            assert_eq!(
                Incoming::parse(body.as_bytes()).expect_err(body),
                reason,
                "{body}"
            );
        }
    }

    #[test]
    fn brackets_in_strings_are_not_depth() {
        assert_eq!(depth(br#"{"a":"[[[\"[["}"#), 1);
        assert_eq!(depth(b"[{},[{}]]"), 3);
        assert_eq!(depth(b"]]]]"), 0);
    }
}
