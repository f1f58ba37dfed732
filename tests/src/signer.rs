//! A foreign actor's RSA key: signs requests as other servers do (draft-cavage-12, `rsa-sha256`), independently of the
//! program's own signing. What is sent with it, rightly or wrongly signed, is the business of the story or bench.

use std::time::SystemTime;

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// An RSA-2048 key pair.
#[derive(Debug)]
pub struct Signer {
    pair: RsaKeyPair,
    random: SystemRandom,
}

/// A request before it is signed.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// In capitals.
    pub method: &'a str,
    /// As in the Host header.
    pub host: &'a str,
    /// With the query.
    pub path: &'a str,
    /// Empty for GET.
    pub body: &'a [u8],
    /// The key's id, as the actor document names it.
    pub key_id: &'a str,
}

impl Signer {
    /// Makes a key pair; takes a third of a second.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn generate() -> Result<Self> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).context("no key could be made")?;
        let random = SystemRandom::new();
        Ok(Self { pair, random })
    }

    /// The public half, as actor documents carry it.
    ///
    /// # Errors
    /// Never for a key that was generated.
    pub fn pem(&self) -> Result<String> {
        let body = STANDARD.encode(self.public_der()?);
        let lines: Vec<String> = body
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        Ok(format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        ))
    }

    /// The public half as a `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// Never for a key that was generated.
    pub fn public_der(&self) -> Result<Vec<u8>> {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der().context("a public key")?;
        Ok(der.as_ref().to_vec())
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn sign(&self, text: &[u8]) -> Result<Vec<u8>> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &self.random, text, &mut signature)
            .map_err(|_| anyhow!("the key does not sign"))?;
        Ok(signature)
    }

    /// The headers of a request as Mastodon signs it: `(request-target) host date digest`, a GET without the digest.
    ///
    /// # Errors
    /// See [`Signer::sign`].
    pub fn headers(&self, request: Request<'_>, at: SystemTime) -> Result<Vec<(&'static str, String)>> {
        let Request {
            method,
            host,
            path,
            body,
            key_id,
        } = request;
        let date = httpdate::fmt_http_date(at);
        let target = format!("{} {path}", method.to_ascii_lowercase());
        let mut text = format!("(request-target): {target}\nhost: {host}\ndate: {date}");
        let mut covered = "(request-target) host date".to_owned();
        let mut headers = vec![("Host", host.to_owned()), ("Date", date)];
        if method != "GET" {
            let sum = format!("SHA-256={}", STANDARD.encode(digest(&SHA256, body)));
            text.push_str(&format!("\ndigest: {sum}"));
            covered.push_str(" digest");
            headers.push(("Digest", sum));
        }
        let signature = STANDARD.encode(self.sign(text.as_bytes())?);
        headers.push((
            "Signature",
            format!(
                "keyId=\"{key_id}\",algorithm=\"rsa-sha256\",headers=\"{covered}\",signature=\"{signature}\""
            ),
        ));
        Ok(headers)
    }
}
