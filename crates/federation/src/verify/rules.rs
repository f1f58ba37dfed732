//! The one policy for signed requests, whatever scheme they are signed in: what a signature has to cover, how old it may
//! be, for which host and over which body it was made. It knows no header syntax (`cavage.rs`, `rfc9421.rs`) and no actors
//! (`inbox/sender.rs`).

use super::{
    Head, Refusal, digest, joined,
    key::{Kind, PublicKey},
    window,
};
use shoal_store::Millis;

/// What one signature says of itself, put in the words that both schemes share. Nothing of it is believed yet.
#[derive(Debug)]
pub(super) struct Statement {
    /// The key's id as the sender wrote it.
    pub(super) key_id: String,
    /// The sort of key that the named algorithm is for; `None` when it leaves that to the key.
    pub(super) named: Option<Kind>,
    /// What is covered.
    pub(super) covered: Covered,
    /// When it was made, unix seconds, if that is covered.
    pub(super) created: Option<i64>,
    /// When it ends, unix seconds, covered or not: it can only make the signature worth less.
    pub(super) expires: Option<i64>,
    /// The texts that may have been signed; usually one.
    pub(super) texts: Vec<String>,
    /// The signature's bytes.
    pub(super) signature: Vec<u8>,
}

/// Which parts of the request a signature covers, as far as a rule asks for them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Covered {
    /// The method.
    pub(super) method: bool,
    /// The path, and the query if there is one.
    pub(super) target: bool,
    /// Whom the request is for.
    pub(super) authority: bool,
    /// The `Host` header, whose value then has to be ours.
    pub(super) host: bool,
    /// The `Date` header.
    pub(super) date: bool,
    /// The `Digest` header (RFC 3230).
    pub(super) digest: bool,
    /// The `Content-Digest` header (RFC 9530).
    pub(super) content_digest: bool,
}

/// A signature over the right parts of the right request at the right time, by whoever holds that key.
#[derive(Debug)]
pub struct Claim {
    /// The key's id as the sender wrote it.
    pub key_id: String,
    /// When it was signed, by the sender's clock.
    pub signed_at: Millis,
    named: Option<Kind>,
    texts: Vec<String>,
    signature: Vec<u8>,
}

/// Applies the policy.
pub(super) fn admit(statement: Statement, head: Head<'_>, base: &str, now: Millis) -> Result<Claim, Refusal> {
    let covered = statement.covered;
    check_covered(covered, statement.created, head.method)?;
    if covered.host {
        let authority = base.split_once("://").map_or(base, |(_, authority)| authority);
        window::check_host(&joined(head, "host")?, authority)?;
    }
    let signed_at = check_clock(&statement, head, now)?;
    // The digest comes last: it is the only rule that costs more the larger the body is.
    if covered.digest {
        digest::check_digest(&joined(head, "digest")?, head.body)?;
    }
    if covered.content_digest {
        digest::check_content_digest(&joined(head, "content-digest")?, head.body)?;
    }
    Ok(Claim {
        signed_at,
        ..statement.into_claim()
    })
}

/// Method, target and host always; a time; a digest unless the request can have no body.
fn check_covered(covered: Covered, created: Option<i64>, method: &str) -> Result<(), Refusal> {
    let bodyless = matches!(method, "GET" | "HEAD");
    let wanted = [
        (covered.method && covered.target, "the method and the path"),
        (covered.authority || covered.host, "the host"),
        (bodyless || covered.digest || covered.content_digest, "the digest"),
        (covered.date || created.is_some(), "the time of signing"),
    ];
    match wanted.into_iter().find(|(there, _)| !there) {
        Some((_, missing)) => Err(Refusal::NotCovered(missing)),
        None => Ok(()),
    }
}

/// Every time that is covered must lie in the window, and nothing may have expired. Gives the time of signing.
fn check_clock(statement: &Statement, head: Head<'_>, now: Millis) -> Result<Millis, Refusal> {
    let mut signed_at = Millis::MIN;
    if statement.covered.date {
        signed_at = window::http_date(&joined(head, "date")?)?;
        window::check_time(now, signed_at, "Date")?;
    }
    if let Some(created) = statement.created {
        signed_at = created.saturating_mul(1000);
        window::check_time(now, signed_at, "created")?;
    }
    if let Some(expires) = statement.expires
        && expires.saturating_mul(1000).saturating_add(window::EXPIRY_LEEWAY) < now
    {
        return Err(Refusal::Clock("expired"));
    }
    Ok(signed_at)
}

impl Statement {
    /// The claim it makes, unjudged.
    pub(super) fn into_claim(self) -> Claim {
        Claim {
            key_id: self.key_id,
            signed_at: 0,
            named: self.named,
            texts: self.texts,
            signature: self.signature,
        }
    }
}

