//! Floor 2: `channels.toml`, read with file and line. Channels stay raw tables here; their kinds read them on floor 3.
//!
//! [`Settings::gather`] answers with all problems and with what could be read in spite of them, so that the kinds can add
//! theirs before anything is shown.

mod channel;
mod files;
mod publisher;
pub mod quoted;
pub mod raw;
pub mod reader;
mod release;
mod rules;
mod secrets;
mod store;
pub mod units;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::delivery::{CatchUp, Gate, UnknownPolicy};
use crate::domain::problem::Problem;
use crate::domain::publisher::Publisher;
use crate::said;
use crate::store::Rate;
use crate::text::lang::Lang;
use crate::{ids, text::said::Said};

pub use channel::COMMON;
pub use files::{environment, table_of};
pub use raw::RawTable;
pub use reader::Reader;
pub use release::{Probe, Release};

/// Everything configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `site.url` without a slash at the end.
    pub site_url: String,
    /// Public listener.
    pub listen: SocketAddr,
    /// Console, API, metrics.
    pub admin_listen: SocketAddr,
    /// Store.
    pub store: StoreSettings,
    /// Channels that are to tell the staff. Nothing uses them yet.
    pub staff_notify: Vec<String>,
    /// Folder that overrides templates (`[site] templates = "…"`).
    pub templates: Option<PathBuf>,
    /// Publishers by id.
    pub publishers: BTreeMap<String, Publisher>,
    /// Channels by name.
    pub channels: BTreeMap<String, ChannelSettings>,
    /// DATA.
    pub data: PathBuf,
    /// As written, for problems found later.
    pub raw: RawTable,
}

/// `[store]`.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// `sqlite:/abs/path/rundruf.db` (relative ones resolved from DATA).
    pub urls: Vec<String>,
    /// Key file (relative ones resolved from DATA).
    pub key_file: PathBuf,
    /// How long what became of single recipients is kept after the last of it; `None`: for ever.
    pub keep: Option<Duration>,
}

/// One `[channel.NAME]`.
#[derive(Debug, Clone)]
pub struct ChannelSettings {
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: String,
    /// Publishers it speaks for; never empty.
    pub publishers: Vec<String>,
    /// What every kind has.
    pub common: Common,
    /// The kind's own keys, still raw.
    pub own: RawTable,
}

/// Keys common to all kinds; `None` where the kind's default holds.
#[derive(Debug, Clone, Default)]
pub struct Common {
    /// Languages; empty: the publisher's.
    pub languages: Vec<Lang>,
    /// Gate at first sight.
    pub gate: Option<Gate>,
    /// What lets it go after a hold, and how fast.
    pub release: Release,
    /// What a waiting lane brings out.
    pub catch_up: Option<CatchUp>,
    /// Ends what has not started by then.
    pub expires: Option<Duration>,
    /// Sends of the account.
    pub rate: Option<Rate>,
    /// Requests at the same time.
    pub concurrency: Option<u32>,
    /// Of one request.
    pub timeout: Option<Duration>,
    /// For unknown outcomes without handle and read-back.
    pub unknown: Option<UnknownPolicy>,
    /// How long a failed notice holds its successors.
    pub order_wait: Option<Duration>,
    /// Channel that takes over.
    pub failover: Option<String>,
    /// Gets exercises.
    pub exercises: bool,
    /// Audience file, absolute.
    pub audience: Option<PathBuf>,
    /// Whether the public post is to be read back. Nothing uses it yet.
    pub verify: bool,
    /// Addresses given by others may be private.
    pub allow_private: bool,
}

impl Settings {
    /// Reads `channels.toml`, `channels.d/*.toml` beside it and the environment. All problems at once.
    pub fn load(file: &Path, data: &Path) -> Result<Self, Vec<Problem>> {
        let (settings, problems) = Self::gather(file, data, &environment())?;
        if problems.is_empty() {
            Ok(settings)
        } else {
            Err(problems)
        }
    }

