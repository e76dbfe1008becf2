//! Floor 0: the installation's signature, Ed25519 (RFC 8032). Its key is derived from the key file: a backup carries it, and a
//! restored installation signs as before.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::Key;

/// Signs what the public may check. `Debug` shows nothing of the key.
pub struct Signer(SigningKey);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(…)")
    }
}

impl Key {
    /// The installation's signature.
    pub fn signer(&self) -> Signer {
        let seed = self.mac("signature of the public site", &[]);
        Signer(SigningKey::from_bytes(&seed))
    }
}

impl Signer {
    /// What others check by.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The signature under `content`.
    pub fn sign(&self, content: &[u8]) -> [u8; 64] {
        self.0.sign(content).to_bytes()
    }
}

/// A public key; written as 43 characters of base64url, as in a JWK (RFC 8037).
///
/// ```
/// use rundruf::secret::signing::PublicKey;
/// let written = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
/// assert_eq!(PublicKey::parse(written).unwrap().to_string(), written);
/// assert!(PublicKey::parse("11qYAYKxCrfVS").is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads a key as it is written; `None` where it is none.
    pub fn parse(written: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(written.trim()).ok()?;
        let key = VerifyingKey::from_bytes(&bytes.try_into().ok()?).ok()?;
        (!key.is_weak()).then_some(Self(key))
    }

    /// Whether `signature` stands under `content`.
    pub fn verifies(&self, content: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.0.verify_strict(content, &signature).is_ok())
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_fits_its_own_content_and_key_only() {
        let signer = Key::from_bytes([7; 32]).signer();
        let signature = signer.sign(b"content");
        let key = PublicKey::parse(&signer.public().to_string()).unwrap();
        assert!(key.verifies(b"content", &signature));
        assert!(!key.verifies(b"Content", &signature) && !key.verifies(b"content", &signature[1..]));
        let other = Key::from_bytes([8; 32]).signer();
        assert!(!other.public().verifies(b"content", &signature));
        assert_eq!(format!("{signer:?}"), "Signer(…)");
    }

    #[test]
    fn the_same_key_file_signs_alike() {
        let public = |n| Key::from_bytes([n; 32]).signer().public();
        assert_eq!(public(7), public(7));
        assert_ne!(public(7), public(8));
    }

    #[test]
    fn no_key_is_taken_that_anybody_could_sign_for() {
        // The neutral element: every signature over every content could be made to fit.
        let weak = URL_SAFE_NO_PAD.encode([&[1][..], &[0; 31]].concat());
        assert_eq!(PublicKey::parse(&weak), None);
    }
}
