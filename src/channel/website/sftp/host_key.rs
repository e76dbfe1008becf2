//! The server's key: pinned in the configuration, or vouched for in `known_hosts`.

use std::sync::{Arc, Mutex};

use russh::client::Handler;
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};

use crate::said;
use crate::text::said::Said;

/// What the server's key must be.
#[derive(Debug, Clone)]
pub(super) enum Pin {
    /// `SHA256:…`.
    Fingerprint(String),
    /// The key itself.
    Key(Box<PublicKey>),
}

/// Looks at the server's key and remembers why it was not taken.
pub(super) struct Verifier {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) pin: Option<Pin>,
    pub(super) refusal: Arc<Mutex<Option<Said>>>,
}

impl Handler for Verifier {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        // Certificates are none of the algorithms we offer.
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else {
            return Ok(false);
        };
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        let pinned = match &self.pin {
            Some(Pin::Fingerprint(pinned)) => Some(*pinned == fingerprint),
            Some(Pin::Key(pinned)) => Some(pinned.key_data() == key.key_data()),
            None => None,
        };
        let refusal = match (pinned, russh::keys::check_known_hosts(&self.host, self.port, key)) {
            (Some(true), _) | (None, Ok(true)) => return Ok(true),
            (Some(false), _) => changed(&fingerprint, "host_key"),
            (None, Err(russh::keys::Error::KeyChanged { line })) => {
                changed(&fingerprint, &format!("~/.ssh/known_hosts:{line}"))
            }
            (None, _) => said!(
                "der Schlüssel des Servers ist {fingerprint}, und niemand bürgt für ihn. Nennt Ihr Anbieter denselben, tragen Sie ihn als host_key ein",
                "the server's key is {fingerprint}, and nobody has vouched for it. If your provider names the same, write it into host_key"
            ),
        };
        *self.refusal.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(refusal);
        Ok(false)
    }
}

/// Another key than the one noted at `place`.
fn changed(fingerprint: &str, place: &str) -> Said {
    said!(
        "der Server weist sich mit einem anderen Schlüssel aus ({fingerprint}) als dem in {place}. Entweder hat der Anbieter ihn gewechselt, oder jemand gibt sich als dieser Server aus. Gesendet wurde nichts, auch kein Passwort. Bitte rufen Sie den Anbieter an; nennt er denselben, tragen Sie ihn als host_key ein",
        "the server proves itself by another key ({fingerprint}) than the one in {place}. Either the provider has changed it, or somebody pretends to be this server. Nothing was sent, no password either. Please call the provider; if he names the same, write it into host_key"
    )
}

/// Reads a key as people have it: a fingerprint, a public key, or a line of `known_hosts`.
pub(super) fn pin(written: &str) -> Option<Pin> {
    let written = written.trim();
    if written.starts_with("SHA256:") && written.len() > 40 {
        return Some(Pin::Fingerprint(written.trim_end_matches('=').to_owned()));
    }
    // A line of known_hosts has the host in front of the key.
    let words: Vec<&str> = written.split_whitespace().collect();
    let start = words
        .iter()
        .position(|w| w.starts_with("ssh-") || w.starts_with("ecdsa-") || w.starts_with("sk-"))?;
    let key = words.get(start..start + 2)?.join(" ");
    PublicKey::from_openssh(&key).ok().map(|key| Pin::Key(Box::new(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_keys_as_people_have_them() {
        let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIDiLDCgCtYBR8FdV4vVQPyZGX8w7IBdWmfvFgXTo0Qm";
        assert!(matches!(pin(line), Some(Pin::Key(_))));
        assert!(matches!(
            pin(&format!("[127.0.0.1]:2222 {line} comment")),
            Some(Pin::Key(_))
        ));
        assert!(matches!(
            pin("SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"),
            Some(Pin::Fingerprint(_))
        ));
        for wrong in ["", "SHA256:", "MD5:aa:bb", "ssh-ed25519", "ssh-ed25519 AAAA"] {
            assert!(pin(wrong).is_none(), "{wrong}");
        }
    }
}
