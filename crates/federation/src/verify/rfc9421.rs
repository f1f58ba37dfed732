//! HTTP Message Signatures (RFC 9421), the receiving side: reads `Signature-Input` and `Signature`, and rebuilds the
//! signature base of each label. Values of components are `component.rs`; what has to be covered is `rules.rs`. `nonce`
//! and `tag` mean nothing here: an activity's id acts once anyway.

use super::{
    Head, MAX_COVERED, MAX_HEADER, MAX_SIGNATURES, Refusal, component, is_cavage,
    key::Kind,
    lines,
    rules::{Covered, Statement},
};
use sfv::{BareItem, Dictionary, FieldType, InnerList, Item, ListEntry, Parameters, Parser};

/// What each label says; nothing when the request is not signed in this scheme.
pub(super) fn statements(head: Head<'_>, base: &str) -> Vec<Result<Statement, Refusal>> {
    if !head.headers.contains_key("signature-input") {
        return Vec::new();
    }
    let (inputs, signatures) = match (dictionary(head, "signature-input"), dictionary(head, "signature")) {
        (Ok(inputs), Ok(signatures)) => (inputs, signatures),
        (Err(refusal), _) | (_, Err(refusal)) => return vec![Err(refusal)],
    };
    let labels = inputs.iter().take(MAX_SIGNATURES);
    labels
        .map(|(label, input)| match (input, signatures.get(label)) {
            (ListEntry::InnerList(input), Some(ListEntry::Item(signature))) => {
                statement(input, signature, &|part| component::value(part, head, base))
            }
            _ => Err(Refusal::Malformed("a label is not in both headers")),
        })
        .collect()
}

/// One of the two headers. Lines of the other scheme are left to the other scheme.
fn dictionary(head: Head<'_>, name: &str) -> Result<Dictionary, Refusal> {
    let mut lines = lines(head, name)?;
    lines.retain(|line| !is_cavage(line));
    let text = lines.join(", ");
    if text.len() > MAX_HEADER {
        return Err(Refusal::Malformed("it is too long"));
    }
    Parser::new(&text)
        .parse()
        .map_err(|_| Refusal::Malformed("it is not a structured field"))
}

/// What one label says. `value` looks a component up in the request.
pub(super) fn statement(
    input: &InnerList,
    signature: &Item,
    value: &dyn Fn(&Item) -> Result<String, Refusal>,
) -> Result<Statement, Refusal> {
    let BareItem::ByteSequence(signature) = &signature.bare_item else {
        return Err(Refusal::Malformed("a signature is not a byte sequence"));
    };
    let params = &input.params;
    let key_id = text(params, "keyid")?.ok_or(Refusal::Malformed("no keyid"))?;
    let named = match text(params, "alg")?.as_deref() {
        None => None,
        Some("rsa-v1_5-sha256") => Some(Kind::Rsa),
        Some("ed25519") => Some(Kind::Ed25519),
        Some(_) => return Err(Refusal::Algorithm),
    };
    Ok(Statement {
        key_id,
        named,
        covered: covered(input),
        created: seconds(params, "created")?,
        expires: seconds(params, "expires")?,
        texts: vec![signature_base(input, value)?],
        signature: signature.clone(),
    })
}

/// The text that was signed (RFC 9421 §2.5).
fn signature_base(
    input: &InnerList,
    value: &dyn Fn(&Item) -> Result<String, Refusal>,
) -> Result<String, Refusal> {
    if input.items.len() > MAX_COVERED {
        return Err(Refusal::Malformed("it covers too much"));
    }
    let mut names: Vec<String> = Vec::new();
    let mut base = String::new();
    for part in &input.items {
        let name = part.serialize();
        if names.contains(&name) {
            return Err(Refusal::Malformed("a component comes twice"));
        }
        base.push_str(&format!("{name}: {}\n", value(part)?));
        names.push(name);
    }
    let list = vec![ListEntry::InnerList(input.clone())].serialize();
    let list = list.ok_or(Refusal::Malformed("it covers nothing"))?;
    Ok(base + "\"@signature-params\": " + &list)
}

/// What the components are in the words of the rules. One with parameters is a part of something and covers no whole.
fn covered(input: &InnerList) -> Covered {
    let plain = input.items.iter().filter(|part| part.params.is_empty());
    let mut covered = Covered::default();
    for part in plain {
        match part.bare_item.as_string().map(|name| name.as_str()) {
            Some("@method") => covered.method = true,
            Some("@target-uri") => (covered.target, covered.authority) = (true, true),
            // A path without its query is still more than any rule of ours depends on.
            Some("@request-target" | "@path") => covered.target = true,
            Some("@authority") => covered.authority = true,
            Some("host") => covered.host = true,
            Some("date") => covered.date = true,
            Some("digest") => covered.digest = true,
            Some("content-digest") => covered.content_digest = true,
            _ => {}
        }
    }
    covered
}

fn text(params: &Parameters, name: &str) -> Result<Option<String>, Refusal> {
    match params.get(name) {
        None => Ok(None),
        Some(BareItem::String(text)) => Ok(Some(text.as_str().to_owned())),
        Some(_) => Err(Refusal::Malformed("a parameter is not a string")),
    }
}

fn seconds(params: &Parameters, name: &str) -> Result<Option<i64>, Refusal> {
    match params.get(name) {
        None => Ok(None),
        Some(BareItem::Integer(seconds)) => Ok(Some(i64::from(*seconds))),
        Some(_) => Err(Refusal::Malformed("a time is not a number")),
    }
}
