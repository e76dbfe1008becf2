//! DKIM (RFC 6376, ed25519 by RFC 8463), relaxed/relaxed. Off by default: where a relay of the house signs, it should.
//!
//! The keys are what `openssl genpkey` writes, and ring signs with them; so RSA costs what it must and no second kind of
//! cryptography comes into the house.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::Signer;
use sha2::{Digest, Sha256};

/// The fields that are signed, in this order. Both list fields are among them, as RFC 8058 asks.
const SIGNED: &[&str] = &[
    "from",
    "reply-to",
    "to",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-language",
    "auto-submitted",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
];
/// Largest key file: an RSA key of 8192 bits has 6.5 kB.
const LARGEST_KEY: u64 = 1 << 16;

/// Signs mails for one domain.
#[derive(Debug)]
pub(super) struct Dkim {
    selector: String,
    domain: String,
    signer: Box<dyn Signer>,
    /// What has to stand in the DNS.
    record: String,
}

impl Dkim {
    /// Reads the key: PEM, RSA of at least 2048 bits or Ed25519. The error says what is wrong with it, nothing of the key.
    pub(super) fn read(selector: String, domain: String, key_file: &Path) -> Result<Self, String> {
        let too_large = std::fs::metadata(key_file).map_err(|e| e.to_string())?.len() > LARGEST_KEY;
        if too_large {
            return Err("it is too large for a key".to_owned());
        }
        let key = std::fs::read(key_file).map_err(|e| e.to_string())?;
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| "it holds no private key in PEM".to_owned())?;
        let key = any_supported_type(&key).map_err(|e| e.to_string())?;
        let wanted = [SignatureScheme::ED25519, SignatureScheme::RSA_PKCS1_SHA256];
        let signer = key
            .choose_scheme(&wanted)
            .ok_or("it is neither an RSA nor an Ed25519 key")?;
        let public = key.public_key().ok_or("its public key cannot be made")?;
        let public: &[u8] = public.as_ref();
        let (kind, public) = match signer.scheme() {
            // RFC 8463: the 32 bytes alone, which stand at the end.
            SignatureScheme::ED25519 => ("ed25519", &public[public.len().saturating_sub(32)..]),
            _ => ("rsa", public),
        };
        let record = format!(
            "{selector}._domainkey.{domain} TXT \"v=DKIM1; k={kind}; p={}\"",
            STANDARD.encode(public)
        );
        Ok(Self {
            selector,
            domain,
            signer,
            record,
        })
    }

    /// What has to stand in the DNS, so that others can verify.
    pub(super) fn record(&self) -> &str {
        &self.record
    }

    /// The `DKIM-Signature` field of a mail, with its line end. Costs a millisecond of computing with RSA: not for async threads.
    pub(super) fn sign(&self, head: &str, body: &str, seconds: i64) -> Result<String, String> {
        let fields = fields(head);
        let mut covered = String::with_capacity(head.len());
        let mut names = Vec::with_capacity(SIGNED.len());
        for name in SIGNED {
            let found = fields
                .iter()
                .rev()
                .find(|field| field_name(field).eq_ignore_ascii_case(name));
            if let Some(field) = found {
                relaxed_field(field, &mut covered);
                covered.push_str("\r\n");
                names.push(*name);
            }
        }
        let ed25519 = self.signer.scheme() == SignatureScheme::ED25519;
        let mut field = format!(
            "DKIM-Signature: v=1; a={}-sha256; c=relaxed/relaxed; d={};\r\n s={}; t={seconds};\r\n h={};\r\n bh={};\r\n b=",
            if ed25519 { "ed25519" } else { "rsa" },
            self.domain,
            self.selector,
            names
                .chunks(5)
                .map(|some| some.join(":"))
                .collect::<Vec<_>>()
                .join(":\r\n  "),
            STANDARD.encode(relaxed_body_hash(body)),
        );
        relaxed_field(&field, &mut covered);
        // RSA hashes what it signs by itself; Ed25519 signs the hash (RFC 8463, 3).
        let signature = if ed25519 {
            self.signer.sign(&Sha256::digest(covered.as_bytes()))
        } else {
            self.signer.sign(covered.as_bytes())
        };
        let signature = STANDARD.encode(signature.map_err(|e| e.to_string())?);
        for (n, piece) in signature.as_bytes().chunks(70).enumerate() {
            let fold = if n == 0 { "" } else { "\r\n  " };
            // Base64 is ASCII, and a String takes every text.
            let _ = write!(field, "{fold}{}", String::from_utf8_lossy(piece));
        }
        field.push_str("\r\n");
        Ok(field)
    }
}

