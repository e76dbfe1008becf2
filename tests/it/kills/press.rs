//! A press file of ten thousand, or of as many as `RUNDRUF_PRESS` says: what it costs is said before, ten kills in the middle of it, and at the end our
//! counters and the gateway's own books say the same; nobody has two SMS, and what was in flight stands as unknown.
//!
//! Ten thousand, because a hundred thousand SMS with two delivery reports each take a debug build some minutes on two cores, and nothing of what is
//! looked at here depends on their number.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rundruf::domain::delivery::DeliveryState as State;
use rundruf::sandbox::books::Books;
use rundruf::sandbox::fault::Fault;

use super::books::{in_flight, recounted, sms_rows};
use super::{CONNECTIONS, IN_FLIGHT, PUBLISHER, notice};
use crate::support::counterparts::{Stage, sms};
use crate::support::wait::patiently;

const KILLS: usize = 10;

fn people() -> usize {
    let asked = std::env::var("RUNDRUF_PRESS").ok();
    asked.map_or(10_000, |n| n.parse().expect("RUNDRUF_PRESS is a number"))
}

#[test]
fn ten_kills_in_the_press_file_double_nothing_and_lose_nothing() {
    let people = people();
    let stage = Stage::new(PUBLISHER, |sandbox| {
        sms(
            sandbox,
            &format!("concurrency = {CONNECTIONS}\nprice = 0.07\ntimeout = \"1m\""),
        )
    });
    let (app, gateway) = (&stage.app, &stage.sandbox.kannel);
    let mut list = "address\n".to_owned();
    for n in 0..people {
        writeln!(list, "+49171{n:07}").unwrap();
    }
    app.write("presse.csv", &list);
    app.write("lage.toml", &notice(1));

    // What it costs is said first, and nothing goes before somebody has agreed.
    let asked = app.run(&["publish", "lage.toml"]);
    let parts = app.json(&["preview", "lage.toml"])["costs"][0]["parts"]
        .as_u64()
        .unwrap();
    let cents = people * 7 * usize::try_from(parts).unwrap();
    let price = format!("{}.{:02} in all at most", cents / 100, cents % 100);
    assert!(asked.code == 1 && asked.err.contains(&price), "{price}: {}", asked.err);
    assert!(asked.err.contains(&format!("{people} recipients")), "{}", asked.err);
    assert!(gateway.books().is_empty());

    let mut serve = app.serve();
    app.json(&["publish", "lage.toml", "--yes"]);
    let mut met = BTreeSet::new();
    for kill in 1..=KILLS {
        let taken = move |books: &Books| books.entries.len() >= people * kill / (KILLS + 2);
        stage.wait("SMS go", gateway.until(taken));
        // In turn: as it comes; taken by the gateway and lost; on the phone, and nobody was told.
        match kill % 3 {
            1 => {}
            2 => {
                gateway.fault(Fault::Hang);
                // What was answered before may still be on its way into the store, and counts as started until it is there.
                patiently("SMS are in flight", || {
                    let counters = app.broadcast("sms", 1)["counters"].clone();
                    let of = |name: &str| counters[name].as_u64().unwrap();
                    let written = of("accepted") + of("delivered");
                    (of("started") >= IN_FLIGHT as u64 && written == gateway.books().entries.len() as u64).then_some(())
                });
            }
            _ => {
                let sent = gateway.books().entries.len();
                gateway.fault(Fault::WorkAndHang);
                let all = move |books: &Books| books.entries.len() >= sent + IN_FLIGHT;
                stage.wait("SMS are in flight", gateway.until(all));
            }
        }
        serve.kill();
        gateway.heal();
        let started = in_flight(&stage);
        serve = app.serve();
        if kill % 3 == 2 {
            // The gateway did nothing with them: no report will ever come, and each stands as unknown.
            assert!(started.len() >= IN_FLIGHT, "kill {kill}");
            patiently("what was in flight stands as unknown", || {
                started.is_subset(&sms_rows(&stage, State::Unknown)).then_some(())
            });
        }
        met.extend(started);
    }
    patiently("everything has ended", || {
        let counters = app.broadcast("sms", 1)["counters"].clone();
        let open = ["waiting", "started", "accepted"].map(|c| counters[c].as_u64().unwrap());
        let all = ["delivered", "unknown"].map(|c| counters[c].as_u64().unwrap());
        (open.iter().sum::<u64>() == 0 && all.iter().sum::<u64>() == people as u64).then_some(())
    });
    let broadcast = app.broadcast("sms", 1);
    let counted = |counter: &str| usize::try_from(broadcast["counters"][counter].as_u64().unwrap()).unwrap();
    let books = gateway.books();
    println!(
        "{people} people, {} SMS in the gateway's books, {} unknown",
        books.entries.len(),
        counted("unknown")
    );
    assert_eq!((books.doubles(), books.refused), (0, 0), "somebody got it twice");
    let phones: BTreeSet<&str> = books.entries.iter().map(|entry| entry.to.as_str()).collect();
    assert_eq!(phones.len(), books.entries.len(), "nobody has two");
    assert_eq!(counted("delivered"), phones.len(), "whoever is in its books has it");
    assert!(books.entries.iter().all(|entry| entry.reports.contains(&1)));
    // What nobody knows is listed, one by one, and only what a kill met in flight.
    let unknown = sms_rows(&stage, State::Unknown);
    assert_eq!(
        (unknown.len(), counted("unknown")),
        (people - phones.len(), people - phones.len())
    );
    assert!(!unknown.is_empty() && unknown.is_subset(&met));
    let status = app.run(&["status"]).ok().out;
    let status = status.split_whitespace().collect::<Vec<_>>().join(" ");
    let decide = format!("rundruf decide b{}", broadcast["id"]);
    assert!(
        status.contains(&format!("{} unknown", unknown.len())) && status.contains(&decide),
        "{status}"
    );
    assert_eq!(serve.stop(), 0);
    recounted(&stage);
}
