//! An SFTP server, by password or key, with a pinned host key. One session per upload; files are written beside their place
//! and renamed over it (`posix-rename@openssh.com`, else removed first).

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::Url;
use russh::client::{self, Handle, Handler};
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate};
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{FileAttributes, OpenFlags, Packet, StatusCode};

use super::bring::{LARGEST_MANIFEST, Place, bring};
use crate::channel::{Finding, Target, http};
use crate::domain::outcome::{Outcome, Reason, Report};
use crate::formats::Site;
use crate::said;
use crate::secret::{ExposeSecret, SecretString};
use crate::settings::Reader;

/// Of one whole upload.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Of one answer of the server.
const ANSWER: u64 = 20;
/// Bytes in one request; what every server takes (draft-ietf-secsh-filexfer, section 3).
const CHUNK: usize = 32 * 1_024;

/// `sftp://HOST/PATH`.
pub struct Sftp {
    host: String,
    port: u16,
    /// From the login's start folder.
    root: String,
    username: String,
    password: Option<SecretString>,
    private_key: Option<PathBuf>,
    host_key: Option<Pin>,
    link: bool,
    timeout: Duration,
}

/// What the server's key must be.
#[derive(Debug, Clone)]
enum Pin {
    /// `SHA256:…`.
    Fingerprint(String),
    /// The key itself.
    Key(Box<PublicKey>),
}

/// Reads a target's keys.
pub fn read(reader: &mut Reader<'_>, address: &str, link: bool, timeout: Option<Duration>) -> Option<Sftp> {
    let url = Url::parse(address)
        .ok()
        .filter(|url| url.host_str().is_some_and(|h| !h.is_empty()));
    let Some(url) = url.filter(|url| url.query().is_none()) else {
        reader.problem(
            "url",
            said!(
                "Das ist keine vollständige SFTP-Adresse.",
                "this is no complete SFTP address."
            ),
            said!(
                "Zum Beispiel \"sftp://web1234@host.example/htdocs\".",
                "For example \"sftp://web1234@host.example/htdocs\"."
            ),
        );
        return None;
    };
    if url.password().is_some() {
        reader.problem(
            "url",
            said!("In der Adresse steht ein Passwort.", "the address carries a password."),
            said!(
                "Schreiben Sie {{ url = \"sftp://…\", username = \"…\", password_file = \"…\" }}.",
                "Write {{ url = \"sftp://…\", username = \"…\", password_file = \"…\" }}."
            ),
        );
        return None;
    }
    let named = reader.text("username");
    let username = named.or_else(|| (!url.username().is_empty()).then(|| url.username().to_owned()));
    if username.is_none() {
        reader.missing(
            "username",
            said!(
                "Schreiben Sie sftp://NAME@… oder username = \"NAME\".",
                "Write sftp://USER@… or username = \"USER\"."
            ),
        );
    }
    let password = reader.secret("password");
    let private_key = reader
        .has("private_key_file")
        .then(|| reader.path("private_key_file"))
        .flatten();
    if let Some(path) = &private_key
        && let Err(error) = russh::keys::load_secret_key(path, password.as_ref().map(ExposeSecret::expose_secret))
    {
        let shown = path.display();
        reader.problem("private_key_file", said!("Der Schlüssel {shown} lässt sich nicht lesen: {error}.", "the key {shown} cannot be read: {error}."), said!("Erwartet wird ein privater Schlüssel im OpenSSH- oder PEM-Format; ist er verschlüsselt, gehört die Passphrase in password_file.", "Expected is a private key in OpenSSH or PEM format; if it is encrypted, its passphrase belongs into password_file."));
    }
    let host_key = reader.parsed(
        "host_key",
        pin,
        said!(
            "Erlaubt ist \"SHA256:…\" oder \"ssh-ed25519 AAAA…\", wie ssh-keyscan es ausgibt.",
            "Allowed is \"SHA256:…\" or \"ssh-ed25519 AAAA…\", as ssh-keyscan prints it."
        ),
    );
    let root = url.path().trim_start_matches('/').trim_end_matches('/');
    let root = percent_decode(root);
    Some(Sftp {
        host: url.host_str()?.trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(22),
        root: if root.is_empty() { ".".to_owned() } else { root },
        username: username?,
        password,
        private_key,
        host_key,
        link,
        timeout: timeout.unwrap_or(TIMEOUT),
    })
}

