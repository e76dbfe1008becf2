//! Web space of any kind, and what all kinds do alike with it: a whole upload within its time, a look whether writing works.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::bring::{Mark, bring};
use crate::channel::{Finding, Stamp, Target, http};
use crate::clock::Ms;
use crate::domain::outcome::{Outcome, Reason, Report};
use crate::formats::manifest::MANIFEST;
use crate::formats::{Site, SiteFile};
use crate::said;
use crate::secret::KeyFile;
use crate::text::said::Said;

/// Of one whole upload. What it has brought until then stays; the next one goes on from there.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Written and removed by `check`.
const PROBE: &str = "rundruf-check.txt";

/// Puts files somewhere.
#[async_trait]
pub trait Place: Send + Sync {
    /// The file's content, `None` where it is not there; at most as long as the largest manifest.
    async fn get(&self, path: &str) -> Result<Option<Bytes>, Report>;
    /// Puts a file there, whole or not at all, with the folders above it.
    async fn put(&self, path: &str, file: &SiteFile) -> Result<(), Report>;
    /// Where a file is written before it takes its place; `None` where it is written into its place. One that broke off may
    /// have left something there.
    fn aside(&self, path: &str) -> Option<String>;
    /// What readers may notice there that they do not elsewhere, a sentence.
    fn weakness(&self) -> Option<Said> {
        None
    }
    /// Removes a file; one that is not there is removed already.
    async fn remove(&self, path: &str) -> Result<(), Report>;
}

/// One web space as configured.
#[async_trait]
pub trait Space: Send + Sync {
    /// Address without credentials.
    fn address(&self) -> String;
    /// The place it means, see [`Target::place`].
    fn place(&self) -> String {
        self.address()
    }
    /// Opens it for one upload. `now` is for services that say how long to wait.
    async fn open(&self, now: Ms) -> Result<Box<dyn Place + '_>, Report>;

    /// Logs in, writes a small file and removes it.
    async fn check(&self) -> Vec<Finding> {
        let address = self.address();
        let probe = async {
            let place = self.open(0).await?;
            let file = SiteFile {
                bytes: Bytes::from_static(b"written by rundruf check\n"),
                media_type: "text/plain; charset=utf-8",
            };
            place.put(PROBE, &file).await?;
            place.remove(PROBE).await?;
            Ok::<_, Report>(place.weakness())
        };
        match probe.await {
            Ok(weakness) => {
                let works = said!(
                    "{address}: angemeldet, Schreiben geht.",
                    "{address}: logged in, writing works."
                );
                [works].into_iter().chain(weakness).map(http::well).collect()
            }
            Err(report) => vec![http::unwell(&address, &report)],
        }
    }
}

/// The path under which a file is written before it takes its place.
pub fn beside(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/.rundruf-{name}.tmp"),
        None => format!(".rundruf-{path}.tmp"),
    }
}

/// A place that says how often something was put there.
pub struct Counted<'a> {
    /// The place.
    pub place: &'a dyn Place,
    /// Called after every file.
    pub step: &'a (dyn Fn() + Sync),
}

#[async_trait]
impl Place for Counted<'_> {
    async fn get(&self, path: &str) -> Result<Option<Bytes>, Report> {
        self.place.get(path).await
    }

    async fn put(&self, path: &str, file: &SiteFile) -> Result<(), Report> {
        self.place.put(path, file).await?;
        // The list is no step forward.
        if path != MANIFEST {
            (self.step)();
        }
        Ok(())
    }

    fn aside(&self, path: &str) -> Option<String> {
        self.place.aside(path)
    }

    async fn remove(&self, path: &str) -> Result<(), Report> {
        self.place.remove(path).await
    }
}

/// A target on web space of one kind.
pub struct WebTarget<S> {
    space: S,
    link: bool,
    timeout: Duration,
    key: KeyFile,
    brought: AtomicU64,
}

impl<S: Space> WebTarget<S> {
    /// Messages with a link wait for it where `link`; `key` signs what lies there.
    pub fn new(space: S, link: bool, timeout: Option<Duration>, key: KeyFile) -> Self {
        Self {
            space,
            link,
            timeout: timeout.unwrap_or(TIMEOUT),
            key,
            brought: AtomicU64::new(0),
        }
    }

    async fn whole_upload(&self, site: &Site, stamp: Stamp) -> Result<u64, Report> {
        let mark = Mark {
            who: &self.space.address(),
            instance: stamp.instance,
            generation: stamp.generation,
            signer: Some(Arc::new(self.key.key().map_err(|error| http::no_key(&error))?.signer())),
            believes: true,
        };
        let place = self.space.open(stamp.now).await?;
        let place = Counted {
            place: place.as_ref(),
            step: &|| {
                self.brought.fetch_add(1, Ordering::Relaxed);
            },
        };
        bring(&place, site, &mark).await
    }
}

#[async_trait]
impl<S: Space> Target for WebTarget<S> {
    fn address(&self) -> String {
        self.space.address()
    }

    fn place(&self) -> String {
        self.space.place()
    }

    fn link(&self) -> bool {
        self.link
    }

    async fn upload(&self, site: &Site, stamp: Stamp) -> Result<u64, Report> {
        let upload = tokio::time::timeout(self.timeout, self.whole_upload(site, stamp)).await;
        upload.unwrap_or_else(|_| Err(too_long(&self.address(), self.timeout)))
    }

    fn brought(&self) -> u64 {
        self.brought.load(Ordering::Relaxed)
    }

    async fn check(&self) -> Vec<Finding> {
        let check = tokio::time::timeout(self.timeout, self.space.check()).await;
        check.unwrap_or_else(|_| vec![http::unwell(&self.address(), &too_long(&self.address(), self.timeout))])
    }
}

fn too_long(who: &str, timeout: Duration) -> Report {
    http::report(
        Outcome::Transient,
        Reason::NoAnswer,
        said!(
            "{who}: nicht fertig binnen {timeout:?}; der nächste Versuch macht dort weiter",
            "{who}: not done within {timeout:?}; the next try goes on from here"
        ),
    )
}