    /// Like [`Settings::load`] with the environment given: what could be read, and every problem. `Err` only where the files
    /// cannot be understood at all.
    pub fn gather(
        file: &Path,
        data: &Path,
        env: &BTreeMap<String, String>,
    ) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        Ok(Self::of(files::gather(file, env)?, data))
    }

    /// What a text would say as the only file of a configuration: for one that is about to be written.
    pub fn of_text(file: &Path, text: &str, data: &Path) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        Ok(Self::of(files::of_text(file, text)?, data))
    }

    fn of(all: RawTable, data: &Path) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let empty = RawTable::default();
        let section = |name: &str| all.table(name).unwrap_or(&empty);
        for name in files::SINGLE.iter().chain(files::NAMED) {
            if let Some(node) = all.entries.get(*name)
                && all.table(name).is_none()
            {
                problems.push(node.place.problem(
                    name,
                    said!("Hier muss ein Abschnitt stehen.", "here must be a section."),
                    said!(
                        "Schreiben Sie [{name}] als Überschrift.",
                        "Write [{name}] as a heading."
                    ),
                ));
            }
        }

        let mut serve = Reader::new(section("serve"), &[]);
        let listen = address(&mut serve, "listen", [127, 0, 0, 1], 8080);
        let admin_listen = address(&mut serve, "admin_listen", [127, 0, 0, 1], 8081);
        if listen == admin_listen && listen.port() != 0 {
            serve.problem(
                "admin_listen",
                said!(
                    "listen und admin_listen sind dieselbe Adresse.",
                    "listen and admin_listen are the same address."
                ),
                said!(
                    "Bitte geben Sie admin_listen einen anderen Port.",
                    "Give admin_listen another port."
                ),
            );
        }
        problems.extend(serve.finish());

        let mut site = Reader::new(section("site"), &[]);
        let site_url = site
            .url("url", &["http", "https"])
            .map(|url| url.to_string().trim_end_matches('/').to_owned());
        if site_url.as_ref().is_some_and(|url| url.contains(['?', '#'])) {
            site.problem(
                "url",
                said!(
                    "Eine öffentliche Adresse hat kein \"?\" und kein \"#\".",
                    "a public address has no \"?\" and no \"#\"."
                ),
                said!(
                    "Zum Beispiel https://info.stadt.example.",
                    "For example https://info.city.example."
                ),
            );
        }
        if !site.has("url") && !listen.ip().is_loopback() {
            site.missing(
                "url",
                said!(
                    "Schreiben Sie [site] url = \"https://…\", die Adresse, unter der die Bürger die Seite sehen.",
                    "Write [site] url = \"https://…\", the address at which citizens see the page."
                ),
            );
        }
        let templates = site.path("templates");
        if let Some(folder) = &templates
            && !folder.is_dir()
        {
            let shown = folder.display();
            site.problem(
                "templates",
                said!("Den Ordner {shown} gibt es nicht.", "there is no folder {shown}."),
                said!(
                    "Relative Pfade zählen ab dieser Konfiguration.",
                    "Relative paths count from this configuration."
                ),
            );
        }
        problems.extend(site.finish());

        let mut store = Reader::new(section("store"), &[]);
        let store_settings = StoreSettings {
            urls: store::urls(&mut store, data),
            key_file: data.join(store.text("key_file").unwrap_or_else(|| "rundruf.key".to_owned())),
            keep: store::keep(&mut store),
        };
        problems.extend(store.finish());

        let mut staff = Reader::new(section("staff"), &[]);
        let staff_notify = staff
            .texts("notify")
            .unwrap_or_default()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        problems.extend(staff.finish());

        let mut publishers = BTreeMap::new();
        for (id, table) in named(section("publisher"), "publisher", &mut problems) {
            let (read, found) = publisher::read(id, table);
            problems.extend(found);
            publishers.insert(id.to_owned(), read);
        }
        let mut channels = BTreeMap::new();
        for (name, table) in named(section("channel"), "channel", &mut problems) {
            let (read, found) = channel::read(name, table, &publishers);
            problems.extend(found);
            channels.insert(name.to_owned(), read);
        }
        if publishers.is_empty() {
            problems.push(all.place.problem(
                "publisher",
                said!("Es gibt keinen Herausgeber.", "there is no publisher."),
                said!(
                    "Schreiben Sie einen Abschnitt [publisher.stadt] mit name = \"…\".",
                    "Write a section [publisher.city] with name = \"…\"."
                ),
            ));
        }
        let settings = Self {
            site_url: site_url.unwrap_or_else(|| format!("http://{listen}")),
            listen,
            admin_listen,
            store: store_settings,
            staff_notify,
            templates,
            publishers,
            channels,
            data: data.to_owned(),
            raw: all,
        };
        problems.extend(rules::check(&settings, &settings.raw));
        (settings, problems)
    }

    /// The file of the SQLite store.
    pub fn store_path(&self) -> PathBuf {
        // Resolved from DATA when it was read: joined once more, a relative DATA would stand in it twice.
        match self.store.urls.first() {
            Some(url) => PathBuf::from(url.strip_prefix("sqlite:").unwrap_or(url)),
            None => self.data.join("rundruf.db"),
        }
    }

    /// The problem of a publisher without a complete imprint; `why` says what demands it.
    pub fn imprint_problem(&self, publisher: &str, why: Said) -> Option<Problem> {
        rules::imprint(self, &self.raw, publisher, why)
    }

    /// Channels that only stand in for others and get no broadcasts of their own.
    pub fn is_reserve(&self, channel: &str) -> bool {
        self.channels
            .values()
            .any(|c| c.common.failover.as_deref() == Some(channel))
    }
}

