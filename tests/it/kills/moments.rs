//! Where in a publication a blow falls, and how a test gets there: by what the counterparts have on their books.

use std::process::{Child, Stdio};

use fastrand::Rng;
use rundruf::sandbox::books::Books;
use rundruf::sandbox::fault::Fault;
use serde_json::Value;

use super::{IN_FLIGHT, RECEIVERS, notice};
use crate::support::counterparts::Stage;
use crate::support::{TestApp, eventually};

/// Where in a publication the process is met.
#[derive(Debug, Clone, Copy)]
pub(super) enum Moment {
    /// `publish` has just ended.
    Committed,
    /// The gateway has taken so many more SMS.
    Sms(usize),
    /// So many SMS went, then the gateway takes requests and does nothing: 64 are in flight.
    Hanging(usize),
    /// So many SMS went, then the gateway sends everything and says nothing: 64 are in flight.
    Unanswered(usize),
    /// So many delivery reports more were given.
    Reports(usize),
    /// The post is out.
    Toot,
    /// So many receivers have it.
    Calls(usize),
    /// The page is on the web space.
    Page,
    /// The new process has said its first word, or none: it is taking over.
    TakingOver,
}

impl Moment {
    /// Every third kill meets 64 SMS in flight, in turn without and with the work done; the others are drawn.
    pub(super) fn of(kill: usize, rng: &mut Rng) -> Self {
        match kill % 6 {
            0 => Self::Hanging(rng.usize(0..60)),
            3 => Self::Unanswered(rng.usize(0..60)),
            _ if rng.u8(0..8) == 0 => Self::TakingOver,
            _ => Self::in_passing(rng),
        }
    }

    /// A moment at which every counterpart does its work and says so.
    pub(super) fn in_passing(rng: &mut Rng) -> Self {
        match rng.u8(0..7) {
            0 => Self::Committed,
            1 => Self::Reports(rng.usize(1..120)),
            2 => Self::Toot,
            3 => Self::Calls(rng.usize(1..=RECEIVERS)),
            4 => Self::Page,
            _ => Self::Sms(rng.usize(1..100)),
        }
    }

    /// So many SMS at least are in flight at this moment.
    pub(super) fn in_flight(self) -> usize {
        match self {
            // What was not answered has an outcome at once: how much is still open then nobody can say.
            Self::Hanging(_) => IN_FLIGHT,
            _ => 0,
        }
    }
}

/// What `status` says, summed over the broadcasts of one channel.
pub(super) fn sum(broadcasts: &[Value], channel: &str, counter: &str) -> u64 {
    let of = broadcasts.iter().filter(|b| b["channel"] == channel);
    of.map(|b| b["counters"][counter].as_u64().unwrap()).sum()
}

pub(super) fn publishing(app: &TestApp, number: usize) -> Child {
    let file = format!("lage-{number}.toml");
    app.write(&file, &notice(number));
    let mut command = app.command(&["publish", &file, "--yes", "--json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for the end of a `publish`; what it printed.
pub(super) fn published(child: Child) -> Value {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn reports(books: &Books) -> usize {
    books.entries.iter().map(|e| e.reports.len()).sum()
}

/// Publishes notice `number` beside `serve`, and returns at the moment. The publication itself is always let through.
pub(super) fn until(stage: &Stage, moment: Moment, number: usize) {
    let (app, sandbox) = (&stage.app, &stage.sandbox);
    let (before, calls) = (sandbox.kannel.books(), sandbox.webhook.books().entries.len());
    let (taken, reported) = (before.entries.len(), reports(&before));
    let child = publishing(app, number);
    let mut child = Some(child);
    let hang = |fault: Fault, after: usize| {
        let books = stage.wait(
            "some SMS go",
            sandbox.kannel.until(|b| b.entries.len() >= taken + after),
        );
        sandbox.kannel.fault(fault);
        // As of before: some hang already.
        books.entries.len()
    };
    match moment {
        Moment::Committed | Moment::TakingOver => drop(published(child.take().unwrap())),
        Moment::Sms(n) => drop(stage.wait("SMS go", sandbox.kannel.until(|b| b.entries.len() >= taken + n))),
        Moment::Hanging(n) => {
            hang(Fault::Hang, n);
            // What was answered before may still be on its way into the store, and counts as started until it is there.
            eventually("64 SMS are in flight", || {
                let rows = app.broadcasts();
                let counted = |counter| sum(&rows, "sms", counter);
                let answered = sandbox.kannel.books().entries.len() as u64;
                let written = counted("accepted") + counted("delivered");
                (counted("started") >= IN_FLIGHT as u64 && written == answered).then_some(())
            });
        }
        Moment::Unanswered(n) => {
            let sent = hang(Fault::WorkAndHang, n);
            // Their delivery reports come although no request was answered.
            let all = sandbox.kannel.until(|b| b.entries.len() >= sent + IN_FLIGHT);
            stage.wait("64 SMS are in flight", all);
        }
        Moment::Reports(n) => drop(stage.wait("reports come", sandbox.kannel.until(|b| reports(b) >= reported + n))),
        Moment::Toot => {
            let named = format!("Lage {number}:");
            let there = sandbox
                .mastodon
                .until(|b| b.entries.iter().any(|e| e.text.contains(&named)));
            drop(stage.wait("the post goes out", there));
        }
        Moment::Calls(n) => drop(stage.wait(
            "receivers get it",
            sandbox.webhook.until(|b| b.entries.len() >= calls + n),
        )),
        Moment::Page => {
            let page = app.path().join(format!("public/potsdam/ausfall/{number}/index.html"));
            eventually("the page is on the web space", || page.exists().then_some(()));
        }
    }
    if let Some(child) = child {
        // It may still be printing; what it wrote is committed, because somebody got it.
        published(child);
    }
}
