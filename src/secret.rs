//! Floor 0: secrets that no log, error or page shows, and what is derived from the key file. Imports nothing of ours.
//!
//! The key is 32 random bytes in a file only its owner reads, made together with the store and never again: a lost one is missed, not
//! replaced, because whatever was signed or sealed with it would no longer be ours. Everything derived says
//! what it is for, so that a token of one purpose is never valid for another.

pub mod signing;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use base16ct::lower::encode_string as hex;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

pub use secrecy::{ExposeSecret, SecretString};

/// Length of the key in bytes.
const KEY_LENGTH: usize = 32;
/// Bytes of a token: 128 bits are beyond guessing and keep callback addresses short.
const TOKEN_LENGTH: usize = 16;
/// Bytes of the number in an unsubscribe token, and of the whole token: no padding in base64, and 120 bits to guess.
const NUMBER_LENGTH: usize = 6;
const UNSUBSCRIBE_LENGTH: usize = 21;
/// Characters of an unsubscribe token.
pub const UNSUBSCRIBE_CHARACTERS: usize = UNSUBSCRIBE_LENGTH / 3 * 4;

/// The installation's key. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Key([u8; KEY_LENGTH]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// A key of these bytes, for tests and demos.
    pub const fn from_bytes(bytes: [u8; KEY_LENGTH]) -> Self {
        Self(bytes)
    }

    fn mac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = new_mac(&self.0);
        // Lengths first: ("ab", "c") and ("a", "bc") are different.
        for part in std::iter::once(&purpose.as_bytes()).chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The token in the callback address of one attempt: 22 characters that are safe in a query.
    pub fn receipt_token(&self, channel: &str, delivery: i64, attempt: u32) -> String {
        let mac = self.mac(
            "receipt",
            &[channel.as_bytes(), &delivery.to_be_bytes(), &attempt.to_be_bytes()],
        );
        URL_SAFE_NO_PAD.encode(&mac[..TOKEN_LENGTH])
    }

    /// Whether a token is that of this attempt, in constant time.
    pub fn is_receipt_token(&self, channel: &str, delivery: i64, attempt: u32, token: &str) -> bool {
        same(
            self.receipt_token(channel, delivery, attempt).as_bytes(),
            token.as_bytes(),
        )
    }

    /// The token of somebody's own unsubscribe address: 28 characters that are safe in a path. It names their row, so that it can be found,
    /// and belongs to their address: where a restore gave the number to somebody else, it is good for neither.
    pub fn unsubscribe_token(&self, recipient: i64, address: &str) -> String {
        let number = recipient.to_be_bytes();
        let mac = self.mac("unsubscribe", &[&number, address.as_bytes()]);
        let mut token = [0; UNSUBSCRIBE_LENGTH];
        token[..NUMBER_LENGTH].copy_from_slice(&number[number.len() - NUMBER_LENGTH..]);
        token[NUMBER_LENGTH..].copy_from_slice(&mac[..UNSUBSCRIBE_LENGTH - NUMBER_LENGTH]);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Whether a token is that of this recipient, in constant time.
    pub fn is_unsubscribe_token(&self, recipient: i64, address: &str, token: &str) -> bool {
        same(self.unsubscribe_token(recipient, address).as_bytes(), token.as_bytes())
    }

    /// The token in the return address of a mail (VERP): what it names, and what proves that we wrote it. Lower case, because mail servers may
    /// change the case.
    pub fn return_token(&self, of: Returns) -> String {
        let (mac, name) = match of {
            Returns::Delivery(number) => (self.mac("return", &[&number.to_be_bytes()]), number.to_string()),
            Returns::Canary { lane, sent_ms } => (
                self.mac("return of a canary", &[&lane.to_be_bytes(), &sent_ms.to_be_bytes()]),
                format!("c{lane}-{sent_ms}"),
            ),
        };
        let proof = hex(&mac[..TOKEN_LENGTH / 2]);
        format!("{name}-{proof}")
    }

    /// What a return address names, where we wrote it.
    pub fn returned(&self, token: &str) -> Option<Returns> {
        let token = token.to_ascii_lowercase();
        let of = Returns::named(token.rsplit_once('-')?.0)?;
        same(self.return_token(of).as_bytes(), token.as_bytes()).then_some(of)
    }

    /// A salted hash of something that must not be stored itself (an address in the audit log, a redacted field), in hex.
    pub fn salted_hash(&self, purpose: &str, content: &[u8]) -> String {
        hex(&self.mac(purpose, &[content]))
    }

    /// A name that nobody can guess but we can make again: `prefix` and 22 characters.
    pub fn handle(&self, purpose: &str, parts: &[&str]) -> String {
        let parts: Vec<&[u8]> = parts.iter().map(|p| p.as_bytes()).collect();
        URL_SAFE_NO_PAD.encode(&self.mac(purpose, &parts)[..TOKEN_LENGTH])
    }
}

