//! draft-cavage-http-signatures-12, the receiving side: reads the `Signature` header strictly, insists on what has to be
//! signed, and rebuilds the signing string with `http-signature-normalization`. It does not look for keys: that is
//! `inbox/sender.rs`, which calls `Claim::check` with what it found.

use super::{
    Head, Refusal,
    key::{Kind, PublicKey},
    window,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http_signature_normalization::Config;
use shoal_store::Millis;
use std::{collections::BTreeMap, time::Duration};

/// The longest Signature header that is read.
const MAX_HEADER: usize = 8 * 1024;
/// The most headers a signature may cover.
const MAX_COVERED: usize = 32;
/// The crate's own expiry looks at the machine's clock; ours has been checked by then, so it is put out of the way.
const NEVER: Duration = Duration::from_secs(200 * 365 * 24 * 3600);

/// A well-formed signature over the right parts of the right request, by whoever holds that key.
#[derive(Debug)]
pub struct Claim {
    /// The key's id as the sender wrote it.
    pub key_id: String,
    /// When it was signed, by the sender's clock.
    pub signed_at: Millis,
    algorithm: Option<String>,
    signature: Vec<u8>,
    signing_strings: Vec<String>,
}

/// Checks everything about a signed request that needs no key: what is covered, the host, the clock, the digest.
///
/// # Errors
/// A [`Refusal`] that says what is wrong; all of them are the sender's fault.
pub fn read(head: Head<'_>, authority: &str, now: Millis) -> Result<Claim, Refusal> {
    if head.headers.contains_key("signature-input") {
        return Err(Refusal::UnknownScheme);
    }
    let header = window::single(head.headers, "signature")?.ok_or(Refusal::Unsigned)?;
    let parameters = Parameters::parse(header)?;
    check_covered(&parameters, head.method)?;
    let host = window::single(head.headers, "host")?.ok_or(Refusal::NotCovered("host"))?;
    window::check_host(host, authority)?;
    let signed_at = check_clock(&parameters, head, now)?;
    if parameters.covers("digest") {
        let digest = window::single(head.headers, "digest")?.ok_or(Refusal::Digest)?;
        window::check_digest(digest, head.body)?;
    }
    let mut signing_strings = vec![signing_string(&parameters, head, head.path_and_query)?];
    if let (Some((path, _)), "GET") = (head.path_and_query.split_once('?'), head.method) {
        // Old versions of Mastodon left the query out of what they signed.
        signing_strings.push(signing_string(&parameters, head, path)?);
    }
    Ok(Claim {
        key_id: parameters.key_id,
        signed_at,
        algorithm: parameters.algorithm,
        signature: parameters.signature,
        signing_strings,
    })
}

impl Claim {
    /// Whether this key made the signature.
    ///
    /// # Errors
    /// [`Refusal::Algorithm`] when the header names an algorithm that the key is not for, else [`Refusal::Signature`].
    pub fn check(&self, key: &PublicKey) -> Result<(), Refusal> {
        let fits = match self.algorithm.as_deref() {
            None | Some("hs2019") => true,
            Some("rsa-sha256") => key.kind() == Kind::Rsa,
            Some("ed25519") => key.kind() == Kind::Ed25519,
            Some(_) => false,
        };
        if !fits {
            return Err(Refusal::Algorithm);
        }
        let verified = self
            .signing_strings
            .iter()
            .any(|text| key.verify(text.as_bytes(), &self.signature));
        if verified { Ok(()) } else { Err(Refusal::Signature) }
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

/// `(request-target)` and `host` always; `date` or `(created)`; `digest` unless the request can have no body.
fn check_covered(parameters: &Parameters, method: &str) -> Result<(), Refusal> {
    for needed in ["(request-target)", "host"] {
        if !parameters.covers(needed) {
            return Err(Refusal::NotCovered(needed));
        }
    }
    if !matches!(method, "GET" | "HEAD") && !parameters.covers("digest") {
        return Err(Refusal::NotCovered("digest"));
    }
    if !parameters.covers("date") && !parameters.covers("(created)") {
        return Err(Refusal::NotCovered("date or (created)"));
    }
    Ok(())
}

/// Every time that is covered must lie in the window, and nothing may have expired. Gives the time of signing.
fn check_clock(parameters: &Parameters, head: Head<'_>, now: Millis) -> Result<Millis, Refusal> {
    let mut signed_at = Millis::MIN;
    if parameters.covers("date") {
        let date = window::single(head.headers, "date")?.ok_or(Refusal::NotCovered("date"))?;
        signed_at = window::http_date(date)?;
        window::check_time(now, signed_at, "Date")?;
    }
    if parameters.covers("(created)") {
        if parameters
            .algorithm
            .as_deref()
            .is_some_and(|name| name.starts_with("rsa"))
        {
            // draft-cavage-12 §2.3: (created) must not be used with the old algorithm names.
            return Err(Refusal::Algorithm);
        }
        let created = parameters
            .created
            .ok_or(Refusal::Malformed("(created) without created"))?;
        signed_at = created.saturating_mul(1000);
        window::check_time(now, signed_at, "created")?;
    }
    if parameters.covers("(expires)") && parameters.expires.is_none() {
        return Err(Refusal::Malformed("(expires) without expires"));
    }
    if let Some(expires) = parameters.expires
        && expires.saturating_mul(1000).saturating_add(window::EXPIRY_LEEWAY) < now
    {
        return Err(Refusal::Clock("expired"));
    }
    Ok(signed_at)
}

/// The text that was signed. The crate is handed only what was covered and checked; its own lenient reading of the
/// header never meets the sender's text.
fn signing_string(parameters: &Parameters, head: Head<'_>, path: &str) -> Result<String, Refusal> {
    let mut values = BTreeMap::new();
    for name in &parameters.covered {
        let value = match name.as_str() {
            "(request-target)" => continue,
            "(created)" => parameters.created.map(|time| time.to_string()),
            "(expires)" => parameters.expires.map(|time| time.to_string()),
            "authorization" | "signature" => return Err(Refusal::Malformed("it covers a signature")),
            header => joined(head, header)?,
        };
        values.insert(
            name.clone(),
            value.ok_or(Refusal::NotCovered("a header that the request has"))?,
        );
    }
    let list = parameters.covered.join(" ");
    values.insert(
        "signature".to_owned(),
        format!("keyId=\"-\",headers=\"{list}\",signature=\"-\""),
    );
    let unverified = Config::new()
        .set_expiration(NEVER)
        .begin_verify(head.method, path, values)
        .map_err(|_| Refusal::Malformed("the list of headers"))?;
    Ok(unverified.signing_string().to_owned())
}

/// All values of one header, as the draft joins them.
fn joined(head: Head<'_>, name: &str) -> Result<Option<String>, Refusal> {
    let mut values = Vec::new();
    for value in head.headers.get_all(name) {
        values.push(
            value
                .to_str()
                .map_err(|_| Refusal::Malformed("a header is not text"))?
                .trim(),
        );
    }
    Ok((!values.is_empty()).then(|| values.join(", ")))
}

#[cfg(test)]
impl Claim {
    /// A signature over a string that a specification prints.
    pub(super) fn of_vector(signing_string: &str, signature: &str) -> Self {
        Self {
            key_id: String::new(),
            signed_at: 0,
            algorithm: None,
            signature: STANDARD.decode(signature).expect("base64"),
            signing_strings: vec![signing_string.to_owned()],
        }
    }
}

/// Only reads and rebuilds: for examples of the draft that cover less than an inbox wants.
#[cfg(test)]
pub(super) fn read_without_rules(head: Head<'_>) -> Result<Claim, Refusal> {
    let header = window::single(head.headers, "signature")?.ok_or(Refusal::Unsigned)?;
    let parameters = Parameters::parse(header)?;
    let signing_strings = vec![signing_string(&parameters, head, head.path_and_query)?];
    let (key_id, algorithm, signature) = (parameters.key_id, parameters.algorithm, parameters.signature);
    Ok(Claim {
        key_id,
        signed_at: 0,
        algorithm,
        signature,
        signing_strings,
    })
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
}
