//! draft-cavage-http-signatures-12, the sending side: `(request-target) host date digest` with `rsa-sha256`, which is what
//! every server measured accepts. The receiving side is `verify/cavage.rs`, which puts the signed text together by itself:
//! so each is held against the other.

use super::{Pairs, Request, Signature, authority};
use crate::keys::KeyError;
use base64::{Engine, engine::general_purpose::STANDARD};
use http_signature_normalization::Config;
use shoal_store::Millis;
use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};
use url::Position;

/// `Host`, `Date`, `Digest` (only when there is a body) and `Signature`.
pub(super) fn headers(
    signature: Signature<'_>,
    request: Request<'_>,
    now: Millis,
) -> Result<Pairs, KeyError> {
    let date = UNIX_EPOCH + Duration::from_millis(u64::try_from(now).unwrap_or(0));
    let mut pairs = vec![
        ("host", authority(request.url)),
        ("date", httpdate::fmt_http_date(date)),
    ];
    let mut config = Config::new().mastodon_compat();
    if let Some(body) = request.body {
        pairs.push(("digest", body.digest.clone()));
        config = config.require_digest();
    }
    let values: BTreeMap<String, String> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    let target = &request.url[Position::BeforePath..Position::AfterQuery];
    let unsigned = config
        .begin_sign(request.method, target, values)
        .map_err(|_| KeyError::Signing)?;
    let signed = unsigned.sign(signature.key_id.to_owned(), |text| {
        signature
            .signer
            .rsa_sha256(text.as_bytes())
            .map(|bytes| STANDARD.encode(bytes))
    })?;
    // The crate always names hs2019, which PeerTube and older servers do not know; the bytes are the same.
    let header = signed
        .signature_header()
        .replacen("algorithm=\"hs2019\"", "algorithm=\"rsa-sha256\"", 1);
    pairs.push(("signature", header));
    Ok(pairs)
}