/// What the return address of a mail names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returns {
    /// The delivery with this number: `12`.
    Delivery(i64),
    /// A probe's mail to ourselves: `c3-1706083200000`.
    Canary {
        /// Number of its lane.
        lane: i64,
        /// When it was sent: what it says of the lane ages.
        sent_ms: i64,
    },
}

impl Returns {
    /// What stands in front of a token's proof, whoever wrote it.
    pub fn named(written: &str) -> Option<Self> {
        let Some(canary) = written.strip_prefix('c') else {
            return written.parse().ok().map(Self::Delivery);
        };
        let (lane, sent) = canary.split_once('-')?;
        Some(Self::Canary {
            lane: lane.parse().ok()?,
            sent_ms: sent.parse().ok()?,
        })
    }
}

/// The recipient's row that an unsubscribe token names, whoever wrote it.
pub fn unsubscribe_number(token: &str) -> Option<i64> {
    let token = URL_SAFE_NO_PAD.decode(token).ok()?;
    let token = <[u8; UNSUBSCRIBE_LENGTH]>::try_from(token).ok()?;
    let number = &token[..NUMBER_LENGTH];
    Some(number.iter().fold(0, |number, byte| number << 8 | i64::from(*byte)))
}

/// Equal, in a time that does not depend on where they differ.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// HMAC-SHA256 over `content`.
pub fn hmac_sha256(key: &[u8], content: &[&[u8]]) -> [u8; 32] {
    let mut mac = new_mac(key);
    for part in content {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn new_mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of every length (RFC 2104)")
}

/// The key file, read when the key is first needed.
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
    key: Arc<OnceLock<Key>>,
}

impl KeyFile {
    /// The key at `path`, not touched yet.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            key: Arc::default(),
        }
    }

    /// A key that needs no file.
    pub fn fixed(key: Key) -> Self {
        Self {
            path: PathBuf::new(),
            key: Arc::new(OnceLock::from(key)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key. `NotFound` where there is none, `InvalidData` where the file is something else.
    pub fn key(&self) -> std::io::Result<&Key> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let key = read(&self.path)?;
        Ok(self.key.get_or_init(|| key))
    }

    /// The key of a new installation: makes the file (mode 0600, in a folder made where missing), unless it is there.
    pub fn make(&self) -> std::io::Result<&Key> {
        /// The file made beside carries the process's number: of two threads, one makes it and the other then reads the key.
        static MAKING: std::sync::Mutex<()> = std::sync::Mutex::new(());
        // Nothing under this lock can leave it half done.
        let _making = MAKING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Err(error) = self.key() {
            if error.kind() != std::io::ErrorKind::NotFound {
                return Err(error);
            }
            write_key(&self.path, &random::<KEY_LENGTH>()?)?;
        }
        self.key()
    }
}

fn read(path: &Path) -> std::io::Result<Key> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(KEY_LENGTH as u64 + 1)
        .read_to_end(&mut bytes)?;
    let bytes = <[u8; KEY_LENGTH]>::try_from(bytes).map_err(|_| {
        let text = format!("{} is not a key file of Rundruf (32 bytes)", path.display());
        std::io::Error::new(std::io::ErrorKind::InvalidData, text)
    })?;
    Ok(Key(bytes))
}

