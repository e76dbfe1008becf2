//! Reads what comes back of mails: a folder (Maildir) for each channel that names one. Only what carries a return token of ours is believed, and
//! only about the delivery that the token names; who merely claims that an address is dead changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::channel::Built;
use crate::channel::email::bounce::{self, Because, Kind, Reading, Returned};
use crate::clock::Ms;
use crate::ids::{DeliveryId, LaneId};
use crate::lane_core::probation::{self, Age, ProbeResult, Verdict};
use crate::publication::Office;
use crate::said;
use crate::secret::{KeyFile, Returns as Names};
use crate::store::{CameBack, Store, StoreError, owner};
use crate::text::said::Said;

/// How often a folder is looked at.
const EVERY: Duration = Duration::from_secs(5);
/// Files taken from a folder before the next one has its turn.
const AT_ONCE: usize = 200;

/// The reader of all folders.
pub struct Returns {
    /// Channels, clock, where the owner listens.
    pub office: Arc<Office>,
    /// What follows.
    pub store: Arc<dyn Store>,
    /// Made the tokens.
    pub key: KeyFile,
}

/// Why a folder is left until the next look.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Returns {
    /// Looks into the folders until told to stop.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let folders: BTreeSet<PathBuf> = self.office.channels.iter().filter_map(|c| folder(&c.built)).collect();
        if folders.is_empty() {
            return;
        }
        // What cannot be read or put aside is left alone from then on; the same trouble is said once.
        let (mut left, mut said) = (BTreeSet::new(), BTreeMap::new());
        loop {
            for folder in &folders {
                let trouble = self
                    .look(folder, &mut left, &stop)
                    .await
                    .err()
                    .map(|error| error.to_string());
                if let Some(trouble) = trouble.as_ref().filter(|trouble| said.get(folder) != Some(*trouble)) {
                    tracing::warn!(folder = %folder.display(), trouble, "returned mails cannot be read");
                }
                match trouble {
                    Some(trouble) => drop(said.insert(folder.clone(), trouble)),
                    None => drop(said.remove(folder)),
                }
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = stop.changed() => return,
            }
        }
    }

    /// One file in trouble holds up none of the others; the first trouble is said.
    async fn look(
        &self,
        folder: &Path,
        left: &mut BTreeSet<PathBuf>,
        stop: &watch::Receiver<bool>,
    ) -> Result<(), Stopped> {
        let mut files = blocking(folder, new_files).await?;
        files.retain(|file| !left.contains(file));
        let mut trouble = Ok(());
        for file in files.into_iter().take(AT_ONCE) {
            if *stop.borrow() {
                break;
            }
            let reading = match blocking(&file, parsed).await {
                Ok(reading) => reading,
                // A mail program has taken it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    left.insert(file);
                    trouble = trouble.and(Err(error.into()));
                    continue;
                }
            };
            self.take_in(&reading).await?;
            // Behind the commit: who dies in between reads it once more, which the store notices.
            let put_aside = match reading.kind {
                // A person is to see it.
                Kind::Unknown | Kind::Complaint => as_unread,
                _ => as_read,
            };
            if let Err(error) = blocking(&file, put_aside).await {
                left.insert(file);
                trouble = trouble.and(Err(error.into()));
            }
        }
        trouble
    }

    /// Does what follows from a mail; nothing where it is no bounce, or none of ours.
    async fn take_in(&self, reading: &Reading) -> Result<(), Stopped> {
        let failed: Vec<&Returned> = reading.recipients.iter().filter(|one| one.action == "failed").collect();
        let Some(first) = failed.first().filter(|_| reading.kind == Kind::Bounce) else {
            return Ok(());
        };
        let key = self.key.key()?;
        let Some(named) = reading.tokens.iter().find_map(|token| key.returned(token)) else {
            tracing::info!("a returned mail without a token of ours changes nothing");
            return Ok(());
        };
        let Said { de, en } = first.says();
        let text = match &first.status {
            Some(status) => said!("{de} ({status})", "{en} ({status})"),
            None => said!("{de}", "{en}"),
        };
        let at_ms = self.office.clock.now_ms();
        match named {
            Names::Canary { lane, sent_ms } => {
                // A full mailbox was reached: mail works, and somebody has to empty it.
                let verdict = match first.because {
                    Because::Full => Verdict::Unclear,
                    _ => Verdict::CameBack,
                };
                self.canary(LaneId(lane), sent_ms, verdict, text).await?;
            }
            Names::Delivery(number) => {
                let gone = failed.iter().filter(|one| one.is_gone());
                let came_back = CameBack {
                    delivery: DeliveryId(number),
                    at_ms,
                    gone: gone.flat_map(|one| one.mailbox()).map(str::to_owned).collect(),
                    text,
                };
                let followed = self.store.came_back(&came_back).await?;
                tracing::info!(delivery = number, ?followed, "a mail came back");
            }
        }
        owner::wake(&self.office.settings.data);
        Ok(())
    }

    /// The probe's own mail came back: whatever the server said when it took it, mail does not arrive.
    async fn canary(&self, lane: LaneId, sent_ms: Ms, verdict: Verdict, text: Said) -> Result<(), StoreError> {
        let rows = self.store.lane_rows().await?;
        let Some(row) = rows.iter().find(|row| row.id == lane) else {
            return Ok(());
        };
        let channel = self.office.channels.iter().find(|c| c.settings.name == row.name);
        let Some(probe) = channel.and_then(|c| c.settings.common.release.probe.as_ref()) else {
            return Ok(());
        };
        let now = self.office.clock.now_ms();
        let age = probation::age(sent_ms, row.gate_since_ms, now);
        if age != Age::Fresh {
            let sent = crate::clock::timestamp(sent_ms);
            tracing::warn!(lane = row.name, %sent, ?age, "a canary mail came back that says nothing about now; the gate stays as it is");
            return Ok(());
        }
        let finding = ProbeResult {
            at_ms: now,
            epoch: row.epoch,
            verdict,
            text,
        };
        let step = self.store.probed(lane, &finding, &probe.rules).await?;
        tracing::warn!(lane = row.name, ?step, "the canary mail came back");
        Ok(())
    }
}

fn folder(built: &Built) -> Option<PathBuf> {
    match built {
        Built::Messages(channel) => channel.returns().map(Path::to_owned),
        Built::Website(_) => None,
    }
}

/// Files beside the runtime: a folder may lie on a slow disk.
async fn blocking<T: Send + 'static>(path: &Path, work: fn(&Path) -> io::Result<T>) -> io::Result<T> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || work(&path))
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// The new mails of a Maildir, the oldest first: their names begin with the time.
fn new_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder.join("new"))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn parsed(file: &Path) -> io::Result<Reading> {
    let mut bytes = Vec::new();
    File::open(file)?.take(bounce::LARGEST as u64).read_to_end(&mut bytes)?;
    Ok(bounce::read(&bytes))
}

/// Marked as seen: that is what Maildir has for a mail that somebody has read.
fn as_read(file: &Path) -> io::Result<()> {
    put_aside(file, ":2,S")
}

fn as_unread(file: &Path) -> io::Result<()> {
    put_aside(file, ":2,")
}

/// From `new` to `cur`, where nobody but people looks.
fn put_aside(file: &Path, marks: &str) -> io::Result<()> {
    let (Some(folder), Some(name)) = (file.parent().and_then(Path::parent), file.file_name()) else {
        return Err(io::Error::other("no file of a Maildir"));
    };
    let current = folder.join("cur");
    std::fs::create_dir_all(&current)?;
    let mut name = name.to_owned();
    name.push(marks);
    std::fs::rename(file, current.join(name))
}
