//! The signed list of a copy's files. A target knows by it what changed and which copy of the installation wrote last; anybody
//! knows by it whether a copy is whole and ours.
//!
//! The form is a JSON Web Signature (RFC 7515, flattened) with Ed25519 (RFC 8037), so that others can check it with what they have.

use std::collections::{BTreeMap, BTreeSet};

use base16ct::lower::encode_string as hex;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Site, SiteFile};
use crate::clock::timestamp;
use crate::secret::signing::{PublicKey, Signer};

/// Where the manifest stands: hosts that hide files with a dot still show this folder (RFC 8615).
pub const MANIFEST: &str = ".well-known/rundruf-manifest.json";
/// Largest manifest read: 100,000 files have half of it.
pub const LARGEST_MANIFEST: usize = 32 << 20;
/// Most files of a site.
const MOST_FILES: usize = 100_000;
/// Longest file of a site: many times the largest page there was. Whoever reads a manifest makes room by what it says.
const LARGEST_FILE: u64 = 16 << 20;
/// Longest path of a file.
const LONGEST_PATH: usize = 1_000;

/// A file of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// SHA-256, in hex.
    pub sha256: String,
    /// Length in bytes.
    pub bytes: u64,
}

impl Entry {
    /// What identifies this content.
    pub fn of(content: &[u8]) -> Self {
        Self {
            sha256: hex(&Sha256::digest(content)),
            bytes: content.len() as u64,
        }
    }
}

/// What is there, as we left it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The store's instance number: raised by every restore.
    pub instance: i64,
    /// The site's generation: raised by every publication, and where time alone changes a page.
    pub generation: i64,
    /// When the newest state that the files tell of was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// Files by path.
    pub files: BTreeMap<String, Entry>,
    /// Files that were about to change when this was written: whatever they hold, they are ours and not known.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pending: BTreeSet<String>,
}

/// Why a manifest says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// Not in this form, or it names paths outside the copy, or more or longer files than any site has.
    #[error("it is no manifest of Rundruf")]
    Unreadable,
    /// Changed after it was signed.
    #[error("its signature does not fit its content")]
    Forged,
}

/// The flattened form of RFC 7515, section 7.2.2.
#[derive(Serialize, Deserialize)]
struct Jws {
    protected: String,
    payload: String,
    signature: String,
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    jwk: Jwk,
}

/// A public key as RFC 8037 writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Jwk {
    kty: String,
    crv: String,
    x: String,
}

impl From<PublicKey> for Jwk {
    fn from(key: PublicKey) -> Self {
        Self {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: key.to_string(),
        }
    }
}

impl Manifest {
    /// Lists a whole site.
    pub fn of(site: &Site, instance: i64, generation: i64) -> Self {
        let ours = site.files.iter().filter(|(path, _)| is_ours(path));
        let entry = |path, file: &SiteFile| site.known.get(path).cloned().unwrap_or_else(|| Entry::of(&file.bytes));
        Self {
            instance,
            generation,
            as_of: site.as_of.map(timestamp),
            files: ours.map(|(path, file)| (path.clone(), entry(path, file))).collect(),
            pending: BTreeSet::new(),
        }
    }

    /// The manifest as a file, signed. The same content gives the same bytes.
    pub fn signed(&self, signer: &Signer) -> SiteFile {
        let header = Header {
            alg: "EdDSA".to_owned(),
            jwk: signer.public().into(),
        };
        let (protected, payload) = (coded(&header), coded(self));
        let signature = BASE64.encode(signer.sign(signing_input(&protected, &payload).as_bytes()));
        SiteFile {
            bytes: json(&Jws {
                protected,
                payload,
                signature,
            })
            .into(),
            media_type: "application/json; charset=utf-8",
        }
    }

    /// Reads a manifest whose signature fits, and the key that signed it. Whether that key is the right one is for the reader
    /// to know.
    pub fn read(file: &[u8]) -> Result<(Self, PublicKey), Doubt> {
        let jws: Jws = serde_json::from_slice(file).map_err(|_| Doubt::Unreadable)?;
        let header: Header = decoded(&jws.protected)?;
        let key = PublicKey::parse(&header.jwk.x)
            .filter(|_| header.alg == "EdDSA" && header.jwk.crv == "Ed25519")
            .ok_or(Doubt::Unreadable)?;
        let manifest: Self = decoded(&jws.payload)?;
        let signature = BASE64.decode(&jws.signature).map_err(|_| Doubt::Forged)?;
        if !key.verifies(signing_input(&jws.protected, &jws.payload).as_bytes(), &signature) {
            return Err(Doubt::Forged);
        }
        let mut paths = manifest.files.keys().chain(&manifest.pending);
        let as_any_site = manifest.files.len() + manifest.pending.len() <= MOST_FILES
            && manifest.files.values().all(|file| file.bytes <= LARGEST_FILE);
        if as_any_site && paths.all(|path| is_ours(path)) {
            Ok((manifest, key))
        } else {
            Err(Doubt::Unreadable)
        }
    }
}

