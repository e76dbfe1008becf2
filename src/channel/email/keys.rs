//! The keys of `kind = "email"`.

use std::net::IpAddr;
use std::path::PathBuf;

use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::client::{Certificate, TlsParameters};

use super::dkim::Dkim;
use super::session::{Protection, Server};
use crate::said;
use crate::settings::Reader;
use crate::text::said::{Said, system};

/// Everything written for the channel.
pub(super) struct Keys {
    pub(super) server: Server,
    pub(super) from: Mailbox,
    pub(super) reply_to: Option<Mailbox>,
    pub(super) bounces: Option<Address>,
    /// A Maildir in which what comes back is read.
    pub(super) bounces_folder: Option<PathBuf>,
    pub(super) dkim: Option<Dkim>,
    /// Where the probe's own mail goes.
    pub(super) canary: Option<Address>,
}

/// Reads them; what is wrong stands in the reader.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Keys> {
    let host = reader.required(
        "server",
        said!(
            "Schreiben Sie server = \"smtp.stadt.example\".",
            "Write server = \"smtp.city.example\"."
        ),
    );
    let protections = [
        ("starttls", Protection::StartTls),
        ("tls", Protection::Tls),
        ("none", Protection::None),
    ];
    let protection = reader.word("tls", &protections).unwrap_or(Protection::StartTls);
    let port = reader
        .whole("port", 1, 65_535)
        .and_then(|port| u16::try_from(port).ok());
    let port = port.unwrap_or(match protection {
        Protection::StartTls => 587,
        Protection::Tls => 465,
        Protection::None => 25,
    });
    let username = reader.text("username");
    let password = if username.is_some() {
        reader.required_secret("password")
    } else {
        reader.secret("password")
    };
    if username.is_none() && password.is_some() {
        reader.missing(
            "username",
            said!("Zum Passwort gehört ein Benutzername.", "A password needs a user name."),
        );
    }
    if !reader.has("from") {
        reader.missing(
            "from",
            said!(
                "Schreiben Sie from = \"Stadt Beispiel <info@stadt.example>\".",
                "Write from = \"City of Example <info@city.example>\"."
            ),
        );
    }
    let from = mailbox(reader, "from");
    let reply_to = mailbox(reader, "reply_to");
    let bounces = reader.parsed("bounces", |written| written.trim().parse().ok(), address_remedy());
    let bounces_folder = if reader.has("bounces_folder") {
        reader.path("bounces_folder")
    } else {
        None
    };
    if bounces_folder.is_some() && !reader.has("bounces") {
        reader.missing(
            "bounces",
            said!(
                "Zum Ordner gehört die Adresse, deren Post darin landet: bounces = \"bounce@stadt.example\".",
                "The folder needs the address whose mail goes there: bounces = \"bounce@city.example\"."
            ),
        );
    }
    let canary = reader.parsed("canary", super::address, address_remedy());
    if !reader.has("audience") {
        reader.missing(
            "audience",
            said!(
                "Schreiben Sie audience = {{ file = \"verteiler.csv\" }}.",
                "Write audience = {{ file = \"list.csv\" }}."
            ),
        );
    }
    let dkim = dkim(reader, from.as_ref());
    let tls = tls(reader, host.as_deref().unwrap_or_default());
    let (host, from) = (host?, from?);
    Some(Keys {
        server: Server {
            hello: from.email.domain().to_owned(),
            host,
            port,
            protection,
            tls: tls?,
            login: username.zip(password),
        },
        from,
        reply_to,
        bounces,
        bounces_folder,
        dkim,
        canary,
    })
}

/// True where nobody can listen on the way.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn mailbox(reader: &mut Reader<'_>, key: &str) -> Option<Mailbox> {
    reader.has(key).then(|| {
        let parse = |written: &str| {
            let mut mailbox: Mailbox = written.trim().parse().ok()?;
            mailbox.name = mailbox.name.as_deref().and_then(super::letter::name);
            Some(mailbox)
        };
        reader.parsed(key, parse, address_remedy())
    })?
}