/// Puts a key file in its place (mode 0600), from a backup or new. A key that is there already stays. Written beside and linked into place,
/// so that of two processes at the same moment both end with the same whole key.
pub fn write_key(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&beside, path);
    let removed = std::fs::remove_file(&beside);
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => removed,
    }
}

/// A salted hash of redacted content, in hex, under the key at `key_file`.
pub fn salted_hash(key_file: &Path, content: &[u8]) -> std::io::Result<String> {
    Ok(KeyFile::new(key_file.to_owned())
        .key()?
        .salted_hash("redacted", content))
}

/// Random bytes from the system.
pub fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| std::io::Error::other("the system gives no random numbers"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data/rundruf.key");
        assert_eq!(
            KeyFile::new(path.clone()).key().unwrap_err().kind(),
            std::io::ErrorKind::NotFound
        );
        let token = KeyFile::new(path.clone()).make().unwrap().receipt_token("sms", 7, 1);
        assert_eq!(
            KeyFile::new(path.clone()).key().unwrap().receipt_token("sms", 7, 1),
            token
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::read_dir(dir.path().join("data")).unwrap().count(), 1);
    }

    #[test]
    fn a_spoilt_key_file_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rundruf.key");
        std::fs::write(&path, "short").unwrap();
        assert!(KeyFile::new(path.clone()).make().is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"short");
    }

    #[test]
    fn a_token_is_good_for_its_own_attempt_only() {
        let key = Key::from_bytes([7; 32]);
        let token = key.receipt_token("sms", 12, 3);
        assert!(key.is_receipt_token("sms", 12, 3, &token));
        for (channel, delivery, attempt) in [("sms2", 12, 3), ("sms", 13, 3), ("sms", 12, 4)] {
            assert!(!key.is_receipt_token(channel, delivery, attempt, &token));
        }
        assert!(!key.is_receipt_token("sms", 12, 3, ""));
        assert_eq!(format!("{key:?}"), "Key(…)");
    }
    #[test]
    fn an_unsubscribe_token_belongs_to_number_and_address() {
        let key = Key::from_bytes([7; 32]);
        let token = key.unsubscribe_token(70_000, "anna@stadt.example");
        assert_eq!(token.len(), UNSUBSCRIBE_CHARACTERS);
        assert_eq!(unsubscribe_number(&token), Some(70_000));
        assert!(key.is_unsubscribe_token(70_000, "anna@stadt.example", &token));
        assert!(!key.is_unsubscribe_token(70_000, "bert@stadt.example", &token));
        assert!(!key.is_unsubscribe_token(70_001, "anna@stadt.example", &token));
        for forged in [
            "",
            "x",
            &token[1..],
            &token.to_lowercase(),
            &"A".repeat(28),
            &"A".repeat(4_000),
        ] {
            assert!(
                !key.is_unsubscribe_token(70_000, "anna@stadt.example", forged),
                "{forged}"
            );
        }
    }

    #[test]
    fn a_return_address_survives_a_change_of_case() {
        let key = Key::from_bytes([7; 32]);
        let (delivery, canary) = (Returns::Delivery(12), Returns::Canary { lane: 3, sent_ms: 70 });
        for of in [delivery, canary] {
            let token = key.return_token(of);
            assert_eq!(key.returned(&token), Some(of));
            assert_eq!(key.returned(&token.to_uppercase()), Some(of));
        }
        let (token, sent) = (key.return_token(delivery), key.return_token(canary));
        for forged in [
            "12",
            "12-",
            "13-0011223344556677",
            "c3-70",
            &token.replacen("12", "13", 1),
            &token.replacen("12", "+12", 1),
            &sent.replacen("-70", "-71", 1),
            &sent.replacen("c3", "c4", 1),
            &format!("c3-70-{}", &token[3..]),
        ] {
            assert_eq!(key.returned(forged), None, "{forged}");
        }
    }
}