/// The tables of `[publisher.…]` or `[channel.…]` with valid names.
fn named<'a>(section: &'a RawTable, what: &str, problems: &mut Vec<Problem>) -> Vec<(&'a str, &'a RawTable)> {
    let mut out = Vec::new();
    for (name, node) in &section.entries {
        let field = format!("{what}.{name}");
        let raw::Value::Table(table) = &node.value else {
            problems.push(node.place.problem(
                &field,
                said!("Hier muss ein Abschnitt stehen.", "here must be a section."),
                said!(
                    "Schreiben Sie [{what}.NAME] als Überschrift und die Angaben darunter.",
                    "Write [{what}.NAME] as a heading and the keys below it."
                ),
            ));
            continue;
        };
        if ids::is_name(name) {
            out.push((name.as_str(), table));
        } else if ids::RESERVED.contains(&name.as_str()) {
            problems.push(table.place.problem(
                &field,
                said!(
                    "\"{name}\" ist ein vergebenes Wort: damit beginnt ein öffentlicher Pfad.",
                    "\"{name}\" is a reserved word: a public path begins with it."
                ),
                said!("Bitte wählen Sie einen anderen Namen.", "Choose another name."),
            ));
        } else {
            problems.push(table.place.problem(
                &field,
                said!(
                    "Der Name \"{name}\" geht nicht.",
                    "the name \"{name}\" is not possible."
                ),
                said!(
                    "Erlaubt sind a–z, 0–9 und der Unterstrich, höchstens 64 Zeichen.",
                    "Allowed are a to z, 0 to 9 and the underscore, at most 64 characters."
                ),
            ));
        }
    }
    out
}

fn address(reader: &mut Reader<'_>, key: &str, ip: [u8; 4], port: u16) -> SocketAddr {
    let remedy = said!(
        "Erlaubt sind Adressen wie \"127.0.0.1:8080\" oder \"[::1]:8080\": Zahl und Port, kein Name.",
        "Allowed are addresses such as \"127.0.0.1:8080\" or \"[::1]:8080\": number and port, no name."
    );
    reader
        .parsed(key, |written| written.trim().parse().ok(), remedy)
        .unwrap_or_else(|| SocketAddr::from((ip, port)))
}
