//! draft-cavage-http-signatures-12, the receiving side: reads the `Signature` header strictly and rebuilds the signing
//! string. What has to be covered, and when, is `rules.rs`.

use super::{
    Head, MAX_COVERED, MAX_HEADER, MAX_SIGNATURES, Refusal, is_cavage, joined,
    key::Kind,
    lines,
    rules::{Covered, Statement},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{collections::BTreeMap, fmt::Write};

/// What each `Signature` header of this scheme says.
pub(super) fn statements(head: Head<'_>) -> Vec<Result<Statement, Refusal>> {
    let beside_the_other = head.headers.contains_key("signature-input");
    match lines(head, "signature") {
        Ok(lines) => lines
            .into_iter()
            .filter(|line| !beside_the_other || is_cavage(line))
            .take(MAX_SIGNATURES)
            .map(|line| statement(line, head))
            .collect(),
        Err(refusal) => vec![Err(refusal)],
    }
}

/// What one header says.
pub(super) fn statement(header: &str, head: Head<'_>) -> Result<Statement, Refusal> {
    let parameters = Parameters::parse(header)?;
    let mut texts = vec![signing_string(&parameters, head, head.path_and_query)?];
    if let (Some((path, _)), "GET") = (head.path_and_query.split_once('?'), head.method) {
        // Old versions of Mastodon left the query out of what they signed.
        texts.push(signing_string(&parameters, head, path)?);
    }
    let created = match parameters.covers("(created)") {
        true => Some(
            parameters
                .created
                .ok_or(Refusal::Malformed("(created) without created"))?,
        ),
        false => None,
    };
    if parameters.covers("(expires)") && parameters.expires.is_none() {
        return Err(Refusal::Malformed("(expires) without expires"));
    }
    let target = parameters.covers("(request-target)");
    let covered = Covered {
        method: target,
        target,
        authority: false,
        host: parameters.covers("host"),
        date: parameters.covers("date"),
        digest: parameters.covers("digest"),
        content_digest: parameters.covers("content-digest"),
    };
    Ok(Statement {
        named: named(parameters.algorithm.as_deref(), created.is_some())?,
        key_id: parameters.key_id,
        covered,
        created,
        expires: parameters.expires,
        texts,
        signature: parameters.signature,
    })
}

/// What sort of key the algorithm's name asks for.
fn named(algorithm: Option<&str>, created: bool) -> Result<Option<Kind>, Refusal> {
    match algorithm {
        None | Some("hs2019") => Ok(None),
        // draft-cavage-12 §2.3: (created) must not be used with the old algorithm names.
        Some("rsa-sha256") if !created => Ok(Some(Kind::Rsa)),
        Some("ed25519") => Ok(Some(Kind::Ed25519)),
        Some(_) => Err(Refusal::Algorithm),
    }
}

/// The parameters of a Signature header.
#[derive(Debug)]
struct Parameters {
    key_id: String,
    algorithm: Option<String>,
    created: Option<i64>,
    expires: Option<i64>,
    covered: Vec<String>,
    signature: Vec<u8>,
}

impl Parameters {
    /// Reads `name="value"` or `name=number`, comma separated; each name at most once.
    fn parse(header: &str) -> Result<Self, Refusal> {
        if header.len() > MAX_HEADER {
            return Err(Refusal::Malformed("it is too long"));
        }
        let mut fields = split(header)?;
        let signature = fields
            .remove("signature")
            .ok_or(Refusal::Malformed("no signature"))?;
        let covered = fields
            .remove("headers")
            .ok_or(Refusal::NotCovered("anything but the time"))?;
        let covered: Vec<String> = covered.split(' ').map(str::to_ascii_lowercase).collect();
        let mut sorted = covered.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if covered.len() > MAX_COVERED
            || sorted.len() != covered.len()
            || covered.iter().any(String::is_empty)
        {
            return Err(Refusal::Malformed("the list of headers"));
        }
        Ok(Self {
            key_id: fields.remove("keyId").ok_or(Refusal::Malformed("no keyId"))?,
            algorithm: fields.remove("algorithm").map(|name| name.to_ascii_lowercase()),
            created: seconds(fields.remove("created"))?,
            expires: seconds(fields.remove("expires"))?,
            covered,
            signature: STANDARD
                .decode(signature)
                .map_err(|_| Refusal::Malformed("the signature is not base64"))?,
        })
    }

    fn covers(&self, name: &str) -> bool {
        self.covered.iter().any(|covered| covered == name)
    }
}

/// Splits a header into its parameters without ever guessing: quotes must close, names must differ.
fn split(header: &str) -> Result<BTreeMap<String, String>, Refusal> {
    let mut fields = BTreeMap::new();
    let mut rest = header.trim();
    while !rest.is_empty() {
        let (name, after) = rest
            .split_once('=')
            .ok_or(Refusal::Malformed("a parameter has no value"))?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted
                .split_once('"')
                .ok_or(Refusal::Malformed("a quote does not close"))?,
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        if fields
            .insert(name.trim().to_owned(), value.trim().to_owned())
            .is_some()
        {
            return Err(Refusal::Malformed("a parameter comes twice"));
        }
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => after,
            None => return Err(Refusal::Malformed("something follows a value")),
        };
    }
    Ok(fields)
}

