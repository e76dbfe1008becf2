//! Floor 4: runs the lane state machine against store, channels and clock. One task per lane; nothing here decides what
//! becomes of a delivery, that is `lane_core`'s duty.
//!
//! [`start`] is called by the process that holds the owner lock, after `configure`. Whoever commits something that lanes
//! should see (a gate, a decision) calls [`Waker::wake`], as does whoever notices another process's commit; of a notice the store tells them
//! itself ([`crate::store::Bell`]).

mod clock_watch;
mod cuts;
mod gate;
mod glance;
mod messages;
mod metrics;
mod probe;
mod retention;
mod rules;
mod site;
mod supervisor;
mod troubles;
mod website;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::channel::Built;
use crate::clock::{Ms, SharedClock};
use crate::formats::SiteBuilder;
use crate::lane_core::clock_jump::{Jump, jump_at_start};
use crate::store::disk::{Disk, Room};
use crate::store::{HealthRow, LaneRow, Lanes, StoreError, TakenOver, WentBack};
pub use cuts::{Digests, Unwritten};
pub use glance::{Glance, Waker};
pub use metrics::observe as observe_board;
pub use rules::{LaneSetup, MessageRules};

/// What a lane's task is told.
#[derive(Debug)]
pub(crate) enum Told {
    /// Its row changed.
    Row(Box<LaneRow>),
    /// A lane it stands in for is in other health: there may be something to take over.
    Look,
    /// Another lane of its account was asked to wait.
    AccountWaits(HealthRow),
    /// The wall clock went back by so many ms, or ahead (negative); the store's times are shifted already.
    Shifted(Ms),
    /// The process ends.
    Stop,
}

/// What every lane's task needs.
#[derive(Clone)]
pub(crate) struct World {
    pub store: Arc<dyn Lanes>,
    pub digests: Arc<dyn Digests>,
    pub clock: SharedClock,
    /// The clock as message lanes believe it.
    pub pace: Arc<clock_watch::Pace>,
    pub waker: Waker,
    pub trust: Arc<clock_watch::Trust>,
    pub disk: Arc<Disk>,
    pub keep: retention::Keep,
    pub troubles: Arc<troubles::Troubles>,
}

/// The site lanes' part: who builds the site, and the store's instance number.
#[derive(Clone)]
pub struct SiteWorld {
    /// Builds the site from the store as it is now.
    pub builder: Arc<dyn SiteBuilder>,
    /// A target refuses an older instance.
    pub instance: i64,
}

/// The running lanes. Dropping it ends them at once, as a crash would; [`LanesHandle::stop`] lets them finish.
pub struct LanesHandle {
    waker: Waker,
    lanes: Vec<Running>,
    tasks: JoinSet<()>,
    supervisor: JoinSet<()>,
    taken_over: Vec<TakenOver>,
    keep: retention::Keep,
}

/// A lane's task as seen from outside.
struct Running {
    name: String,
    tell: mpsc::UnboundedSender<Told>,
    watch: glance::Watch,
    woken: watch::Receiver<u64>,
}

