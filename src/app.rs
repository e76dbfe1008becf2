//! Floor 6: puts settings, store, channels and templates together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::channel::registry;
use crate::clock::SystemClock;
use crate::failure::Failure;
use crate::lane::{self, LaneSetup, LanesHandle, SiteWorld};
use crate::publication::Office;
use crate::publication::digest::StoreDigests;
use crate::publication::site::StoreSite;
use crate::render::{Engine, RenderError};
use crate::secret::KeyFile;
use crate::settings::Settings;
use crate::store::Sqlite;
use crate::store::disk::Disk;
use crate::store::owner::{Changes, Owner, own_uid};
use crate::store::{Board, Store};

/// The installation as configured, before the store is opened.
pub struct App {
    /// The office: settings, templates, channels.
    pub office: Arc<Office>,
}

/// The installation with its store.
pub struct Open {
    /// The office.
    pub office: Arc<Office>,
    /// The store.
    pub store: Arc<Sqlite>,
}

impl App {
    /// Reads configuration and templates, builds the channels. Writes nothing.
    pub fn load(config: &Path, data: &Path) -> Result<Self, Failure> {
        let (settings, channels) = registry::configure(config, data).map_err(Failure::Configuration)?;
        let engine = Engine::load(settings.templates.as_deref()).map_err(bad_template)?;
        let office = Office {
            settings: Arc::new(settings),
            engine: Arc::new(engine),
            channels: Arc::new(channels),
            clock: Arc::new(SystemClock),
            registered: Default::default(),
        };
        Ok(Self {
            office: Arc::new(office),
        })
    }

    /// As [`App::load`], and opens the store where there is one; the app back before the first command that writes.
    pub async fn load_existing(config: &Path, data: &Path) -> Result<Result<Open, Self>, Failure> {
        Self::load(config, data)?.open_existing().await
    }

    /// True where a store is there already.
    pub fn has_store(&self) -> bool {
        self.office.settings.store_path().is_file()
    }

    /// Opens the store for a command, makes it where it is not there yet. A store whose key is gone is not opened.
    pub async fn open(self) -> Result<Open, Failure> {
        let path = store_path(&self.office.settings)?;
        let store = Sqlite::open_for_one(&path, Arc::new(SystemClock)).await?;
        Ok(self.with(store))
    }

    fn with(self, store: Sqlite) -> Open {
        Open {
            office: self.office,
            store: Arc::new(store),
        }
    }

    /// Opens the store where there is one; the app back before the first command that writes.
    pub async fn open_existing(self) -> Result<Result<Open, Self>, Failure> {
        // First: in a folder closed to this user no store would be seen.
        crate::store::owner::refuse_other_users(&self.office.settings.data)?;
        if self.has_store() {
            Ok(Ok(self.open().await?))
        } else {
            Ok(Err(self))
        }
    }
}

fn bad_template(error: RenderError) -> Failure {
    Failure::Usage(crate::said!("Vorlage: {error}", "{error}"))
}

/// Where the store is, with what has to be there before it is opened.
fn store_path(settings: &Settings) -> Result<PathBuf, Failure> {
    let path = settings.store_path();
    let new = !path.is_file();
    crate::store::owner::prepare_data(&settings.data)?;
    // Store and key come into being together: a backup made before the first message went must carry the key too.
    let key = KeyFile::new(settings.store.key_file.clone());
    let found = if new { key.make() } else { key.key() };
    found.map_err(|error| no_key(key.path(), &error))?;
    Ok(path)
}

