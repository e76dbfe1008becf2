//! How lanes are woken and how they show where they stand.

use std::sync::Arc;

use tokio::sync::watch;

use crate::domain::delivery::{Gate, Health};
use crate::lane_core::lane::LaneNow;
use crate::store::Bell;

/// Wakes lanes. Cheap to clone, never waits.
#[derive(Debug, Clone, Default)]
pub struct Waker {
    /// Lanes of messages: a claim says all they need to know, whatever is committed before it.
    messages: Count,
    /// Websites, probes and the supervisor: they read what is committed.
    others: Count,
}

#[derive(Debug, Clone)]
struct Count(Arc<watch::Sender<u64>>);

impl Default for Count {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Count {
    fn up(&self) {
        self.0.send_modify(|count| *count += 1);
    }
}

impl Waker {
    /// Something was committed that lanes should see. A publication in this process needs no wake: the store rings.
    pub fn wake(&self) {
        self.messages.up();
        self.others.up();
    }

    /// The wakes of lanes of messages.
    pub(crate) fn of_messages(&self) -> watch::Receiver<u64> {
        self.messages.0.subscribe()
    }

    /// The wakes of all others.
    pub(crate) fn of_others(&self) -> watch::Receiver<u64> {
        self.others.0.subscribe()
    }
}

impl Bell for Waker {
    fn queued(&self) {
        self.messages.up();
    }

    fn committed(&self) {
        self.others.up();
    }
}

/// A lane as its task shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// Where it stands.
    pub lane: LaneNow,
    /// The wake it has acted upon.
    pub(crate) seen: u64,
}

impl Glance {
    /// Nothing to do now, and every wake up to this one was seen.
    pub(crate) fn is_drained(&self, woken: u64) -> bool {
        self.lane.drained && self.seen >= woken
    }
}

/// The task's end.
#[derive(Debug)]
pub(crate) struct Show(watch::Sender<Glance>);

impl Show {
    pub(crate) fn show(&self, glance: Glance) {
        self.0.send_if_modified(|shown| {
            let news = *shown != glance;
            *shown = glance;
            news
        });
    }
}

/// The reader's end.
#[derive(Debug, Clone)]
pub(crate) struct Watch(watch::Receiver<Glance>);

impl Watch {
    pub(crate) fn now(&self) -> Glance {
        *self.0.borrow()
    }

    /// Waits; a lane that has ended counts as there.
    pub(crate) async fn until(&mut self, mut there: impl FnMut(&Glance) -> bool) {
        let _ = self.0.wait_for(|glance| there(glance)).await;
    }
}

pub(crate) fn pair() -> (Show, Watch) {
    let lane = LaneNow {
        gate: Gate::Held,
        health: Health::Well,
        in_flight: 0,
        queued: 0,
        drained: false,
    };
    let (show, watch) = watch::channel(Glance { lane, seen: 0 });
    (Show(show), Watch(watch))
}