fn seconds(text: Option<String>) -> Result<Option<i64>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    if text.is_empty() || text.len() > 12 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::Malformed("a time is not a number"));
    }
    text.parse()
        .map(Some)
        .map_err(|_| Refusal::Malformed("a time is not a number"))
}

/// The text that was signed (§2.3): a line for each name that is covered, in their order.
fn signing_string(parameters: &Parameters, head: Head<'_>, path: &str) -> Result<String, Refusal> {
    const UNTIMED: Refusal = Refusal::Malformed("it covers a time that it does not have");
    let mut text = String::with_capacity(256);
    for name in &parameters.covered {
        if !text.is_empty() {
            text.push('\n');
        }
        let written = match name.as_str() {
            "(request-target)" => write!(text, "{name}: {} {path}", head.method.to_ascii_lowercase()),
            "(created)" => write!(text, "{name}: {}", parameters.created.ok_or(UNTIMED)?),
            "(expires)" => write!(text, "{name}: {}", parameters.expires.ok_or(UNTIMED)?),
            "authorization" | "signature" => return Err(Refusal::Malformed("it covers a signature")),
            header => write!(text, "{name}: {}", joined(head, header)?),
        };
        written.map_err(|_| Refusal::Malformed("the list of headers"))?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_strictly() {
        let good = r#"keyId="https://a.example/k",algorithm="hs2019",created=1,headers="host date",signature="AA==""#;
        let read = Parameters::parse(good).expect("well formed");
        assert_eq!(
            (read.created, read.covered.len(), read.signature.len()),
            (Some(1), 2, 1)
        );
        assert!(Parameters::parse(&good.replace(",", " , ")).is_ok());
        for wrong in [
            "",
            "keyId",
            r#"keyId="a"#,
            r#"keyId="a""#,
            r#"keyId="a",signature="AA==""#,
            r#"keyId="a",keyId="b",headers="host",signature="AA==""#,
            r#"keyId="a",headers="host",signature="not base64""#,
            r#"keyId="a",headers="host host",signature="AA==""#,
            r#"keyId="a",headers="",signature="AA==""#,
            r#"keyId="a",headers="host",signature="AA=="x"#,
            r#"keyId="a",headers="host",created="-1",signature="AA==""#,
            r#"keyId="a",headers="host",created=1e9,signature="AA==""#,
            r#"headers="host",signature="AA==""#,
            &format!(
                r#"keyId="{}",headers="host",signature="AA==""#,
                "a".repeat(MAX_HEADER)
            ),
        ] {
            assert!(Parameters::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_that_say_nothing_leave_it_to_the_key_and_unknown_ones_are_refused() {
        assert_eq!(named(None, true), Ok(None));
        assert_eq!(named(Some("hs2019"), true), Ok(None));
        assert_eq!(named(Some("rsa-sha256"), false), Ok(Some(Kind::Rsa)));
        assert_eq!(named(Some("ed25519"), true), Ok(Some(Kind::Ed25519)));
        assert_eq!(named(Some("rsa-sha256"), true), Err(Refusal::Algorithm));
        for unknown in ["hmac-sha256", "none", "x-attacker-supplied", "rsa-sha1", ""] {
            assert_eq!(named(Some(unknown), false), Err(Refusal::Algorithm), "{unknown}");
        }
    }
}
