//! One publication after another, and in each the process is killed, or frozen and then killed: at a moment that is drawn, with other counterparts
//! silent that are drawn too. Fifty kills make a house (a store, its counterparts); `RUNDRUF_KILLS` asks for more of them.

use std::collections::BTreeSet;
use std::time::Instant;

use fastrand::Rng;
use rundruf::domain::delivery::DeliveryState as State;
use rundruf::ids::DeliveryId;
use rundruf::sandbox::fault::Fault;

use super::books::{compare, everything_ends, found, in_flight, sms_rows};
use super::moments::{Moment, until};
use super::tally::Tally;
use super::{RECEIVERS, stage};
use crate::support::app::Serve;
use crate::support::counterparts::Stage;
use crate::support::{TestApp, eventually};

/// Of one house: a counterpart's books and ours grow with every notice, and looking at all of them at every kill takes longer and longer.
const HOUSE: usize = 50;

/// How the process is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    Kill,
    /// Stands still, and is killed so: what was answered meanwhile nobody has read.
    FreezeAndKill,
    /// Stands still, goes on, and is killed at once.
    FreezeAndGoOn,
    /// Stands still, goes on, brings out the post and the calls, and is killed.
    FreezeAndFinish,
}

/// A counterpart with a handle that does its work and says nothing: its requests are in flight when the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silent {
    Mastodon,
    Webhook,
}

impl Silent {
    fn name(self) -> &'static str {
        match self {
            Self::Mastodon => "mastodon",
            Self::Webhook => "webhook",
        }
    }

    /// From now on it says nothing, once it has all that came before: what hangs holds its receiver's next one.
    fn before(self, number: usize, stage: &Stage) {
        let count = match self {
            Self::Mastodon => 1,
            Self::Webhook => RECEIVERS,
        };
        if number > 1 {
            let before = number as u64 - 1;
            stage.app.wait_for(self.name(), before, "delivered", count as u64);
        }
        match self {
            Self::Mastodon => stage.sandbox.mastodon.fault(Fault::WorkAndHang),
            Self::Webhook => stage.sandbox.webhook.fault(Fault::WorkAndHang),
        }
    }

    /// Requests that came so far, and how many of them were recognised as repetitions.
    fn requests(self, stage: &Stage) -> (usize, u32) {
        let books = match self {
            Self::Mastodon => stage.sandbox.mastodon.books(),
            Self::Webhook => stage.sandbox.webhook.books(),
        };
        (books.entries.len(), books.repeats())
    }

    /// Waits for the next repetition.
    fn repeats(self, stage: &Stage, beyond: u32) -> Instant {
        let what = "what was in flight is repeated";
        match self {
            Self::Mastodon => drop(stage.wait(what, stage.sandbox.mastodon.until(|b| b.repeats() > beyond))),
            Self::Webhook => drop(stage.wait(what, stage.sandbox.webhook.until(|b| b.repeats() > beyond))),
        }
        Instant::now()
    }
}

/// One round as drawn.
#[derive(Debug, Clone, Copy)]
struct Round {
    moment: Moment,
    blow: Blow,
    silent: Option<Silent>,
}

impl Round {
    fn draw(kill: usize, rng: &mut Rng) -> Self {
        let moment = Moment::of(kill, rng);
        let blow = match rng.u8(0..9) {
            0 => Blow::FreezeAndKill,
            1 => Blow::FreezeAndGoOn,
            2 => Blow::FreezeAndFinish,
            _ => Blow::Kill,
        };
        let silent = match rng.u8(0..4) {
            0 => Some(Silent::Mastodon),
            1 => Some(Silent::Webhook),
            _ => None,
        };
        // There it is the second process that dies, and whatever it may have repeated.
        let taking_over = matches!(moment, Moment::TakingOver);
        Self {
            moment,
            blow: if taking_over { Blow::Kill } else { blow },
            silent: silent.filter(|_| !taking_over),
        }
    }
}