/// Why the key cannot be had, and what to do.
pub fn no_key(path: &Path, error: &std::io::Error) -> Failure {
    let path = path.display();
    let said = match error.kind() {
        std::io::ErrorKind::NotFound => crate::said!(
            "Der Schlüssel {path} fehlt, obwohl es hier schon Meldungen gibt. Nichts wurde getan. Er steckt in jeder Sicherung: rundruf --data NEUER-ORDNER restore SICHERUNG holt ihn heraus; legen Sie die Datei dann hierher. Gibt es keine Sicherung mehr: head -c 32 /dev/urandom > {path} macht einen neuen; alte Abmeldelinks und die Unterschriften alter Kopien gelten dann nicht mehr.",
            "The key {path} is missing, although there are notices here already. Nothing was done. Every backup holds it: rundruf --data NEW-FOLDER restore BACKUP brings it out; then put the file here. Where there is no backup any more: head -c 32 /dev/urandom > {path} makes a new one; old unsubscribe links and signatures of old copies are void then."
        ),
        std::io::ErrorKind::InvalidData => crate::said!(
            "{path} ist keine Schlüsseldatei von Rundruf (32 Bytes). Nichts wurde getan. Bitte aus der Sicherung zurückholen.",
            "{path} is no key file of Rundruf (32 bytes). Nothing was done. Please bring it back from the backup."
        ),
        _ => {
            let said = crate::text::said::system(error);
            let (de, en) = (said.de, said.en);
            crate::said!(
                "Der Schlüssel {path} lässt sich nicht lesen: {de}. Bitte die Rechte prüfen.",
                "The key {path} cannot be read: {en}. Please check its rights."
            )
        }
    };
    Failure::Refused(said)
}

impl Open {
    /// Loads all, compiles every template, and opens the store.
    pub async fn new(config: &Path, data: &Path) -> Result<Self, Failure> {
        let (app, path) = Self::load(config, data)?;
        let store = Sqlite::open(&path, Arc::new(SystemClock)).await?;
        Ok(app.with(store))
    }

    /// As [`Open::new`], for the process that runs the lanes; `None` where there is one already. On a full disk the reserve is given up first: opening
    /// the store takes some room too.
    pub async fn as_owner(config: &Path, data: &Path) -> Result<Option<(Self, Owner)>, Failure> {
        let (app, path) = Self::load(config, data)?;
        let data = &app.office.settings.data;
        let Some(owner) = Owner::try_take(data)? else {
            return Ok(None);
        };
        if let Err(error) = Disk::of(data).look() {
            tracing::warn!(%error, "the disk could not be looked at");
        }
        let store = Sqlite::open(&path, Arc::new(SystemClock)).await?;
        Ok(Some((app.with(store), owner)))
    }

    fn load(config: &Path, data: &Path) -> Result<(App, PathBuf), Failure> {
        let app = App::load(config, data)?;
        // Long before the first notice: it waits for no template.
        app.office.engine.check().map_err(bad_template)?;
        let path = store_path(&app.office.settings)?;
        Ok((app, path))
    }

    /// The store as everybody below sees it.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    /// Builds the site from the store.
    pub fn site(&self) -> StoreSite {
        StoreSite {
            store: self.store(),
            settings: Arc::clone(&self.office.settings),
            engine: Arc::clone(&self.office.engine),
            looking_back: false,
            key: KeyFile::new(self.office.settings.store.key_file.clone()),
        }
    }

    /// Who acts: the operating system's user, until there are accounts.
    pub fn actor(as_name: Option<&str>) -> String {
        let user = user();
        match as_name {
            Some(name) => format!("os:{user} as {name}"),
            None => format!("os:{user}"),
        }
    }
}

/// The user this process runs as: the name of its number in /etc/passwd, else the number. Not `$USER`, which anybody sets.
pub fn user() -> String {
    let Some(uid) = own_uid() else {
        return "unknown".to_owned();
    };
    let known = std::fs::read("/etc/passwd").unwrap_or_default();
    name_of(uid, &String::from_utf8_lossy(&known)).map_or_else(|| format!("uid {uid}"), str::to_owned)
}

/// `name:x:1000:…`, see passwd(5).
fn name_of(uid: u32, passwd: &str) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid) && !name.is_empty()).then_some(name)
    })
}

/// The lanes of this process, with everything that wakes them. Dropping it ends them at once, as a crash would.
pub struct Lanes {
    handle: LanesHandle,
    wakes: tokio::task::JoinHandle<()>,
    owner: Owner,
}

