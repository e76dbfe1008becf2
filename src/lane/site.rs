//! The site that a website lane brings to its targets: built once for all that want the same generation.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::future::FutureExt;
use tokio::sync::Mutex;

use super::SiteWorld;
use crate::clock::SharedClock;
use crate::domain::outcome::{Outcome, Reason, Report};
use crate::formats::{Site, SiteError, SiteOf};
use crate::said;
use crate::text::said::Said;

/// The site of one generation, for all targets that want it.
pub(super) type Shared = Arc<Mutex<Option<(i64, Arc<Site>)>>>;

/// The site of this generation: what another target had built for it, or read now.
pub(super) async fn build(
    site: SiteWorld,
    channel: String,
    built: Shared,
    clock: SharedClock,
    generation: i64,
) -> Result<Arc<Site>, Report> {
    let mut built = built.lock().await;
    if let Some((of, ready)) = built.as_ref()
        && *of == generation
    {
        return Ok(Arc::clone(ready));
    }
    // A panic here would otherwise end the lane: the future is shared by two readers.
    let new = AssertUnwindSafe(site.builder.build(SiteOf::Channel(&channel), clock.now_ms())).catch_unwind();
    match new
        .await
        .unwrap_or_else(|_| Err(SiteError("a template failed in the middle".into())))
    {
        Ok(new) => {
            let new = Arc::new(new);
            *built = Some((generation, Arc::clone(&new)));
            Ok(new)
        }
        Err(SiteError(why)) => Err(trouble(said!(
            "die Seite lässt sich nicht bauen: {why}",
            "the site cannot be built: {why}"
        ))),
    }
}

/// Trouble of our own; the next try may go better.
pub(super) fn trouble(text: Said) -> Report {
    Report {
        outcome: Outcome::Transient,
        reason: Reason::Local,
        text,
    }
}
