//! Other people's public keys and the one place where their signatures are checked. The algorithm comes from the key,
//! never from a header that an attacker writes. Which key belongs to whom is decided in `inbox/sender.rs`.

use aws_lc_rs::signature::{ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::{Engine, engine::general_purpose::STANDARD};

/// A PEM longer than this is refused unread (an RSA-8192 key takes 1.5 KiB).
const MAX_PEM: usize = 4 * 1024;
/// DER of the `SubjectPublicKeyInfo` of an Ed25519 key up to its 32 bytes (RFC 8410).
const ED25519_SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A public key that can check signatures: RSA of 2048 to 8192 bits, or Ed25519. Read once, for what is worked out from
/// its numbers at its first use serves all later ones.
pub struct PublicKey {
    key: ParsedPublicKey,
    kind: Kind,
}

/// What sort of key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rsa,
    /// EdDSA over Curve25519.
    Ed25519,
}

impl PublicKey {
    /// Reads `BEGIN PUBLIC KEY` (SPKI) or `BEGIN RSA PUBLIC KEY` (PKCS#1); `None` when it is neither or too long.
    pub fn from_pem(pem: &str) -> Option<Self> {
        if pem.len() > MAX_PEM {
            return None;
        }
        let rest = pem.split_once("-----BEGIN ")?.1;
        let (label, rest) = rest.split_once("-----")?;
        let body = rest.split_once("-----END ")?.0;
        if !matches!(label, "PUBLIC KEY" | "RSA PUBLIC KEY") {
            return None;
        }
        let compact: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        let der = STANDARD.decode(compact).ok()?;
        match der.strip_prefix(&ED25519_SPKI) {
            Some(key) => Self::from_ed25519(key),
            None => Some(Self {
                key: ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).ok()?,
                kind: Kind::Rsa,
            }),
        }
    }

    /// The 32 bytes of an Ed25519 key; `None` for any other length.
    pub fn from_ed25519(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != 32 {
            return None;
        }
        Some(Self {
            key: ParsedPublicKey::new(&ED25519, bytes).ok()?,
            kind: Kind::Ed25519,
        })
    }

    /// What sort of key it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether this key made that signature over exactly that message (12 µs for RSA-2048).
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }

    /// Takes RSA keys of 1024 bits too: for the vectors of draft-cavage-12 and nothing else.
    #[cfg(test)]
    pub(crate) fn allow_1024_bits(self) -> Self {
        let any = &aws_lc_rs::signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY;
        let key = ParsedPublicKey::new(any, self.key).expect("it was read before");
        Self { key, ..self }
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PublicKey").field(&self.kind).finish()
    }
}