/// RFC 7515, section 5.1.
fn signing_input(protected: &str, payload: &str) -> String {
    format!("{protected}.{payload}")
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("texts and numbers in structs and maps with text keys are always JSON")
}

fn coded(value: &impl Serialize) -> String {
    BASE64.encode(json(value))
}

fn decoded<T: serde::de::DeserializeOwned>(coded: &str) -> Result<T, Doubt> {
    let json: Bytes = BASE64.decode(coded).map_err(|_| Doubt::Unreadable)?.into();
    serde_json::from_slice(&json).map_err(|_| Doubt::Unreadable)
}

/// A path we may write, remove or look at: below the place, not the manifest. A manifest is read from a machine of others and
/// must not talk us into touching something else.
pub fn is_ours(path: &str) -> bool {
    !path.is_empty()
        && path != MANIFEST
        && path.len() <= LONGEST_PATH
        && !path.contains(['\\', '\0'])
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Key;

    fn signer() -> Signer {
        Key::from_bytes([7; 32]).signer()
    }

    fn manifest() -> Manifest {
        let mut site = Site::default();
        let file = SiteFile {
            bytes: Bytes::from_static(b"<p>Text"),
            media_type: "text/html",
        };
        site.files.insert("potsdam/index.html".into(), file.clone());
        site.files.insert(MANIFEST.into(), file);
        Manifest::of(&site, 2, 7)
    }

    #[test]
    fn what_was_signed_is_read_back_with_its_key() {
        let written = manifest().signed(&signer());
        let (read, key) = Manifest::read(&written.bytes).unwrap();
        assert_eq!((read, key), (manifest(), signer().public()));
        assert_eq!(manifest().files.keys().collect::<Vec<_>>(), ["potsdam/index.html"]);
    }

    #[test]
    fn what_is_known_of_a_file_is_not_looked_for_again() {
        let mut site = Site::default();
        let file = SiteFile {
            bytes: Bytes::from_static(b"x"),
            media_type: "text/html",
        };
        site.files = ["a", "b"].map(|path| (path.to_owned(), file.clone())).into();
        site.known.insert("a".to_owned(), Entry::of(b"known"));
        let files = Manifest::of(&site, 1, 1).files;
        assert_eq!((&files["a"], &files["b"]), (&Entry::of(b"known"), &Entry::of(b"x")));
    }

    /// The file with one member changed.
    fn with(member: &str, value: &str) -> Vec<u8> {
        let mut file: serde_json::Value = serde_json::from_slice(&manifest().signed(&signer()).bytes).unwrap();
        file[member] = value.into();
        serde_json::to_vec(&file).unwrap()
    }

    #[test]
    fn a_changed_list_a_changed_header_and_no_signature_are_refused() {
        let newer = Manifest {
            instance: 9,
            ..manifest()
        };
        assert_eq!(Manifest::read(&with("payload", &coded(&newer))), Err(Doubt::Forged));
        let header = Header {
            alg: "EdDSA".into(),
            jwk: Key::from_bytes([8; 32]).signer().public().into(),
        };
        assert_eq!(Manifest::read(&with("protected", &coded(&header))), Err(Doubt::Forged));
        assert_eq!(Manifest::read(&with("signature", "")), Err(Doubt::Forged));
        let none = Header {
            alg: "none".into(),
            ..header
        };
        assert_eq!(
            Manifest::read(&with("protected", &coded(&none))),
            Err(Doubt::Unreadable)
        );
        for noise in [&b""[..], b"{}", b"<html>", b"[[[[[[[[", b"{\"payload\":1}"] {
            assert_eq!(Manifest::read(noise), Err(Doubt::Unreadable));
        }
    }

    #[test]
    fn a_list_of_more_or_longer_files_than_any_site_has_is_none() {
        let mut evil = manifest();
        evil.files.get_mut("potsdam/index.html").unwrap().bytes = u64::MAX;
        let read = Manifest::read(&evil.signed(&signer()).bytes);
        assert_eq!(read, Err(Doubt::Unreadable));
        let mut evil = manifest();
        let many = (0..MOST_FILES).map(|n| (n.to_string(), Entry::of(b"")));
        evil.files.extend(many);
        let read = Manifest::read(&evil.signed(&signer()).bytes);
        assert_eq!(read, Err(Doubt::Unreadable));
    }

    #[test]
    fn a_list_that_leads_outside_is_none() {
        for path in [
            "../../etc/passwd",
            "/etc/passwd",
            "a//b",
            "a/../b",
            "",
            MANIFEST,
            "a\\b",
        ] {
            let mut evil = manifest();
            evil.files.insert(path.to_owned(), Entry::of(b""));
            let read = Manifest::read(&evil.signed(&signer()).bytes);
            assert_eq!(read, Err(Doubt::Unreadable), "{path}");
        }
    }
}
