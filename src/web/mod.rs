//! Floor 5: public site, receipts, admin listener.
//!
//! The public listener answers every page from memory ([`site`]), takes delivery reports ([`receipts`]) and says how it is
//! ([`health`]), and lets people leave ([`unsubscribe`]); the admin listener shows the numbers ([`admin`]). [`refresh`] keeps the
//! site in memory up to date. Nothing here writes to the store by itself: receipts go through [`receipts::ReceiptSink`], whoever
//! leaves through the desk of `publication`.

pub mod admin;
mod encoding;
pub mod health;
pub mod listen;
mod prepared;
pub mod public;
pub mod receipts;
pub mod refresh;
pub mod site;
#[cfg(test)]
mod tests;
pub mod unsubscribe;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;

use health::{Readiness, StoreReach};
use listen::{Limits, Listening};
use receipts::Receipts;
use site::SiteServer;
use unsubscribe::Unsubscribe;

/// What the listeners are made of.
pub struct Parts {
    /// The site in memory; hand the same one to [`refresh::Refresher`].
    pub site: SiteServer,
    /// Delivery reports.
    pub receipts: Receipts,
    /// Where recipients of mails leave, if anywhere.
    pub unsubscribe: Option<Unsubscribe>,
    /// Asks the store whether it can be read.
    pub store: Arc<dyn StoreReach>,
    /// The numbers behind `/metrics`.
    pub metrics: Option<PrometheusHandle>,
    /// Bounds of both listeners.
    pub limits: Limits,
}

/// The web server of one `serve`.
pub struct Server;

impl Server {
    /// Binds both listeners (port 0: a free one) and answers from now on.
    pub async fn start(listen: SocketAddr, admin_listen: SocketAddr, parts: Parts) -> std::io::Result<Running> {
        let readiness = Arc::new(Readiness::new(parts.store, parts.site.clone()));
        let public = public::Public::new(parts.site, parts.receipts, parts.unsubscribe, readiness.clone());
        let public = Listening::start(listen, parts.limits, public.handler()).await?;
        let admin = admin::handler(parts.metrics);
        let admin = match Listening::start(admin_listen, parts.limits, admin).await {
            Ok(admin) => admin,
            Err(error) => {
                public.stop(Duration::ZERO).await;
                return Err(error);
            }
        };
        Ok(Running {
            public_addr: public.addr(),
            admin_addr: admin.addr(),
            readiness,
            public,
            admin,
        })
    }
}

/// A running web server. Dropping it ends it at once; [`Running::stop`] lets answers finish.
pub struct Running {
    /// Where the public listener is.
    pub public_addr: SocketAddr,
    /// Where the admin listener is.
    pub admin_addr: SocketAddr,
    readiness: Arc<Readiness>,
    public: Listening,
    admin: Listening,
}

impl Running {
    /// From now on `/readyz` says 503, so that a proxy sends readers elsewhere; pages and receipts are still answered while
    /// the lanes end what is in flight.
    pub fn not_ready(&self) {
        self.readiness.stop();
    }

    /// Takes no more connections, lets running answers finish for at most `grace`, then cuts them.
    pub async fn stop(self, grace: Duration) {
        self.readiness.stop();
        tokio::join!(self.public.stop(grace), self.admin.stop(grace));
    }
}