fn address_remedy() -> crate::text::said::Said {
    said!(
        "Erwartet wird eine E-Mail-Adresse, zum Beispiel info@stadt.example oder Stadt Beispiel <info@stadt.example>.",
        "Expected is an e-mail address such as info@city.example or City of Example <info@city.example>."
    )
}

/// `dkim = { selector = "…", key_file = "…" }`; the domain is the sender's where nothing else is written, the algorithm that of the key.
fn dkim(reader: &mut Reader<'_>, from: Option<&Mailbox>) -> Option<Dkim> {
    if !reader.has("dkim") {
        return None;
    }
    let table = reader.table("dkim")?;
    let mut inner = Reader::new(&table, &[]);
    let label = |written: &str| is_domain(written).then(|| written.to_owned());
    let names = || {
        said!(
            "Erlaubt sind Buchstaben, Ziffern, Striche und Punkte.",
            "Allowed are letters, digits, dashes and dots."
        )
    };
    if !inner.has("selector") {
        inner.missing(
            "selector",
            said!("Schreiben Sie selector = \"rundruf\".", "Write selector = \"rundruf\"."),
        );
    }
    let selector = inner.parsed("selector", label, names());
    let domain = inner.parsed("domain", label, names());
    let domain = domain.or_else(|| from.map(|from| from.email.domain().to_owned()));
    if !inner.has("key_file") {
        inner.missing(
            "key_file",
            said!(
                "Einen Schlüssel macht: openssl genpkey -algorithm ed25519 -out dkim.pem. Dann: key_file = \"dkim.pem\".",
                "A key is made by: openssl genpkey -algorithm ed25519 -out dkim.pem. Then: key_file = \"dkim.pem\"."
            ),
        );
    }
    let key_file = inner.path("key_file");
    let read = match (selector, domain, &key_file) {
        (Some(selector), Some(domain), Some(file)) => match Dkim::read(selector, domain, file) {
            Ok(dkim) => Some(dkim),
            Err(why) => {
                let file = file.display();
                inner.problem(
                    "key_file",
                    said!(
                        "Der Schlüssel {file} ist nicht zu gebrauchen: {why}.",
                        "the key {file} cannot be used: {why}."
                    ),
                    said!(
                        "Erwartet wird ein privater Schlüssel in PEM: openssl genpkey -algorithm ed25519, oder RSA mit 2048 Bit.",
                        "Expected is a private key in PEM: openssl genpkey -algorithm ed25519, or RSA with 2048 bits."
                    ),
                );
                None
            }
        },
        _ => None,
    };
    reader.absorb(inner.finish());
    read
}

fn is_domain(written: &str) -> bool {
    written.len() <= 253
        && !written.starts_with('.')
        && written
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// The system's certificates, and those of `tls_ca_file`: a relay in the house often has one that only the house knows.
fn tls(reader: &mut Reader<'_>, host: &str) -> Option<TlsParameters> {
    crate::net::install_tls();
    let mut parameters = TlsParameters::builder(host.to_owned());
    if reader.has("tls_ca_file") {
        let path = reader.path("tls_ca_file")?;
        let read = std::fs::read(&path).map_err(|e| system(&e));
        let certificate = read.and_then(|pem| Certificate::from_pem(&pem).map_err(|e| crate::net::in_words(&e)));
        match certificate {
            Ok(certificate) => parameters = parameters.add_root_certificate(certificate),
            Err(Said { de, en }) => {
                let path = path.display();
                reader.problem(
                    "tls_ca_file",
                    said!(
                        "Die Datei {path} lässt sich nicht als Zertifikat lesen: {de}.",
                        "the file {path} cannot be read as a certificate: {en}."
                    ),
                    said!(
                        "Erwartet werden Zertifikate in PEM.",
                        "Expected are certificates in PEM."
                    ),
                );
                return None;
            }
        }
    }
    match parameters.build() {
        Ok(parameters) => Some(parameters),
        Err(error) => {
            let Said { de, en } = crate::net::in_words(&error);
            reader.problem(
                "tls",
                said!("TLS ist nicht einsatzbereit: {de}.", "TLS is not ready: {en}."),
                said!(
                    "Bitte installieren Sie die Zertifikate des Systems (ca-certificates).",
                    "Install the system's certificates (ca-certificates)."
                ),
            );
            None
        }
    }
}
