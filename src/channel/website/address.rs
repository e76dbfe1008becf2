//! The address of a target on another machine: `SCHEME://[USER@]HOST[:PORT]/PATH`. Credentials stand in keys of their own.

use std::net::IpAddr;

use reqwest::Url;

use crate::net::guard;
use crate::said;
use crate::settings::Reader;

/// A target's address in its parts.
#[derive(Debug, Clone)]
pub struct Address {
    /// `sftp`, `webdavs`, …
    pub scheme: String,
    /// Name or number, IPv6 without brackets.
    pub host: String,
    /// Where it is not the usual one.
    pub port: Option<u16>,
    /// Without slashes at its ends.
    pub path: String,
    user: Option<String>,
}

impl Address {
    /// Reads what stands under `url`; `example` is shown where it is no address.
    pub fn read(reader: &mut Reader<'_>, written: &str, example: &str) -> Option<Self> {
        let url = Url::parse(written.trim()).ok();
        let url = url.filter(|url| url.host_str().is_some_and(|h| !h.is_empty()) && url.query().is_none());
        let Some(url) = url.filter(|url| url.fragment().is_none()) else {
            // The address is not quoted: it may carry a password.
            reader.problem(
                "url",
                said!("Das ist keine vollständige Adresse.", "this is no complete address."),
                said!("Zum Beispiel \"{example}\".", "For example \"{example}\"."),
            );
            return None;
        };
        if url.password().is_some() {
            let scheme = url.scheme();
            reader.problem(
                "url",
                said!("In der Adresse steht ein Passwort.", "the address carries a password."),
                said!(
                    "Schreiben Sie {{ url = \"{scheme}://…\", username = \"…\", password_file = \"…\" }}.",
                    "Write {{ url = \"{scheme}://…\", username = \"…\", password_file = \"…\" }}."
                ),
            );
            return None;
        }
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str()?.trim_matches(['[', ']']).to_lowercase(),
            port: url.port(),
            path: percent_decoded(url.path().trim_matches('/')),
            user: (!url.username().is_empty()).then(|| percent_decoded(url.username())),
        })
    }

    /// The login: `username`, or what stands before the `@`.
    pub fn username(&self, reader: &mut Reader<'_>) -> Option<String> {
        let name = reader.text("username").or_else(|| self.user.clone());
        if name.is_none() {
            let scheme = &self.scheme;
            reader.missing(
                "username",
                said!(
                    "Schreiben Sie {scheme}://NAME@… oder username = \"NAME\".",
                    "Write {scheme}://USER@… or username = \"USER\"."
                ),
            );
        }
        name
    }

    /// The same place by another scheme, for whoever puts paths below it.
    pub fn url(&self, scheme: &str) -> Option<Url> {
        let mut url = Url::parse(&format!("{scheme}://{}", self.authority())).ok()?;
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(self.path.split('/').filter(|part| !part.is_empty()));
        Some(url)
    }

    /// Host and port as they stand in an address.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }

    /// This machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.number().is_some_and(|ip| ip.is_loopback())
    }

    /// A number of a private network. A name may lead anywhere and counts as public.
    pub fn is_private(&self) -> bool {
        self.is_loopback() || self.number().is_some_and(|ip| !guard::is_public(ip))
    }

    fn number(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("p={}", text.replace('+', "%2B").replace('&', "%26")).as_bytes())
        .next()
        .map_or_else(String::new, |(_, v)| v.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::raw::RawTable;

    fn read(written: &str) -> Option<Address> {
        Address::read(&mut Reader::new(&RawTable::default(), &[]), written, "x://y")
    }

    #[test]
    fn an_address_in_its_parts() {
        let address = read("webdavs://web%401@Host.example:8443/ein%20Ordner/a+b&c/").unwrap();
        assert_eq!(
            (address.host.as_str(), address.port, address.path.as_str()),
            ("host.example", Some(8443), "ein Ordner/a+b&c")
        );
        assert_eq!(
            (address.user.as_deref(), address.authority()),
            (Some("web@1"), "host.example:8443".to_owned())
        );
        assert_eq!(read("s3://[::1]:9000/b").unwrap().authority(), "[::1]:9000");
        for wrong in [
            "webdavs:",
            "webdavs:///x",
            "host/path",
            "s3://h/b?x=1",
            "s3://h/b#x",
            "sftp://u:p@h/x",
        ] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_is_private() {
        for (address, loopback, private) in [
            ("s3://localhost/b", true, true),
            ("s3://127.0.0.1:9000/b", true, true),
            ("s3://[::1]/b", true, true),
            ("s3://10.0.0.5/b", false, true),
            ("s3://9.9.9.9/b", false, false),
            ("s3://host.example/b", false, false),
        ] {
            let read = read(address).unwrap();
            assert_eq!(
                (read.is_loopback(), read.is_private()),
                (loopback, private),
                "{address}"
            );
        }
    }
}
