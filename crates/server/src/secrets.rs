//! Secrets that people carry: random tokens (kept only as hashes) and passwords (argon2id).
//!
//! Where they are looked up is in `auth.rs`; the rows are the store's.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Shortest and longest password, in characters and bytes.
pub const PASSWORD_LENGTH: (usize, usize) = (10, 1024);

/// A fresh secret of 256 random bits as URL-safe text, with a prefix that names its kind (`shoal_`, `link_`).
#[must_use]
pub fn fresh(prefix: &str) -> String {
    let bytes: [u8; 32] = rand::random();
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored of such a secret: its SHA-256. The secret has full entropy, so no slow hash is needed.
#[must_use]
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Compares two texts in a time that depends only on their length.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes()
            .zip(b.bytes())
            .fold(0, |unlike, (x, y)| unlike | (x ^ y))
            == 0
}

/// argon2id with 19 MiB, two passes, one lane: the least that OWASP advises, so that ten sign-ins at once stay small.
fn argon2id() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("constants within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes a password to its PHC text.
///
/// # Errors
/// A sentence when the password is too short or too long.
pub fn hash_password(password: &str) -> Result<String, String> {
    let (least, most) = PASSWORD_LENGTH;
    if password.chars().count() < least {
        return Err(format!("A password needs at least {least} characters."));
    }
    if password.len() > most {
        return Err(format!("A password can have at most {most} bytes."));
    }
    let hashed = argon2id()
        .hash_password(password.as_bytes())
        .map_err(|e| format!("The password cannot be hashed: {e}"))?;
    Ok(hashed.to_string())
}

/// Whether a password is the one whose PHC text is given. Without a stored hash the same time is spent, so that a
/// stranger cannot tell which names exist.
#[must_use]
pub fn check_password(password: &str, stored: Option<&str>) -> bool {
    if password.len() > PASSWORD_LENGTH.1 {
        return false;
    }
    let Some(parsed) = stored.and_then(|text| PasswordHash::new(text).ok()) else {
        let _spent = argon2id().hash_password(password.as_bytes());
        return false;
    };
    argon2id().verify_password(password.as_bytes(), &parsed).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_another_is_not() {
        let stored = hash_password("correct horse battery").expect("long enough");
        assert!(stored.starts_with("$argon2id$"));
        assert!(check_password("correct horse battery", Some(&stored)));
        assert!(!check_password("correct horse battery!", Some(&stored)));
        assert!(!check_password("correct horse battery", None));
    }

    #[test]
    fn short_passwords_are_refused_with_a_sentence() {
        assert!(
            hash_password("short")
                .expect_err("too short")
                .contains("10 characters")
        );
    }

    #[test]
    fn secrets_differ_and_compare() {
        let (a, b) = (fresh("shoal_"), fresh("shoal_"));
        assert_ne!(a, b);
        assert!(same(&a, &a.clone()) && !same(&a, &b));
    }
}
