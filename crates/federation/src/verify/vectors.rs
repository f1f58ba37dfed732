//! Both schemes against requests made by others: the examples of the draft and of the RFC, Mastodon's whole requests on
//! their frozen clock, and requests captured from real servers. Read from beside the project; skipped where it is not
//! there.

mod captured;
mod draft;
mod mastodon;
mod rfc;

use super::Head;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// A file of vectors; `None`, said aloud, where there is none.
fn file(name: &str) -> Option<Value> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora");
    let folder = std::env::var("SHOAL_CORPORA").unwrap_or_else(|_| beside.to_owned());
    let path = format!("{folder}/vectors/{name}");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {path} is not there");
        return None;
    };
    Some(serde_json::from_str(&text).expect("the vectors are JSON"))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Headers as a vector lists them: an object, or pairs.
fn headers(listed: &Value) -> HeaderMap {
    let pair = |name: &str, value: &Value| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        let value = HeaderValue::from_str(value.as_str().unwrap_or_default()).expect("a header value");
        (name, value)
    };
    match listed {
        Value::Object(members) => members.iter().map(|(name, value)| pair(name, value)).collect(),
        Value::Array(pairs) => pairs
            .iter()
            .map(|listed| pair(listed[0].as_str().unwrap_or_default(), &listed[1]))
            .collect(),
        other => panic!("no headers: {other}"),
    }
}

/// A request with the body of a vector.
fn head<'a>(method: &'a str, target: &'a str, headers: &'a HeaderMap, vector: &'a Value) -> Head<'a> {
    Head {
        method,
        path_and_query: target,
        headers,
        body: text(vector, "body").as_bytes(),
    }
}