/// Voids the old owner's leases and starts a task per lane. The owner lock is held, the lanes are configured.
pub async fn start(
    store: Arc<dyn Lanes>,
    clock: SharedClock,
    site: SiteWorld,
    digests: Arc<dyn Digests>,
    setups: Vec<LaneSetup>,
    disk: Disk,
) -> Result<LanesHandle, StoreError> {
    let now = clock.now_ms();
    let mut back_at = None;
    let highest = store.high_time(now).await?;
    // A leap that nobody has looked at: what is stored is of the clock that leapt, since then.
    let mut leap = store.leap().await?;
    let highest = leap.map_or(highest, |leap| leap.at_ms.max(highest));
    if let Jump::Back(by) = jump_at_start(highest, now) {
        tracing::warn!(
            by_ms = by,
            "the clock is behind the newest time stored: due times are shifted"
        );
        leap = leap.and_then(|leap| leap.after(by));
        let said = WentBack { at_ms: now, by_ms: by };
        store.shift_times(by, leap, Some(&said.act())).await?;
        back_at = Some(now);
    }
    let handles_from_ms = store.handles_from(back_at).await?;
    let mut messages = Vec::new();
    let mut channels = Vec::new();
    let mut websites = Vec::new();
    for setup in setups {
        match &setup.built {
            Built::Messages(channel) => {
                let rules = MessageRules::of(setup.lane, &setup.common, channel.as_ref(), handles_from_ms);
                channels.push(Arc::clone(channel));
                messages.push((rules, Arc::clone(channel), setup));
            }
            Built::Website(targets) => websites.push((targets.clone(), setup)),
        }
    }
    let takeovers: Vec<_> = messages.iter().map(|(rules, ..)| rules.takeover()).collect();
    let taken_over = store.take_over(&takeovers, now).await?;

    let waker = Waker::default();
    store.ring(Arc::new(waker.clone()));
    let world = World {
        store,
        digests,
        pace: Arc::new(clock_watch::Pace::new(Arc::clone(&clock))),
        troubles: Arc::new(troubles::Troubles::new(disk.data().to_owned(), Arc::clone(&clock))),
        clock,
        waker: waker.clone(),
        trust: Arc::default(),
        disk: Arc::new(disk),
        keep: Arc::default(),
    };
    let keep = Arc::clone(&world.keep);
    // Before the first claim: it must end nothing by a clock in doubt.
    world.trust.set(leap.is_some());
    // And begin nothing on a full disk. Where it cannot be looked at, the supervisor says so.
    if let Ok(Some(Room::Low)) = world.disk.look() {
        supervisor::disk_is_low();
    }
    let mut tasks = JoinSet::new();
    let mut supervisor = JoinSet::new();
    let mut lanes = Vec::new();
    let mut told = Vec::new();
    for (rules, channel, setup) in messages {
        let (tell, inbox) = mpsc::unbounded_channel();
        let (show, watch) = glance::pair();
        told.push((setup.lane, tell.clone()));
        let woken = waker.of_messages();
        lanes.push(Running {
            name: setup.name.clone(),
            tell,
            watch,
            woken: woken.clone(),
        });
        if let Some(probe) = &setup.common.release.probe {
            let prober = probe::Prober {
                world: world.clone(),
                lane: setup.lane,
                name: setup.name.clone(),
                channel: Arc::clone(&channel),
                rules: probe.rules,
                timeout: rules.timeout(),
            };
            supervisor.spawn(prober.run(waker.of_others()));
        }
        let task = messages::Task::new(world.clone(), setup, rules, channel, show);
        tasks.spawn(task.run(inbox, woken));
    }
    for (targets, setup) in websites {
        let (tell, inbox) = mpsc::unbounded_channel();
        let (show, watch) = glance::pair();
        told.push((setup.lane, tell.clone()));
        let woken = waker.of_others();
        lanes.push(Running {
            name: setup.name.clone(),
            tell,
            watch,
            woken: woken.clone(),
        });
        let task = website::Task::new(world.clone(), site.clone(), setup, targets, show);
        tasks.spawn(task.run(inbox, woken));
    }
    let watches = lanes
        .iter()
        .map(|lane| (lane.name.clone(), lane.watch.clone()))
        .collect();
    supervisor.spawn(supervisor::Supervisor::new(world, told, watches, channels).run(waker.of_others()));
    waker.wake();
    Ok(LanesHandle {
        waker,
        lanes,
        tasks,
        supervisor,
        taken_over,
        keep,
    })
}

impl LanesHandle {
    /// Something was committed that lanes should see: every lane claims at once, and gates are read again.
    pub fn wake(&self) {
        self.waker.wake();
    }

    /// To be kept by whoever wakes (publishing, socket, change watch).
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// From now on takes out what became of single recipients so long ago, in small steps; not before this is called. The first call counts.
    pub fn keep_for(&self, long: Duration) {
        let _ = self.keep.set(rules::ms(long));
    }

    /// What the takeover found.
    pub fn taken_over(&self) -> &[TakenOver] {
        &self.taken_over
    }

    /// Waits until every lane has seen all wakes so far and has nothing to do now: all sent, or held, or waiting for a
    /// later try.
    pub async fn drained(&self) {
        let so_far: Vec<(&Running, u64)> = self.lanes.iter().map(|lane| (lane, *lane.woken.borrow())).collect();
        loop {
            for (lane, woken) in &so_far {
                lane.watch.clone().until(|glance| glance.is_drained(*woken)).await;
            }
            // One lane's end may have woken another (a link target).
            if so_far.iter().all(|(lane, woken)| lane.watch.now().is_drained(*woken)) {
                return;
            }
        }
    }

    /// No new claims, not-started rows back, what is in flight runs out and is committed. True where all was done within
    /// `deadline`; what is left then is settled by the next takeover.
    pub async fn stop(mut self, deadline: Duration) -> bool {
        self.supervisor.abort_all();
        for lane in &self.lanes {
            // A lane that has ended already has nothing to be told.
            let _ = lane.tell.send(Told::Stop);
        }
        let all = async { while self.tasks.join_next().await.is_some() {} };
        tokio::time::timeout(deadline, all).await.is_ok()
    }
}
