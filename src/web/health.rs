//! `/healthz` says that the process lives, `/readyz` that it can do its work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::StatusCode;

use super::site::SiteServer;
use crate::store::StoreError;

/// Longer than this, and the store is as good as away.
const STORE_TIME: Duration = Duration::from_secs(2);

/// Asks whether the store can be read.
#[async_trait]
pub trait StoreReach: Send + Sync {
    /// Reads something small.
    async fn reach(&self) -> Result<(), StoreError>;
}

/// Every store can: it reads its own identity.
pub struct ByIdentity(pub Arc<dyn crate::store::Board>);

#[async_trait]
impl StoreReach for ByIdentity {
    async fn reach(&self) -> Result<(), StoreError> {
        self.0.identity().await.map(|_| ())
    }
}

/// What `/readyz` knows.
pub(super) struct Readiness {
    store: Arc<dyn StoreReach>,
    site: SiteServer,
    stopping: AtomicBool,
}

impl Readiness {
    pub(super) fn new(store: Arc<dyn StoreReach>, site: SiteServer) -> Self {
        Self {
            store,
            site,
            stopping: AtomicBool::new(false),
        }
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Status and one line for each part, without internals: this path is public.
    pub(super) async fn look(&self) -> (StatusCode, String) {
        let stopping = self.stopping.load(Ordering::Relaxed);
        let store = matches!(tokio::time::timeout(STORE_TIME, self.store.reach()).await, Ok(Ok(())));
        let site = self.site.is_built();
        let word = |good| if good { "ok" } else { "no" };
        let process = if stopping { "stopping" } else { "ok" };
        let text = format!("process {process}\nstore {}\nsite {}\n", word(store), word(site));
        let status = if store && site && !stopping {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        (status, text)
    }
}
