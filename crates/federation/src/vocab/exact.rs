//! JSON that every reader understands alike (I-JSON, RFC 7493), as signatures over its canonical form need it (RFC 8785
//! §3.1): no member twice, no number that a reader may round. What the JSON says is not looked at here.

use super::incoming::{MAX_DEPTH, depth};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// The most bytes that are read: what servers fetch at most.
pub const MOST_BYTES: usize = 1024 * 1024;
/// The largest whole number, either way, that a double holds with all its neighbours (RFC 7493 §2.2).
const MOST: u64 = (1 << 53) - 1;

/// Why a text is not such JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Inexact {
    /// Longer than [`MOST_BYTES`].
    #[error("it is longer than 1 MiB")]
    Length,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("it is nested more than {} deep", MAX_DEPTH)]
    Depth,
    /// Not JSON, or JSON that two readers may understand differently; says where.
    #[error("it is no JSON that can be signed: {0}")]
    Json(String),
}

/// Reads JSON that can be signed.
///
/// # Errors
/// [`Inexact`].
pub fn read(text: &[u8]) -> Result<Value, Inexact> {
    if text.len() > MOST_BYTES {
        return Err(Inexact::Length);
    }
    if depth(text) > MAX_DEPTH {
        return Err(Inexact::Depth);
    }
    let Exact(value) = serde_json::from_slice(text).map_err(|error| Inexact::Json(error.to_string()))?;
    Ok(value)
}

struct Exact(Value);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        exact(value.unsigned_abs())?;
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        exact(value)?;
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Exact(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Exact(value))) = pairs.next_entry::<String, Exact>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{name:?} is there twice")));
            }
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

fn exact<E: Error>(number: u64) -> Result<(), E> {
    if number > MOST {
        return Err(E::custom(format_args!(
            "the number {number} is not exact everywhere"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_agree_on_is_read_and_nothing_else() {
        let fine = br#"{"a":[1,-2.5,"x",null,true,{"b":9007199254740991}],"c":1e300}"#;
        assert_eq!(read(fine), Ok(serde_json::from_slice(fine).expect("JSON")));
        for (text, said) in [
            (r#"{"a":1,"b":{"a":1},"a":2}"#, "\"a\" is there twice"),
            (r#"[9007199254740992]"#, "is not exact"),
            (r#"[-9007199254740992]"#, "is not exact"),
            (r#"["\ud800"]"#, "hex escape"),
            ("{} {}", "trailing"),
            ("\u{feff}{}", "expected value"),
            ("NaN", "expected value"),
        ] {
            let refused = read(text.as_bytes()).expect_err(text).to_string();
            assert!(refused.contains(said), "{refused}");
        }
        assert_eq!(read("[".repeat(65).as_bytes()), Err(Inexact::Depth));
        assert_eq!(read(" ".repeat(MOST_BYTES + 1).as_bytes()), Err(Inexact::Length));
    }
}