impl Claim {
    /// Whether this key made the signature.
    ///
    /// # Errors
    /// [`Refusal::Algorithm`] when the signature names an algorithm that the key is not for, else [`Refusal::Signature`].
    pub fn check(&self, key: &PublicKey) -> Result<(), Refusal> {
        if self.named.is_some_and(|kind| kind != key.kind()) {
            return Err(Refusal::Algorithm);
        }
        let mut texts = self.texts.iter();
        if texts.any(|text| key.verify(text.as_bytes(), &self.signature)) {
            Ok(())
        } else {
            Err(Refusal::Signature)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue};

    const BASE: &str = "https://archive.example";
    const NOW: Millis = 1_700_000_000_000;

    /// A statement that satisfies every rule for a POST of `{}`.
    fn good() -> Statement {
        let covered = Covered {
            method: true,
            target: true,
            authority: true,
            content_digest: true,
            ..Covered::default()
        };
        Statement {
            key_id: "https://a.example/u#main-key".to_owned(),
            named: None,
            covered,
            created: Some(NOW / 1000),
            expires: None,
            texts: Vec::new(),
            signature: Vec::new(),
        }
    }

    fn judge(method: &str, change: impl FnOnce(&mut Statement, &mut HeaderMap)) -> Result<Claim, Refusal> {
        let mut headers = HeaderMap::new();
        let digest = HeaderValue::try_from(digest::content_digest_of(b"{}")).expect("a header");
        headers.insert("content-digest", digest);
        headers.insert("host", HeaderValue::from_static("archive.example"));
        let mut statement = good();
        change(&mut statement, &mut headers);
        let head = Head {
            method,
            path_and_query: "/inbox",
            headers: &headers,
            body: b"{}",
        };
        admit(statement, head, BASE, NOW)
    }

    #[test]
    fn all_that_makes_a_request_what_it_is_has_to_be_covered() {
        assert_eq!(judge("POST", |_, _| {}).expect("good").signed_at, NOW);
        let without =
            |change: fn(&mut Covered)| judge("POST", |s, _| change(&mut s.covered)).expect_err("bad");
        let target = Refusal::NotCovered("the method and the path");
        assert_eq!(without(|c| c.method = false), target);
        assert_eq!(without(|c| c.target = false), target);
        assert_eq!(without(|c| c.authority = false), Refusal::NotCovered("the host"));
        assert_eq!(
            without(|c| c.content_digest = false),
            Refusal::NotCovered("the digest")
        );
        let timeless = judge("POST", |s, _| s.created = None).expect_err("no time");
        assert_eq!(timeless, Refusal::NotCovered("the time of signing"));
        assert!(judge("GET", |s, _| s.covered.content_digest = false).is_ok());
    }

    #[test]
    fn either_kind_of_host_digest_and_time_will_do_and_each_that_is_covered_has_to_hold() {
        let by_header = |value: &'static str| {
            judge("POST", |s, h| {
                s.covered = Covered {
                    authority: false,
                    host: true,
                    ..s.covered
                };
                h.insert("host", HeaderValue::from_static(value));
            })
        };
        assert!(by_header("archive.example").is_ok());
        assert_eq!(by_header("evil.example").expect_err("not us"), Refusal::OtherHost);
        let dated = |date: &'static str, created: Option<i64>| {
            judge("POST", |s, h| {
                (s.covered.date, s.created) = (true, created);
                h.insert("date", HeaderValue::from_static(date));
            })
        };
        assert_eq!(
            dated("Tue, 14 Nov 2023 22:13:20 GMT", None)
                .expect("now")
                .signed_at,
            NOW
        );
        assert!(dated("wrong date", Some(NOW / 1000)).is_err());
        assert!(dated("Mon, 13 Nov 2023 22:13:20 GMT", Some(NOW / 1000)).is_err());
        let both = |value: String| {
            judge("POST", |s, h| {
                s.covered.digest = true;
                h.insert("digest", HeaderValue::try_from(value).expect("a header"));
            })
        };
        assert!(both(digest::digest_of(b"{}")).is_ok());
        assert_eq!(
            both(digest::digest_of(b"{ }")).expect_err("another body"),
            Refusal::Digest
        );
    }

    #[test]
    fn an_end_is_kept_with_some_leeway() {
        let until = |seconds: i64| judge("POST", |s, _| s.expires = Some(NOW / 1000 + seconds));
        assert!(until(60).is_ok() && until(-300).is_ok());
        assert_eq!(until(-301).expect_err("over"), Refusal::Clock("expired"));
        assert!(until(i64::MAX / 2).is_ok());
    }
}
