//! What happens to a message behind a fake gateway, and when its sender is told: the same for all, each in its own words.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::ask::{self, Request};
use super::provider::BookKeeper;

/// How long a phone takes.
const A_MOMENT: Duration = Duration::from_millis(150);
/// Between tries, as long as nobody takes the report; Kannel's `http-queue-delay`.
const AGAIN: Duration = Duration::from_millis(300);
/// Tries; real gateways give up too.
const TRIES: u32 = 400;
/// Of one request.
const REQUEST: Duration = Duration::from_secs(5);

/// What happens to messages and how it is reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Plan {
    /// The centre takes it, the phone gets it.
    #[default]
    Deliver,
    /// The phone does not get it.
    Fail,
    /// The centre refuses it after the gateway has taken it.
    Reject,
    /// Everything is reported twice.
    Twice,
    /// "Delivered" comes before "accepted".
    OutOfOrder,
    /// The reports wait until there is another plan; then the phone gets it.
    Held,
    /// No report ever.
    Silent,
}

/// What became of a message. The numbers are Kannel's, and stand in the books of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// On the phone.
    Delivered = 1,
    /// Given up.
    Failed = 2,
    /// The centre has it.
    Accepted = 8,
    /// The centre refused it.
    Rejected = 16,
}

/// How the sender is told; `None`: it does not want to hear of that.
pub(super) type Told = Box<dyn Fn(Event) -> Option<Request> + Send + Sync>;

/// A gateway's numbers, its plan and its reports under way.
#[derive(Default)]
pub(super) struct Desk(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    next: u64,
    plan: watch::Sender<Plan>,
    /// Taken by the request that is being answered; their reports are yet to be planned.
    fresh: Vec<(String, Told)>,
    /// Reports under way; they end with the gateway.
    tasks: JoinSet<()>,
}

impl Desk {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens to messages from now on.
    pub(super) fn plan(&self, plan: Plan) {
        self.memory().plan.send_replace(plan);
    }

    /// The next message's number, from 1.
    pub(super) fn number(&self) -> u64 {
        let mut memory = self.memory();
        memory.next += 1;
        memory.next
    }

    /// A message that was taken; its entry in the books has this id.
    pub(super) fn took(&self, id: &str, told: Told) {
        self.memory().fresh.push((id.to_owned(), told));
    }

    /// After the answer: the reports are on their way.
    pub(super) fn afterwards(&self, books: &BookKeeper) {
        let mut memory = self.memory();
        for (id, told) in std::mem::take(&mut memory.fresh) {
            let plan = memory.plan.subscribe();
            memory.tasks.spawn(bring(id, told, plan, books.clone()));
        }
        while memory.tasks.try_join_next().is_some() {}
    }
}

async fn bring(id: String, told: Told, mut plans: watch::Receiver<Plan>, books: BookKeeper) {
    use Event::{Accepted, Delivered, Failed, Rejected};
    let plan = *plans.borrow();
    let events: &[Event] = match plan {
        Plan::Deliver | Plan::Held => &[Accepted, Delivered],
        Plan::Fail => &[Accepted, Failed],
        Plan::Reject => &[Rejected],
        Plan::Twice => &[Accepted, Accepted, Delivered, Delivered],
        Plan::OutOfOrder => &[Delivered, Accepted],
        Plan::Silent => &[],
    };
    if plan == Plan::Held && plans.wait_for(|now| *now != Plan::Held).await.is_err() {
        return;
    }
    tokio::time::sleep(A_MOMENT).await;
    for event in events {
        books.open(|books| {
            if let Some(entry) = books.entry_mut(&id) {
                entry.reports.push(*event as u8);
            }
        });
        let Some(request) = told(*event) else { continue };
        for _ in 0..TRIES {
            let answer = tokio::time::timeout(REQUEST, ask::status(&request)).await;
            if matches!(answer, Ok(Ok(200..=204))) {
                break;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
    books.open(|books| {
        if let Some(entry) = books.entry_mut(&id) {
            entry.reported = true;
        }
    });
}
