//! Keys of our own actors: making them, loading them, and what signs with them. Checking other people's signatures is
//! `verify/key.rs`; putting a signature on a request is `sign.rs`, on a document `proof.rs`.

use crate::base58;
use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use shoal_store::ActorKeys;

/// Why a stored key could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The stored bytes are not a PKCS#8 key of the expected kind.
    #[error("the stored {0} key cannot be read")]
    Unreadable(&'static str),
    /// The cryptographic library refused to sign.
    #[error("signing failed")]
    Signing,
}

/// Makes a fresh RSA-2048 and a fresh Ed25519 key pair (about 0.3 s of one core, nearly all of it RSA).
pub fn generate() -> ActorKeys {
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("the system's random source answers");
    let rsa_private = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&rsa)
        .expect("a key that was just made can be written down");
    let rsa_public = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(rsa.public_key())
        .expect("a key that was just made can be written down");
    let ed25519 = Ed25519KeyPair::generate().expect("the system's random source answers");
    let ed25519_private = ed25519
        .to_pkcs8v1()
        .expect("a key that was just made can be written down");
    ActorKeys {
        rsa_private_der: rsa_private.as_ref().to_vec(),
        rsa_public_pem: pem("PUBLIC KEY", rsa_public.as_ref()),
        ed25519_private_der: ed25519_private.as_ref().to_vec(),
        ed25519_public: ed25519.public_key().as_ref().to_vec(),
    }
}

/// An actor's two signing keys, loaded and ready. Costs 0.2 ms to load, so callers keep it.
pub struct Signer {
    rsa: RsaKeyPair,
    ed25519: Ed25519KeyPair,
    random: SystemRandom,
}

impl Signer {
    /// Loads both private keys from their PKCS#8 form.
    pub fn load(keys: &ActorKeys) -> Result<Self, KeyError> {
        let rsa = RsaKeyPair::from_pkcs8(&keys.rsa_private_der).map_err(|_| KeyError::Unreadable("RSA"))?;
        let ed25519 = Ed25519KeyPair::from_pkcs8(&keys.ed25519_private_der)
            .map_err(|_| KeyError::Unreadable("Ed25519"))?;
        Ok(Self {
            rsa,
            ed25519,
            random: SystemRandom::new(),
        })
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256, the one algorithm that every server verifies.
    pub fn rsa_sha256(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.rsa.public_modulus_len()];
        self.rsa
            .sign(&RSA_PKCS1_SHA256, &self.random, message, &mut signature)
            .map_err(|_| KeyError::Signing)?;
        Ok(signature)
    }

    /// Signs with Ed25519 (RFC 8032); 64 bytes.
    pub fn ed25519(&self, message: &[u8]) -> Vec<u8> {
        self.ed25519.sign(message).as_ref().to_vec()
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(…)")
    }
}

/// PEM armour of DER bytes, lines of 64 characters (RFC 7468).
fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let body = STANDARD.encode(der);
    for line in body.as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// The Multikey form of an Ed25519 public key: base58btc of the multicodec prefix `ed 01` and the 32 bytes (FEP-521a).
pub fn multibase_ed25519(public: &[u8]) -> String {
    let mut bytes = vec![0xed, 0x01];
    bytes.extend_from_slice(public);
    base58::multibase(&bytes)
}

/// Reads a Multikey back; `None` unless it is a base58btc Ed25519 key of 32 bytes.
pub fn ed25519_from_multibase(text: &str) -> Option<Vec<u8>> {
    if text.len() > 64 {
        return None;
    }
    let bytes = bs58::decode(text.strip_prefix('z')?).into_vec().ok()?;
    match bytes.as_slice() {
        [0xed, 0x01, key @ ..] if key.len() == 32 => Some(key.to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::key::PublicKey;

    #[test]
    fn what_a_fresh_key_signs_its_public_half_verifies() {
        let keys = generate();
        let signer = Signer::load(&keys).expect("a fresh key loads");
        let public = PublicKey::from_pem(&keys.rsa_public_pem).expect("our own PEM is read");
        let signature = signer.rsa_sha256(b"tide").expect("signs");
        assert!(public.verify(b"tide", &signature));
        assert!(!public.verify(b"ebb", &signature));
        let public = PublicKey::from_ed25519(&keys.ed25519_public).expect("32 bytes");
        assert!(public.verify(b"tide", &signer.ed25519(b"tide")));
    }

    #[test]
    fn a_multikey_is_read_back() {
        // The key of the FEP-521a and eddsa-jcs-2022 examples.
        let text = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2";
        let bytes = ed25519_from_multibase(text).expect("the key of the specification");
        assert_eq!(multibase_ed25519(&bytes), text);
        for wrong in [
            "",
            "z",
            "m6MkrJVn",
            "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbT",
            "z0OIl",
        ] {
            assert!(ed25519_from_multibase(wrong).is_none(), "{wrong}");
        }
    }
}