impl Lanes {
    /// Starts the lanes as their owner: the old owner's leases are void, open rows are settled, then sending goes on.
    pub async fn start(open: &Open, owner: Owner) -> Result<Self, Failure> {
        // Before the first message needs them. Without, whatever needs none still goes; the others say so.
        tokio::task::spawn_blocking(|| {
            if let Err(error) = crate::net::trust::read() {
                tracing::warn!(%error, "no certificates: install ca-certificates and start again");
            }
        });
        let rows = open.office.register(open.store.as_ref()).await?;
        for faulty in open.office.sync_audiences(open.store.as_ref()).await? {
            tracing::error!("{}", faulty.said().en);
        }
        let identity = open.store.identity().await?;
        if identity.moved {
            let data = open.office.settings.data.display();
            return Err(Failure::Refused(crate::said!(
                "Der Speicher in {data} ist umgezogen (backup --move) und sendet nicht mehr. Auf der neuen Maschine: rundruf restore DATEI, dann rundruf serve.",
                "The store in {data} has moved (backup --move) and sends no more. On the new machine: rundruf restore FILE, then rundruf serve."
            )));
        }
        let instance = identity.instance;
        let setups = open.office.channels.iter().filter_map(|c| {
            let row = rows.iter().find(|r| r.name == c.settings.name)?;
            Some(LaneSetup {
                lane: row.id,
                name: c.settings.name.clone(),
                common: c.settings.common.clone(),
                built: c.built.clone(),
            })
        });
        let site = SiteWorld {
            builder: Arc::new(open.site()),
            instance,
        };
        let store: Arc<dyn crate::store::Lanes> = Arc::clone(&open.store) as _;
        let disk = Disk::of(&open.office.settings.data);
        let digests = Arc::new(StoreDigests {
            office: Arc::clone(&open.office),
            store: open.store(),
        });
        let clock = Arc::clone(&open.office.clock);
        let handle = lane::start(store, clock, site, digests, setups.collect(), disk).await?;
        for taken in handle.taken_over() {
            tracing::info!(lane = %taken.lane, repeated = taken.repeated, unknown = taken.unknown, "took over what was in flight");
        }
        let (waker, mut changes) = (handle.waker(), Changes::from_now(Arc::clone(&open.store)).await);
        // Without the socket (a path of more than 107 bytes, a file system without sockets) other processes' commits are still
        // seen every 200 ms: a reason for a word, none to refuse.
        let mut wakes = owner
            .wakes()
            .inspect_err(|error| tracing::warn!(%error, "other commands' messages start up to 200 ms later"))
            .ok();
        let wakes = tokio::spawn(async move {
            loop {
                let woken = async {
                    match &mut wakes {
                        Some(wakes) => wakes.next().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = woken => {}
                    () = changes.changed() => {}
                }
                waker.wake();
            }
        });
        Ok(Self { handle, wakes, owner })
    }

    /// Takes out what became of single recipients so long ago, for as long as the lanes run.
    pub fn keep_for(&self, long: std::time::Duration) {
        self.handle.keep_for(long);
    }

    /// Waits until every lane has nothing to do now.
    pub async fn drained(&self) {
        self.handle.drained().await;
    }

    /// No new claims; what is in flight ends within `grace` and is committed.
    pub async fn stop(self, grace: std::time::Duration) -> bool {
        let done = self.handle.stop(grace).await;
        self.wakes.abort();
        drop(self.owner);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn a_user_is_called_as_in_passwd() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n# a remark\n\npresse:x:1001:1001::/home/presse:/bin/sh\n:x:7:7::/:/bin/sh\n";
        assert_eq!(name_of(0, passwd), Some("root"));
        assert_eq!(name_of(1001, passwd), Some("presse"));
        assert_eq!(name_of(100, passwd), None);
        assert_eq!(name_of(7, passwd), None);
    }
}
