//! The canonical form of JSON (RFC 8785), over which proofs are made: members sorted, no blanks. Texts and whole numbers,
//! of which documents consist, are written here, because every record is; what else a number can be is left to
//! `serde_json_canonicalizer`, whose form of all JSON tests compare with this. Next: `proof.rs`.

use serde_json::{Map, Number, Value};
use std::cmp::Ordering;

/// The largest whole number, either way, that a double holds with all its neighbours: RFC 8785 writes all as doubles.
const MOST: u64 = (1 << 53) - 1;

/// Writes the canonical form of a value behind what is there. Recursive: the caller bounds the depth of what strangers
/// sent (`vocab/incoming.rs`).
///
/// # Errors
/// None that a `Value` is known to cause; passed on from `serde_json`.
pub fn write(out: &mut Vec<u8>, value: &Value) -> serde_json::Result<()> {
    match value {
        Value::Object(members) => write_members(out, members),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(out, item)?;
            }
            out.push(b']');
            Ok(())
        }
        Value::Number(number) if !is_exact(number) => serde_json_canonicalizer::to_writer(number, out),
        // RFC 8785 §3.2.2 escapes in texts what `serde_json` escapes, in the same way.
        plain => serde_json::to_writer(out, plain),
    }
}

/// Writes the canonical form of an object.
///
/// # Errors
/// As [`write`].
pub fn write_members(out: &mut Vec<u8>, members: &Map<String, Value>) -> serde_json::Result<()> {
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    sorted.sort_unstable_by(|(one, _), (other, _)| by_utf16(one, other));
    out.push(b'{');
    for (index, (name, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, name)?;
        out.push(b':');
        write(out, value)?;
    }
    out.push(b'}');
    Ok(())
}

/// A whole number that is written with all its digits.
fn is_exact(number: &Number) -> bool {
    let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
    size.is_some_and(|size| size <= MOST)
}

/// The order of names (RFC 8785 §3.2.3): by UTF-16 code units, which of ASCII is the order of its bytes.
fn by_utf16(one: &str, other: &str) -> Ordering {
    if one.is_ascii() && other.is_ascii() {
        one.cmp(other)
    } else {
        one.encode_utf16().cmp(other.encode_utf16())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// JSON of every kind, with names from all over Unicode and numbers at the edges.
    fn any_json() -> impl Strategy<Value = Value> {
        let name = || prop_oneof!["[a-c@\"\\\\]{0,3}", "\\PC{0,4}", any::<String>()];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-3_i64..3).prop_map(Value::from),
            (0_u64..3).prop_map(|more| Value::from(MOST - 1 + more)),
            (0_i64..3).prop_map(|more| Value::from(-9_007_199_254_740_990 - more)),
            any::<f64>().prop_map(Value::from),
            name().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::vec((name(), inner), 0..8)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_library_writes_the_same(value in any_json()) {
            let mut ours = Vec::new();
            write(&mut ours, &value).expect("a value is JSON");
            let theirs = serde_json_canonicalizer::to_vec(&value).expect("a value is JSON");
            prop_assert_eq!(String::from_utf8(ours), String::from_utf8(theirs));
        }
    }

    #[test]
    fn names_beyond_the_first_plane_come_before_the_last_of_it() {
        let value: Value = serde_json::from_str(r#"{"\ufb33":1,"\ud83d\ude00":2,"a":3}"#).expect("JSON");
        let mut text = Vec::new();
        write(&mut text, &value).expect("a value is JSON");
        assert_eq!(
            String::from_utf8(text).expect("text"),
            "{\"a\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}"
        );
    }
}
