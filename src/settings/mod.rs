//! Floor 2: `channels.toml`, read with file and line. Channels stay raw tables here; their kinds read them on floor 3.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::delivery::{CatchUp, Gate, UnknownPolicy};
use crate::domain::problem::Problem;
use crate::domain::publisher::Publisher;
use crate::store::Rate;
use crate::text::lang::Lang;

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
    /// Channels that tell the staff.
    pub staff_notify: Vec<String>,
    /// Folder that overrides templates (`[site] templates = "…"`).
    pub templates: Option<PathBuf>,
    /// Publishers by id.
    pub publishers: BTreeMap<String, Publisher>,
    /// Channels by name.
    pub channels: BTreeMap<String, ChannelSettings>,
    /// DATA.
    pub data: PathBuf,
}

/// `[store]`.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// `sqlite:/abs/path/rundruf.db` (relative ones resolved from DATA).
    pub urls: Vec<String>,
    /// Key file (relative ones resolved from DATA).
    pub key_file: PathBuf,
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
    /// Reads the public post back.
    pub verify: bool,
    /// Addresses given by others may be private.
    pub allow_private: bool,
}

/// A table as written, with places for errors. (To be filled in by the settings reader.)
#[derive(Debug, Clone, Default)]
pub struct RawTable {}

impl Settings {
    /// Reads `channels.toml`, `channels.d/*.toml` beside it and the environment. All problems at once.
    pub fn load(file: &Path, data: &Path) -> Result<Self, Vec<Problem>> {
        let _ = (file, data);
        Err(Vec::new())
    }
}
