//! Reads what comes back of mails: a folder (Maildir) for each channel that names one. Only what carries a return token of ours is believed, and
//! only about the delivery that the token names; who merely claims that an address is dead changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::channel::Built;
use crate::channel::email;
use crate::channel::email::bounce::{self, Because, Kind, Reading, Returned};
use crate::channel::email::maildir;
use crate::clock::Ms;
use crate::ids::{DeliveryId, LaneId};
use crate::lane_core::probation::{self, Age, ProbeResult, Verdict};
use crate::publication::Office;
use crate::said;
use crate::secret::{Key, KeyFile, Returns as Names};
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
        let (key, now) = (self.key.key()?.clone(), self.office.clock.now_ms());
        let mut files = blocking(folder, move |folder| maildir::waiting(folder, now)).await?;
        files.retain(|file| !left.contains(file));
        let mut trouble = Ok(());
        for file in files.into_iter().take(AT_ONCE) {
            if *stop.borrow() {
                break;
            }
            let key = key.clone();
            let came = match blocking(&file, move |file| read(file, &key)).await {
                Ok(came) => came,
                // A mail program has taken it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    left.insert(file);
                    trouble = trouble.and(Err(error.into()));
                    continue;
                }
            };
            if let Some((named, reading)) = &came.ours {
                self.take_in(*named, reading).await?;
            }
            // Behind the commit: who dies in between reads it once more, which the store notices.
            if let Err(error) = blocking(&file, move |file| maildir::put_aside(file, !came.for_people)).await {
                left.insert(file);
                trouble = trouble.and(Err(error.into()));
            }
        }
        trouble
    }

    /// Does what follows from a mail of which we know what it answers; nothing where it is no bounce.
    async fn take_in(&self, named: Names, reading: &Reading) -> Result<(), Stopped> {
        let failed: Vec<&Returned> = reading.recipients.iter().filter(|one| one.action == "failed").collect();
        let Some(first) = failed.first().filter(|_| reading.kind == Kind::Bounce) else {
            return Ok(());
        };
        let at_ms = self.office.clock.now_ms();
        match named {
            Names::Canary { lane, sent_ms } => self.canary(LaneId(lane), sent_ms, &failed).await?,
            Names::Delivery(number) => {
                let gone = failed.iter().filter(|one| one.is_gone());
                let came_back = CameBack {
                    delivery: DeliveryId(number),
                    at_ms,
                    gone: gone.flat_map(|one| one.mailbox()).map(compared).collect(),
                    text: text(first),
                };
                let followed = self.store.came_back(&came_back).await?;
                tracing::info!(delivery = number, ?followed, "a mail came back");
            }
        }
        owner::wake(&self.office.settings.data);
        Ok(())
    }

    /// The probe's own mail came back: whatever the server said when it took it, mail does not arrive.
    async fn canary(&self, lane: LaneId, sent_ms: Ms, failed: &[&Returned]) -> Result<(), StoreError> {
        let rows = self.store.lane_rows().await?;
        let Some(row) = rows.iter().find(|row| row.id == lane) else {
            return Ok(());
        };
        let channel = self.office.channels.iter().find(|c| c.settings.name == row.name);
        let Some(channel) = channel else { return Ok(()) };
        let (Built::Messages(built), Some(probe)) = (&channel.built, &channel.settings.common.release.probe) else {
            return Ok(());
        };
        // Where the mailbox sends on what it gets, somebody else's trouble comes back with our token.
        let canary = built.canary().unwrap_or_default();
        let its_own = |one: &&&Returned| one.mailbox().any(|mailbox| compared(mailbox) == compared(canary));
        let Some(returned) = failed.iter().find(its_own) else {
            tracing::warn!(
                lane = row.name,
                "a canary mail came back for another address than the canary's; the gate stays as it is"
            );
            return Ok(());
        };
        // A full mailbox was reached: mail works, and somebody has to empty it.
        let verdict = match returned.because {
            Because::Full => Verdict::Unclear,
            _ => Verdict::CameBack,
        };
        let now = self.office.clock.now_ms();
        let age = probation::age(sent_ms, row.gate_since_ms, row.probe.as_ref(), now);
        if age != Age::Fresh {
            let sent = crate::clock::timestamp(sent_ms);
            tracing::warn!(lane = row.name, %sent, ?age, "a canary mail came back that says nothing about now; the gate stays as it is");
            return Ok(());
        }
        let finding = ProbeResult {
            at_ms: now,
            epoch: row.epoch,
            verdict,
            text: text(returned),
        };
        let step = self.store.probed(lane, &finding, &probe.rules).await?;
        tracing::warn!(lane = row.name, ?step, "the canary mail came back");
        Ok(())
    }
}

/// The form in which a mailbox is compared with whom we wrote to.
fn compared(mailbox: &str) -> String {
    email::canonical(mailbox).unwrap_or_else(|| mailbox.to_lowercase())
}

/// For people, with the status where there is one.
fn text(of: &Returned) -> Said {
    let Said { de, en } = of.says();
    match &of.status {
        Some(status) => said!("{de} ({status})", "{en} ({status})"),
        None => said!("{de}", "{en}"),
    }
}

fn folder(built: &Built) -> Option<PathBuf> {
    match built {
        Built::Messages(channel) => channel.returns().map(Path::to_owned),
        Built::Website(_) => None,
    }
}

/// Files beside the runtime: a folder may lie on a slow disk.
async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || work(&path))
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// A mail as far as we look into it.
struct Came {
    /// What it answers, and what it says; only where it shows a token of ours.
    ours: Option<(Names, Reading)>,
    /// A person is to see it.
    for_people: bool,
}

/// Looks for our token first: what has none costs no more than that, however many of them somebody sends.
fn read(file: &Path, key: &Key) -> io::Result<Came> {
    let raw = maildir::bytes(file, bounce::LARGEST)?;
    let Some(named) = bounce::tokens(&raw).iter().find_map(|token| key.returned(token)) else {
        tracing::info!("a mail without a token of ours changes nothing");
        return Ok(Came {
            ours: None,
            for_people: !bounce::is_from_machine(&raw),
        });
    };
    let reading = bounce::read(&raw);
    Ok(Came {
        for_people: matches!(reading.kind, Kind::Unknown | Kind::Complaint),
        ours: Some((named, reading)),
    })
}