#[test]
fn kills_lose_nothing_and_double_nothing() {
    let asked = |name: &str| {
        let value = std::env::var(name).ok()?;
        Some(value.parse::<u64>().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    let kills = asked("RUNDRUF_KILLS").map_or(HOUSE, |kills| usize::try_from(kills).unwrap());
    let seed = asked("RUNDRUF_KILLS_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("RUNDRUF_KILLS_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let mut tally = Tally::default();
    while tally.kills < kills {
        house(HOUSE.min(kills - tally.kills), &mut rng, &mut tally);
    }
    tally.print();
}

/// A house of so many notices and kills at most.
fn house(most: usize, rng: &mut Rng, tally: &mut Tally) {
    let stage = stage("1m");
    let mut serve = stage.app.serve();
    let (mut number, before) = (0, tally.kills);
    while tally.kills < before + most {
        number += 1;
        let round = Round::draw(number, rng);
        println!("{number}: {round:?}");
        serve = fight(&stage, serve, number, round, tally);
    }
    everything_ends(&stage);
    assert_eq!(serve.stop(), 0);
    let books = found(&stage, number);
    tally.found.lost += books.lost;
    tally.found.double += books.double;
    compare(&stage, number);
}

/// One round; the process that owns the lanes after it.
fn fight(stage: &Stage, mut serve: Serve, number: usize, round: Round, tally: &mut Tally) -> Serve {
    let (app, sandbox) = (&stage.app, &stage.sandbox);
    let Round { moment, blow, silent } = round;
    // First silent, then counted: whatever comes from here on gets no answer.
    let heard = silent.map(|silent| {
        silent.before(number, stage);
        (silent, silent.requests(stage))
    });
    until(stage, moment, number);
    if blow != Blow::Kill {
        freeze(stage, &serve, tally);
        match blow {
            Blow::FreezeAndGoOn => serve.go_on(),
            Blow::FreezeAndFinish => {
                serve.go_on();
                post_and_calls(stage, number);
            }
            _ => {}
        }
    }
    serve.kill();
    tally.kills += 1;
    sandbox.kannel.heal();
    sandbox.mastodon.heal();
    sandbox.webhook.heal();
    let before = sms_rows(stage, State::Unknown);
    let mut started = in_flight(stage);
    tally.in_flight = tally.in_flight.max(started.len());
    assert!(started.len() >= moment.in_flight(), "{} at {round:?}", started.len());
    if matches!(moment, Moment::TakingOver) {
        kill_while_taking_over(app);
        // What the second process had begun.
        let second = in_flight(stage);
        (tally.kills, tally.second_kills) = (tally.kills + 1, tally.second_kills + 1);
        tally.in_flight = tally.in_flight.max(second.len());
        started.extend(second);
    }
    let open = heard
        .map(|(silent, before)| (silent, before, silent.requests(stage)))
        .filter(|(_, before, now)| now != before);
    let Some((silent, _, (_, repeats))) = open else {
        let serve = app.serve();
        only_these(stage, &before, &started, tally);
        return serve;
    };
    let serve = std::thread::scope(|scope| {
        let again = scope.spawn(|| silent.repeats(stage, repeats));
        let began = Instant::now();
        let serve = app.serve();
        let took = again.join().unwrap().duration_since(began);
        tally.again.entry(silent.name()).or_default().push(took);
        serve
    });
    only_these(stage, &before, &started, tally);
    serve
}

/// Nothing else is unknown than what a kill met in flight.
fn only_these(stage: &Stage, before: &BTreeSet<DeliveryId>, started: &BTreeSet<DeliveryId>, tally: &mut Tally) {
    let unknown = sms_rows(stage, State::Unknown);
    let new: Vec<_> = unknown.difference(before).collect();
    assert!(
        new.iter().all(|row| started.contains(*row)),
        "{new:?} are unknown, {started:?} were in flight"
    );
    tally.unknown += new.len();
}

/// It stands still, and is the owner all the same: a second one refuses.
fn freeze(stage: &Stage, serve: &Serve, tally: &mut Tally) {
    serve.freeze();
    tally.freezes += 1;
    let second = stage.app.run(&["serve"]);
    assert!(second.code == 1 && second.err.contains("already"), "{second:?}");
    tally.refused += 1;
}

/// Waits until the account and every receiver have this notice.
fn post_and_calls(stage: &Stage, number: usize) {
    let named = format!("Lage {number}:");
    let there = |wanted: usize| {
        let named = named.clone();
        move |books: &rundruf::sandbox::books::Books| {
            let of = books.entries.iter().rev().take(2 * RECEIVERS);
            of.filter(|e| e.text.contains(&named)).count() >= wanted
        }
    };
    stage.wait("the post goes out", stage.sandbox.mastodon.until(there(1)));
    stage.wait("all receivers get it", stage.sandbox.webhook.until(there(RECEIVERS)));
}

/// A process that dies between the start and its first word.
fn kill_while_taking_over(app: &TestApp) {
    let quiet = app.log().len();
    let log = std::fs::OpenOptions::new()
        .append(true)
        .open(app.path().join("serve.log"))
        .unwrap();
    let mut child = app
        .command(&["serve"])
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    eventually("serve says a word", || (app.log().len() > quiet).then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
}
