//! HTTP Message Signatures (RFC 9421), the sending side: one label over `@method`, `@target-uri` and, when there is a
//! body, `content-digest`; what Mastodon asks for, and no more, because a proxy in between may write the rest anew. The
//! receiving side is `verify/rfc9421.rs`.

use super::{Pairs, Request, Signature, authority};
use crate::keys::KeyError;
use base64::{Engine, engine::general_purpose::STANDARD};
use shoal_store::Millis;
use url::Position;

/// `Host`, `Content-Digest` (only when there is a body), `Signature-Input` and `Signature`.
pub(super) fn headers(
    signature: Signature<'_>,
    request: Request<'_>,
    now: Millis,
) -> Result<Pairs, KeyError> {
    // The key's id goes between quotes; ours never has one.
    if signature.key_id.contains(['"', '\\']) {
        return Err(KeyError::Signing);
    }
    let mut pairs = Pairs::with_capacity(4);
    pairs.push(("host", authority(request.url)));
    let target = &request.url[..Position::AfterQuery];
    let mut base = format!("\"@method\": {}\n\"@target-uri\": {target}\n", request.method);
    let mut covered = "\"@method\" \"@target-uri\"".to_owned();
    if let Some(body) = request.body {
        let digest = &body.content_digest;
        base.push_str(&format!("\"content-digest\": {digest}\n"));
        covered.push_str(" \"content-digest\"");
        pairs.push(("content-digest", digest.clone()));
    }
    let (created, key_id) = (now.div_euclid(1000), signature.key_id);
    let input = format!("({covered});created={created};alg=\"rsa-v1_5-sha256\";keyid=\"{key_id}\"");
    base.push_str(&format!("\"@signature-params\": {input}"));
    let signed = STANDARD.encode(signature.signer.rsa_sha256(base.as_bytes())?);
    pairs.push(("signature-input", format!("sig1={input}")));
    pairs.push(("signature", format!("sig1=:{signed}:")));
    Ok(pairs)
}