fn percent_decode(path: &str) -> String {
    url::form_urlencoded::parse(format!("p={}", path.replace('+', "%2B")).as_bytes())
        .next()
        .map_or_else(String::new, |(_, v)| v.into_owned())
}

fn pin(written: &str) -> Option<Pin> {
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

/// Looks at the server's key and remembers why it was not taken.
struct Verifier {
    host: String,
    port: u16,
    pin: Option<Pin>,
    refusal: Arc<Mutex<Option<String>>>,
}

impl Handler for Verifier {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else {
            return Ok(false);
        };
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        let (known, why) = match &self.pin {
            Some(Pin::Fingerprint(pinned)) => (*pinned == fingerprint, "it is not the one in host_key"),
            Some(Pin::Key(pinned)) => (pinned.key_data() == key.key_data(), "it is not the one in host_key"),
            None => (
                russh::keys::check_known_hosts(&self.host, self.port, key).unwrap_or(false),
                "nobody has vouched for it. If your provider names the same, write it into host_key",
            ),
        };
        if !known {
            let text = format!("the server's key is {fingerprint}, and {why}");
            *self.refusal.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(text);
        }
        Ok(known)
    }
}

impl Sftp {
    /// The target is this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    fn report(&self, outcome: Outcome, reason: Reason, text: &str) -> Report {
        http::report(outcome, reason, format!("{}: {text}", self.address()))
    }

    fn keys(&self) -> Vec<PathBuf> {
        if let Some(path) = &self.private_key {
            return vec![path.clone()];
        }
        if self.password.is_some() {
            return Vec::new();
        }
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        ["id_ed25519", "id_ecdsa", "id_rsa"]
            .iter()
            .map(|name| home.join(".ssh").join(name))
            .filter(|path| path.is_file())
            .collect()
    }

    async fn connect(&self) -> Result<Session<'_>, Report> {
        let refusal = Arc::new(Mutex::new(None));
        let verifier = Verifier {
            host: self.host.clone(),
            port: self.port,
            pin: self.host_key.clone(),
            refusal: refusal.clone(),
        };
        let config = client::Config {
            nodelay: true,
            inactivity_timeout: Some(self.timeout),
            ..client::Config::default()
        };
        let connected = client::connect(Arc::new(config), (self.host.as_str(), self.port), verifier).await;
        let mut handle = connected.map_err(|error| {
            let refused = refusal.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            match (refused, error) {
                (Some(text), _) => self.report(Outcome::Auth, Reason::Credentials, &text),
                (None, error) => self.report(Outcome::Transient, Reason::NotConnected, &error.to_string()),
            }
        })?;
        self.log_in(&mut handle).await?;
        let broken = |error: russh::Error| self.report(Outcome::Transient, Reason::BadAnswer, &error.to_string());
        let channel = handle.channel_open_session().await.map_err(broken)?;
        channel.request_subsystem(true, "sftp").await.map_err(broken)?;
        let raw = RawSftpSession::new(channel.into_stream());
        raw.set_timeout(ANSWER.min(self.timeout.as_secs().max(1)));
        let version = raw.init().await.map_err(|error| self.sort("", error))?;
        let renames = version.extensions.contains_key("posix-rename@openssh.com");
        Ok(Session {
            target: self,
            raw,
            renames,
            made: Mutex::default(),
            _handle: handle,
        })
    }

    async fn log_in(&self, handle: &mut Handle<Verifier>) -> Result<(), Report> {
        let broken = |error: russh::Error| self.report(Outcome::Transient, Reason::BadAnswer, &error.to_string());
        for path in self.keys() {
            let passphrase = self.password.as_ref().map(ExposeSecret::expose_secret);
            let Ok(key) = russh::keys::load_secret_key(&path, passphrase) else {
                continue;
            };
            let hash = if key.algorithm().is_rsa() {
                handle.best_supported_rsa_hash().await.map_err(broken)?.flatten()
            } else {
                None
            };
            let key: Arc<PrivateKey> = Arc::new(key);
            let answer = handle
                .authenticate_publickey(&self.username, PrivateKeyWithHashAlg::new(key, hash))
                .await
                .map_err(broken)?;
            if answer.success() {
                return Ok(());
            }
        }
        if let (Some(password), None) = (&self.password, &self.private_key) {
            let answer = handle
                .authenticate_password(&self.username, password.expose_secret())
                .await
                .map_err(broken)?;
            if answer.success() {
                return Ok(());
            }
        }
        Err(self.report(
            Outcome::Auth,
            Reason::Credentials,
            "the server takes neither key nor password of this user",
        ))
    }

    fn sort(&self, path: &str, error: SftpError) -> Report {
        match error {
            SftpError::Status(status) if status.status_code == StatusCode::PermissionDenied => {
                self.report(Outcome::Transient, Reason::Local, &format!("no write access to {path}"))
            }
            SftpError::Status(status) => {
                let words: String = status
                    .error_message
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(160)
                    .collect();
                self.report(
                    Outcome::Transient,
                    Reason::ServiceTrouble,
                    &format!("{path}: {} ({words})", status.status_code),
                )
            }
            SftpError::Timeout => self.report(
                Outcome::Transient,
                Reason::NoAnswer,
                "the server does not answer any more",
            ),
            other => self.report(Outcome::Transient, Reason::BadAnswer, &other.to_string()),
        }
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, Report>>) -> Result<T, Report> {
        tokio::time::timeout(self.timeout, work).await.unwrap_or_else(|_| {
            Err(self.report(
                Outcome::Transient,
                Reason::NoAnswer,
                &format!("not done within {:?}", self.timeout),
            ))
        })
    }
}

