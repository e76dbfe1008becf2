//! Keeps the site in memory up to date: rebuilt when something was published, and when time alone changes a page.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::site::SiteServer;
use crate::clock::{Ms, SharedClock};
use crate::formats::{SiteBuilder, SiteOf};

/// Shortest time between two rebuilds that only the clock asks for: a builder that is wrong about its next moment must not spin.
const SHORTEST: Duration = Duration::from_millis(200);
/// Longest sleep: the wall clock may be set meanwhile.
const LONGEST: Duration = Duration::from_secs(60);
/// After a failed build.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// Rebuilds the site.
pub struct Refresher {
    builder: Arc<dyn SiteBuilder>,
    clock: SharedClock,
    site: SiteServer,
    waker: Waker,
}

/// Asks for a rebuild; many at the same moment are one. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Waker(Arc<Notify>);

impl Waker {
    /// Something was published.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

impl Refresher {
    /// What `builder` makes for everybody goes into `site`.
    pub fn new(builder: Arc<dyn SiteBuilder>, clock: SharedClock, site: SiteServer) -> Self {
        Self {
            builder,
            clock,
            site,
            waker: Waker::default(),
        }
    }

    /// To be called with every publication.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Builds now and whenever needed, until `stop` becomes true or its sender is gone.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut told = None;
        loop {
            let wait = self.build(&mut told).await;
            tokio::select! {
                () = self.due(wait) => {}
                () = self.waker.0.notified() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Builds once; says what to wait for. The same failure twice in a row is told once.
    async fn build(&self, told: &mut Option<String>) -> Wait {
        match self.builder.build(SiteOf::Everybody, self.clock.now_ms()).await {
            Ok(site) => {
                let next = site.changes_at;
                self.site.replace(site).await;
                *told = None;
                next.map_or(Wait::Woken, Wait::Until)
            }
            Err(error) => {
                let error = error.to_string();
                if told.as_ref() != Some(&error) {
                    tracing::error!(%error, "the pages stay as they are until the site can be built again");
                    *told = Some(error);
                }
                Wait::For(AFTER_FAILURE)
            }
        }
    }

    async fn due(&self, wait: Wait) {
        match wait {
            Wait::Woken => std::future::pending().await,
            Wait::For(time) => tokio::time::sleep(time).await,
            Wait::Until(at) => loop {
                let left = at.saturating_sub(self.clock.now_ms());
                tokio::time::sleep(pause(left)).await;
                if self.clock.now_ms() >= at {
                    return;
                }
            },
        }
    }
}

/// What the next rebuild waits for.
enum Wait {
    Woken,
    Until(Ms),
    For(Duration),
}

fn pause(left: Ms) -> Duration {
    Duration::from_millis(u64::try_from(left).unwrap_or(0)).clamp(SHORTEST, LONGEST)
}
