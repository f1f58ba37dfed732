//! draft-cavage-http-signatures-12, the sending side: `(request-target) host date digest` with `rsa-sha256`, which is what
//! every server measured accepts. The receiving side is `verify/cavage.rs`.

use super::{Pairs, Request, Signature, authority};
use crate::keys::KeyError;
use base64::{Engine, engine::general_purpose::STANDARD};
use shoal_store::Millis;
use std::time::{Duration, UNIX_EPOCH};
use url::Position;

/// `Host`, `Date`, `Digest` (only when there is a body) and `Signature`. The algorithm goes by the name that PeerTube and
/// older servers know, too; `hs2019` would say the same of the same bytes.
pub(super) fn headers(
    signature: Signature<'_>,
    request: Request<'_>,
    now: Millis,
) -> Result<Pairs, KeyError> {
    // The key's id goes between quotes; ours never has one.
    if signature.key_id.contains(['"', '\\']) {
        return Err(KeyError::Signing);
    }
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(u64::try_from(now).unwrap_or(0)));
    let host = authority(request.url);
    let (method, target) = (
        request.method.to_ascii_lowercase(),
        &request.url[Position::BeforePath..Position::AfterQuery],
    );
    let mut text = format!("(request-target): {method} {target}\ndate: {date}\n");
    let mut covered = "(request-target) date host";
    let mut pairs = Pairs::with_capacity(4);
    if let Some(body) = request.body {
        text.push_str(&format!("digest: {}\n", body.digest));
        covered = "(request-target) date digest host";
        pairs.push(("digest", body.digest.clone()));
    }
    text.push_str(&format!("host: {host}"));
    let signed = STANDARD.encode(signature.signer.rsa_sha256(text.as_bytes())?);
    let key_id = signature.key_id;
    let header =
        format!("keyId=\"{key_id}\",algorithm=\"rsa-sha256\",headers=\"{covered}\",signature=\"{signed}\"");
    pairs.extend([("host", host), ("date", date), ("signature", header)]);
    Ok(pairs)
}