/// One connection.
struct Session<'a> {
    target: &'a Sftp,
    raw: RawSftpSession,
    /// The server renames over what is there.
    renames: bool,
    /// Folders known to be there.
    made: Mutex<std::collections::BTreeSet<String>>,
    /// Ends the connection when dropped.
    _handle: Handle<Verifier>,
}

fn missing(error: &SftpError) -> bool {
    matches!(error, SftpError::Status(status) if status.status_code == StatusCode::NoSuchFile)
}

impl Session<'_> {
    fn full(&self, path: &str) -> String {
        format!("{}/{path}", self.target.root)
    }

    /// Makes the folders above a file; one that is there already answers "failure" and is fine.
    async fn folders(&self, full: &str) {
        let above: Vec<usize> = full.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0).collect();
        for at in above {
            let folder = &full[..at];
            let known = |made: &Mutex<std::collections::BTreeSet<String>>| {
                made.lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .insert(folder.to_owned())
            };
            if folder != "." && known(&self.made) {
                let attributes = FileAttributes {
                    permissions: Some(0o755),
                    ..FileAttributes::empty()
                };
                // Whether it is there shows when the file is opened.
                let _ = self.raw.mkdir(folder, attributes).await;
            }
        }
    }

    async fn write(&self, full: &str, bytes: &[u8]) -> Result<(), SftpError> {
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let attributes = FileAttributes {
            permissions: Some(0o644),
            ..FileAttributes::empty()
        };
        let handle = self.raw.open(full, flags, attributes).await?.handle;
        let chunks = bytes
            .chunks(CHUNK)
            .enumerate()
            .map(|(n, chunk)| self.raw.write(handle.clone(), (n * CHUNK) as u64, chunk.to_vec()));
        let written = futures_util::future::try_join_all(chunks).await;
        self.raw.close(handle).await?;
        written.map(|_| ())
    }

    async fn rename(&self, from: &str, to: &str) -> Result<(), SftpError> {
        if !self.renames {
            return match self.raw.remove(to).await {
                Err(error) if !missing(&error) => Err(error),
                _ => self.raw.rename(from, to).await.map(|_| ()),
            };
        }
        let mut data = Vec::new();
        for name in [from, to] {
            data.extend((name.len() as u32).to_be_bytes());
            data.extend(name.as_bytes());
        }
        match self.raw.extended("posix-rename@openssh.com", data).await? {
            Packet::Status(status) if status.status_code == StatusCode::Ok => Ok(()),
            Packet::Status(status) => Err(SftpError::Status(status)),
            _ => Err(SftpError::UnexpectedPacket),
        }
    }

    async fn read(&self, full: &str) -> Result<Bytes, SftpError> {
        let handle = self
            .raw
            .open(full, OpenFlags::READ, FileAttributes::empty())
            .await?
            .handle;
        let mut bytes = Vec::new();
        while bytes.len() < LARGEST_MANIFEST {
            match self.raw.read(handle.clone(), bytes.len() as u64, CHUNK as u32).await {
                Ok(data) if data.data.is_empty() => break,
                Ok(data) => bytes.extend(data.data),
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => break,
                Err(error) => return Err(error),
            }
        }
        self.raw.close(handle).await?;
        Ok(Bytes::from(bytes))
    }
}

