//! `rundruf serve`: lanes, public site and admin listener, until a signal.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::watch;

use super::Globals;
use super::output::{Failure, Output};
use crate::app::{Lanes, Open};
use crate::channel::{Built, Channel};
use crate::clock::SharedClock;
use crate::publication::consent::UnsubscribeDesk;
use crate::publication::returns::Returns;
use crate::said;
use crate::secret::KeyFile;
use crate::store::{Missing, Receipt, Store, StoreError};
use crate::web::health::ByIdentity;
use crate::web::receipts::{ReceiptSink, Receipts};
use crate::web::refresh::Refresher;
use crate::web::site::SiteServer;
use crate::web::unsubscribe::Unsubscribe;
use crate::web::{Parts, Server};

/// How long requests in flight may take to end after SIGTERM (LANES 8).
const GRACE: Duration = Duration::from_secs(25);

/// Runs the command until SIGTERM or SIGINT; a second signal ends at once.
pub async fn run(globals: &Globals, out: &Output) -> Result<u8, Failure> {
    log_to_stderr();
    let ahead_ms = crate::clock::ahead();
    if ahead_ms != 0 {
        tracing::warn!(
            ahead_ms,
            "the clock is set, as in a demo: it does not show the machine's time"
        );
    }
    let Some((open, owner)) = Open::as_owner(&globals.config, &globals.data).await? else {
        let data = globals.data.display();
        return Err(Failure::Refused(said!(
            "In {data} läuft schon ein rundruf serve. Zwei zugleich würden doppelt senden; bitte erst das andere beenden.",
            "A rundruf serve is running in {data} already. Two at once would send twice; please stop the other one first."
        )));
    };
    let settings = Arc::clone(&open.office.settings);
    let site = SiteServer::new(&crate::formats::csp()).map_err(|e| anyhow::anyhow!("content security policy: {e}"))?;
    // Before the first site is built: what is committed while that is read must not be missed.
    let mut changes = crate::store::owner::Changes::from_now(Arc::clone(&open.store)).await;
    let refresher = Refresher::new(Arc::new(open.site()), Arc::clone(&open.office.clock), site.clone());
    let refresher_waker = refresher.waker();
    let (stop, stopped) = watch::channel(false);
    let refresh = tokio::spawn(refresher.run(stopped));
    let changed = tokio::spawn(async move {
        loop {
            changes.changed().await;
            refresher_waker.wake();
        }
    });
    let parts = Parts {
        site,
        receipts: Receipts::new(
            receipt_channels(&open),
            Arc::new(Inbox {
                store: open.store(),
                clock: Arc::clone(&open.office.clock),
                data: settings.data.clone(),
            }),
        ),
        unsubscribe: Some(unsubscribe(&open)?),
        store: Arc::new(ByIdentity(open.store())),
        metrics: metrics_exporter_prometheus::PrometheusBuilder::new()
            .install_recorder()
            .ok(),
        limits: crate::web::listen::Limits::default(),
    };
    for said in settings.without_effect() {
        out.say(&said);
    }
    let web = Server::start(settings.listen, settings.admin_listen, parts).await.map_err(|error| {
        let (listen, admin) = (settings.listen, settings.admin_listen);
        Failure::Refused(said!(
            "Unter {listen} oder {admin} lässt sich nicht lauschen: {error}. Läuft dort schon etwas? Siehe [serve] in der Konfiguration.",
            "Cannot listen at {listen} or {admin}: {error}. Is something running there already? See [serve] in the configuration."
        ))
    })?;
    if let Err(error) = open.store.lengthen_log().await {
        tracing::warn!(%error, "commits take longer than they might");
    }
    // Only now: a serve that cannot listen must not have begun to send, or its end would leave requests nobody knows about.
    let lanes = Lanes::start(&open, owner).await?;
    if let Some(keep) = settings.store.keep {
        lanes.keep_for(keep);
    }
    let returns = tokio::spawn(returns(&open).run(stop.subscribe()));
    let (public, admin, url) = (web.public_addr, web.admin_addr, &settings.site_url);
    out.say(&said!(
        "Rundruf läuft. Öffentlich: http://{public} ({url}), Verwaltung: http://{admin}. Ende mit Strg+C.",
        "Rundruf is running. Public: http://{public} ({url}), admin: http://{admin}. Stop with Ctrl+C."
    ));
    out.answer(&json!({ "public": public.to_string(), "admin": admin.to_string(), "site": url }));
    signal().await;
    tracing::info!("stopping: no new messages; requests in flight end");
    web.not_ready();
    tokio::select! {
        () = async {
            lanes.stop(GRACE).await;
            changed.abort();
            stop.send_replace(true);
            let _ = returns.await;
            let _ = refresh.await;
            web.stop(Duration::from_secs(2)).await;
        } => Ok(0),
        () = signal() => {
            tracing::warn!("a second signal: ending at once");
            Ok(0)
        }
    }
}

/// Commits delivery reports and wakes the lanes: a report may end what nobody knew.
struct Inbox {
    store: Arc<dyn Store>,
    clock: SharedClock,
    data: PathBuf,
}

#[async_trait]
impl ReceiptSink for Inbox {
    async fn commit(&self, channel: &str, receipts: Vec<Receipt>) -> Result<(), StoreError> {
        let lanes = self.store.lane_rows().await?;
        let lane = lanes
            .iter()
            .find(|l| l.name == channel)
            .ok_or_else(|| StoreError::NotFound(Missing::Channel(channel.to_owned())))?;
        self.store.receipts(lane.id, &receipts, self.clock.now_ms()).await?;
        crate::store::owner::wake(&self.data);
        Ok(())
    }
}

fn receipt_channels(open: &Open) -> BTreeMap<String, Arc<dyn Channel>> {
    open.office
        .channels
        .iter()
        .filter_map(|c| match &c.built {
            Built::Messages(channel) if channel.abilities().receipts => {
                Some((c.settings.name.clone(), Arc::clone(channel)))
            }
            _ => None,
        })
        .collect()
}

/// Where recipients of mails leave.
fn unsubscribe(open: &Open) -> Result<Unsubscribe, Failure> {
    let desk = UnsubscribeDesk {
        office: Arc::clone(&open.office),
        store: open.store(),
        key: KeyFile::new(open.office.settings.store.key_file.clone()),
    };
    Ok(Unsubscribe::new(desk).map_err(|e| anyhow::anyhow!("content security policy: {e}"))?)
}

/// What comes back of mails.
fn returns(open: &Open) -> Returns {
    Returns {
        office: Arc::clone(&open.office),
        store: open.store(),
        key: KeyFile::new(open.office.settings.store.key_file.clone()),
    }
}

/// SIGTERM or SIGINT.
async fn signal() {
    let mut term = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(term) => term,
        Err(error) => {
            tracing::error!(%error, "cannot listen for SIGTERM");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Logs go to standard error; `RUST_LOG` chooses what (default: `info` of Rundruf, `warn` of everything else).
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,rundruf=info"));
    // A second call (tests in one process) keeps the first subscriber.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .try_init();
}