/// The fields of a head, continuation lines with the line they continue, without the last line end.
fn fields(head: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(end) = head[at..].find("\r\n") {
        at += end + 2;
        if !head[at..].starts_with([' ', '\t']) {
            fields.push(&head[start..at - 2]);
            start = at;
        }
    }
    fields
}

fn field_name(field: &str) -> &str {
    field.split_once(':').map_or(field, |(name, _)| name).trim_end()
}

/// RFC 6376, 3.4.2: name in lower case, unfolded, runs of white space as one space, none at the ends.
fn relaxed_field(field: &str, out: &mut String) {
    let (name, value) = field.split_once(':').unwrap_or((field, ""));
    out.extend(name.trim_end().chars().map(|c| c.to_ascii_lowercase()));
    out.push(':');
    for (n, word) in value
        .split([' ', '\t', '\r', '\n'])
        .filter(|word| !word.is_empty())
        .enumerate()
    {
        if n > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
}

/// RFC 6376, 3.4.4: runs of white space as one space, none at line ends, no empty lines at the end.
fn relaxed_body_hash(body: &str) -> [u8; 32] {
    let mut relaxed = Vec::with_capacity(body.len());
    let mut empty = 0;
    for line in lines(body) {
        let line = line.trim_end_matches([' ', '\t']);
        if line.is_empty() {
            empty += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut empty) {
            relaxed.extend_from_slice(b"\r\n");
        }
        if line.contains('\t') || line.contains("  ") {
            let mut space = false;
            for byte in line.bytes() {
                let blank = matches!(byte, b' ' | b'\t');
                if !blank {
                    relaxed.push(byte);
                } else if !space {
                    relaxed.push(b' ');
                }
                space = blank;
            }
        } else {
            relaxed.extend_from_slice(line.as_bytes());
        }
        relaxed.extend_from_slice(b"\r\n");
    }
    Sha256::digest(&relaxed).into()
}

/// The lines of a text without their ends, CR LF and nothing else. Found by the line feed, which is much faster than by both.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut feeds = rest.match_indices('\n').map(|(at, _)| at);
        let end = feeds.find(|at| rest[..*at].ends_with('\r'));
        let (line, after) = end.map_or((rest, ""), |at| (&rest[..at - 1], &rest[at + 1..]));
        rest = after;
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard() {
        // RFC 6376, 3.4.5.
        let head = "A: X\r\nB : Y\t\r\n\tZ  \r\n";
        let mut relaxed = String::new();
        for field in fields(head) {
            relaxed_field(field, &mut relaxed);
            relaxed.push_str("\r\n");
        }
        assert_eq!(relaxed, "a:X\r\nb:Y Z\r\n");
        let same: [u8; 32] = Sha256::digest(b" C\r\nD E\r\n").into();
        assert_eq!(relaxed_body_hash(" C \r\nD \t E\r\n\r\n\r\n"), same);
        assert_eq!(relaxed_body_hash(""), <[u8; 32]>::from(Sha256::digest(b"")));
        let bare: [u8; 32] = Sha256::digest(b"a\nb\r\nc\r\n").into();
        assert_eq!(relaxed_body_hash("a\nb\r\nc"), bare, "a line feed alone ends no line");
    }
}
