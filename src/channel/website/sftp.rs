//! An SFTP server, by password or key, with a pinned host key. One session per upload; files are written beside their place
//! brought to the
//! server's disk (`fsync@openssh.com`) and renamed over it (`posix-rename@openssh.com`); where it offers neither, as it can.

mod host_key;
mod session;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use russh::client::{self, Handle};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg};
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::StatusCode;

use super::address::Address;
use super::space::{Place, Space};
use crate::channel::http;
use crate::clock::Ms;
use crate::domain::outcome::{Outcome, Reason, Report};
use crate::said;
use crate::secret::{ExposeSecret, SecretString};
use crate::settings::Reader;
use crate::text::said::{Said, system};
use host_key::{Pin, Verifier, pin};
use session::Session;

/// Without a word from the server.
const IDLE: Duration = Duration::from_secs(120);
/// Of one answer of the server.
const ANSWER: u64 = 20;

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
    idle: Duration,
}

/// Reads a target's keys.
pub fn read(reader: &mut Reader<'_>, address: &Address, timeout: Option<Duration>) -> Option<Sftp> {
    let username = address.username(reader);
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
    Some(Sftp {
        host: address.host.clone(),
        port: address.port.unwrap_or(22),
        root: if address.path.is_empty() {
            ".".to_owned()
        } else {
            address.path.clone()
        },
        username: username?,
        password,
        private_key,
        host_key,
        idle: timeout.unwrap_or(IDLE),
    })
}

/// What ended a connection: usual faults of the network in plain words, others in those of the protocol.
fn words(error: &russh::Error) -> Said {
    match error {
        russh::Error::IO(error) => system(error),
        other => Said::quoted(other.to_string()),
    }
}

/// The library's words for a connection that ended under it.
fn cut_off(error: &SftpError) -> bool {
    match error {
        SftpError::IO(_) => true,
        SftpError::UnexpectedBehavior(text) => ["sender dropped", "RecvError", "SendError", "session closed"]
            .iter()
            .any(|words| text.contains(words)),
        _ => false,
    }
}

impl Sftp {
    fn report(&self, outcome: Outcome, reason: Reason, text: &Said) -> Report {
        let address = self.address();
        http::report(outcome, reason, text.map(|text| format!("{address}: {text}")))
    }

    /// What came back was no SFTP, or ended in the middle.
    fn broken(&self, error: &russh::Error) -> Report {
        self.report(Outcome::Transient, Reason::BadAnswer, &words(error))
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
            inactivity_timeout: Some(self.idle),
            ..client::Config::default()
        };
        let connected = client::connect(Arc::new(config), (self.host.as_str(), self.port), verifier).await;
        let mut handle = connected.map_err(|error| {
            let refused = refusal.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            match (refused, error) {
                (Some(text), _) => self.report(Outcome::Auth, Reason::Credentials, &text),
                (None, error) => self.report(Outcome::Transient, Reason::NotConnected, &words(&error)),
            }
        })?;
        self.log_in(&mut handle).await?;
        let broken = |error: russh::Error| self.broken(&error);
        let channel = handle.channel_open_session().await.map_err(broken)?;
        channel.request_subsystem(true, "sftp").await.map_err(broken)?;
        let raw = RawSftpSession::new(channel.into_stream());
        raw.set_timeout(ANSWER.min(self.idle.as_secs().max(1)));
        let version = raw.init().await.map_err(|error| self.sort("", error))?;
        let offers = |extension: &str| version.extensions.contains_key(extension);
        let (renames, syncs) = (offers("posix-rename@openssh.com"), offers("fsync@openssh.com"));
        Ok(Session {
            target: self,
            raw,
            renames,
            syncs,
            made: Mutex::default(),
            _handle: handle,
        })
    }

    async fn log_in(&self, handle: &mut Handle<Verifier>) -> Result<(), Report> {
        let broken = |error: russh::Error| self.broken(&error);
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
            &said!(
                "der Server nimmt weder Schlüssel noch Passwort dieses Benutzers an",
                "the server takes neither key nor password of this user"
            ),
        ))
    }

    fn sort(&self, path: &str, error: SftpError) -> Report {
        match error {
            SftpError::Status(status) if status.status_code == StatusCode::PermissionDenied => self.report(
                Outcome::Transient,
                Reason::Local,
                &said!("keine Schreibrechte für {path}", "no write access to {path}"),
            ),
            SftpError::Status(status) => {
                let code = status.status_code;
                let words: String = status
                    .error_message
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(160)
                    .collect();
                self.report(
                    Outcome::Transient,
                    Reason::ServiceTrouble,
                    &said!(
                        "der Server lehnt {path} ab: {code} ({words})",
                        "the server refuses {path}: {code} ({words})"
                    ),
                )
            }
            SftpError::Timeout => self.report(
                Outcome::Transient,
                Reason::NoAnswer,
                &said!("der Server antwortet nicht mehr", "the server does not answer any more"),
            ),
            ref error if cut_off(error) => self.report(
                Outcome::Transient,
                Reason::NoAnswer,
                &said!("die Verbindung brach ab", "the connection was cut"),
            ),
            other => self.report(Outcome::Transient, Reason::BadAnswer, &Said::quoted(other.to_string())),
        }
    }
}

#[async_trait]
impl Space for Sftp {
    fn address(&self) -> String {
        let port = if self.port == 22 {
            String::new()
        } else {
            format!(":{}", self.port)
        };
        let root = if self.root == "." { "" } else { &self.root };
        format!("sftp://{}@{}{port}/{root}", self.username, self.host)
    }

    async fn open(&self, _now: Ms) -> Result<Box<dyn Place + '_>, Report> {
        Ok(Box::new(self.connect().await?))
    }
}
