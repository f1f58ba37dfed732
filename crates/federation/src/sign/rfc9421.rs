//! HTTP Message Signatures (RFC 9421), the sending side: one label over `@method`, `@target-uri` and, when there is a
//! body, `content-digest`; what Mastodon asks for, and no more, because a proxy in between may write the rest anew. The
//! receiving side is `verify/rfc9421.rs`.

use super::{Request, Signature, authority};
use crate::{keys::KeyError, verify::digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use shoal_store::Millis;
use std::collections::BTreeMap;
use url::Position;

/// `Host`, `Content-Digest` (only when there is a body), `Signature-Input` and `Signature`.
pub(super) fn headers(
    signature: Signature<'_>,
    request: Request<'_>,
    now: Millis,
) -> Result<BTreeMap<String, String>, KeyError> {
    // The key's id goes between quotes; ours never has one.
    if signature.key_id.contains(['"', '\\']) {
        return Err(KeyError::Signing);
    }
    let mut values = BTreeMap::new();
    values.insert("host".to_owned(), authority(request.url));
    let target = &request.url[..Position::AfterQuery];
    let mut base = format!("\"@method\": {}\n\"@target-uri\": {target}\n", request.method);
    let mut covered = "\"@method\" \"@target-uri\"".to_owned();
    if let Some(body) = request.body {
        let digest = digest::content_digest_of(body);
        base.push_str(&format!("\"content-digest\": {digest}\n"));
        covered.push_str(" \"content-digest\"");
        values.insert("content-digest".to_owned(), digest);
    }
    let (created, key_id) = (now.div_euclid(1000), signature.key_id);
    let input = format!("({covered});created={created};alg=\"rsa-v1_5-sha256\";keyid=\"{key_id}\"");
    base.push_str(&format!("\"@signature-params\": {input}"));
    let signed = STANDARD.encode(signature.signer.rsa_sha256(base.as_bytes())?);
    values.insert("signature-input".to_owned(), format!("sig1={input}"));
    values.insert("signature".to_owned(), format!("sig1=:{signed}:"));
    Ok(values)
}