#[async_trait]
impl Place for Session<'_> {
    async fn get(&self, path: &str) -> Result<Option<Bytes>, Report> {
        match self.read(&self.full(path)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if missing(&error) => Ok(None),
            Err(error) => Err(self.target.sort(path, error)),
        }
    }

    async fn put(&self, path: &str, bytes: &Bytes) -> Result<(), Report> {
        let full = self.full(path);
        self.folders(&full).await;
        let (folder, name) = full.rsplit_once('/').unwrap_or((".", &full));
        let beside = format!("{folder}/.rundruf-{name}.tmp");
        let done = async {
            self.write(&beside, bytes).await?;
            self.rename(&beside, &full).await
        };
        done.await.map_err(|error| self.target.sort(path, error))
    }

    async fn remove(&self, path: &str) -> Result<(), Report> {
        let full = self.full(path);
        match self.raw.remove(&full).await {
            Err(error) if !missing(&error) => return Err(self.target.sort(path, error)),
            _ => {}
        }
        // Folders left empty go too; the first that is not empty ends it.
        let mut at = path;
        while let Some((folder, _)) = at.rsplit_once('/') {
            if self.raw.rmdir(self.full(folder)).await.is_err() {
                break;
            }
            at = folder;
        }
        Ok(())
    }
}

#[async_trait]
impl Target for Sftp {
    fn address(&self) -> String {
        let port = if self.port == 22 {
            String::new()
        } else {
            format!(":{}", self.port)
        };
        let root = if self.root == "." { "" } else { &self.root };
        format!("sftp://{}@{}{port}/{root}", self.username, self.host)
    }

    fn link(&self) -> bool {
        self.link
    }

    async fn upload(&self, site: &Site, instance: i64, generation: i64) -> Result<u64, Report> {
        let work = async {
            let session = self.connect().await?;
            bring(&session, &self.address(), site, instance, generation).await
        };
        self.within(work).await
    }

    async fn check(&self) -> Vec<Finding> {
        let work = async {
            let session = self.connect().await?;
            let probe = "rundruf-check";
            session.put(probe, &Bytes::new()).await?;
            session.remove(probe).await
        };
        let address = self.address();
        vec![match self.within(work).await {
            Ok(()) => http::well(
                format!("{address}: angemeldet, Schreiben geht."),
                format!("{address}: logged in, writing works."),
            ),
            Err(report) => http::unwell(&address, &report),
        }]
    }
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
