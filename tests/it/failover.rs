//! Two SMS gateways, one standing in for the other (LANES 7): what one certainly did not bring out goes by the other, once; nobody gets two
//! texts. What nobody knows stays where it is. The gateways keep their own books.

mod kannels;

use std::collections::BTreeMap;

use rundruf::sandbox::fault::Fault;
use rundruf::sandbox::kannel::Plan;
use rundruf::sandbox::{Sandbox, books::Books};

use super::support::counterparts::{Stage, sms};
use super::support::eventually;

const PUBLISHER: &str = "[publisher.potsdam]\nname = \"Landeshauptstadt Potsdam\"\nlanguages = [\"de\"]\ntimezone = \"Europe/Berlin\"\nphone = \"115\"\n";
const PHONES: u64 = 20;

/// Two gateways: `sms` is the sandbox's, `sms_reserve` that of a second sandbox.
fn stages() -> (Stage, Stage) {
    let reserve = Stage::new(PUBLISHER, |_| String::new());
    let url = reserve.sandbox.kannel.url();
    let first = Stage::new(PUBLISHER, |sandbox| {
        format!(
            "{}{}",
            sms(sandbox, "failover = \"sms_reserve\"\ntimeout = \"2s\""),
            sms(sandbox, "")
                .replace("[channel.sms]", "[channel.sms_reserve]")
                .replace(&sandbox.kannel.url(), &url)
                .replace("audience = { file = \"presse.csv\" }\n", "")
        )
    });
    let phones: String = (0..PHONES).map(|n| format!("+4917139{n:05}\n")).collect();
    first.app.write("presse.csv", &format!("address\n{phones}"));
    (first, reserve)
}

/// How often each phone is in a gateway's books, and whether its phone got it.
fn taken(books: &Books) -> BTreeMap<String, usize> {
    let mut of = BTreeMap::new();
    for entry in &books.entries {
        *of.entry(entry.to.clone()).or_default() += 1;
    }
    of
}

fn publish(stage: &Stage, headline: &str) -> u64 {
    let notice = format!("incident = \"ausfall\"\nheadline = \"{headline}\"\nsummary = \"Bitte rufen Sie an.\"\n");
    stage.app.publish(&notice, &[])["number"].as_u64().unwrap()
}

fn delivered_by(sandbox: &Sandbox) -> usize {
    let delivered = |entry: &rundruf::sandbox::books::Entry| entry.reports.contains(&1);
    sandbox.kannel.books().entries.iter().filter(|e| delivered(e)).count()
}

#[test]
fn what_a_gateway_rejects_after_taking_it_goes_by_the_other_one_once() {
    let (first, reserve) = stages();
    first.sandbox.kannel.service().plan(Plan::Reject);
    let _serve = first.app.serve();
    let number = publish(&first, "Die IT ist abgeschaltet");
    first.app.wait_for("sms", number, "delivered", PHONES);

    let (one, other) = (first.sandbox.kannel.books(), reserve.sandbox.kannel.books());
    assert_eq!(one.entries.len() as u64, PHONES);
    assert_eq!(taken(&one), taken(&other), "each phone once by each gateway");
    assert_eq!(delivered_by(&first.sandbox), 0, "the first brought nothing out");
    assert_eq!(delivered_by(&reserve.sandbox) as u64, PHONES);

    // The broadcast is still one, and says how it went.
    let broadcasts = first.app.broadcasts();
    assert_eq!(broadcasts.len(), 1, "the reserve gets no broadcast of its own");
    assert_eq!(broadcasts[0]["moved"], PHONES);
    let text = broadcasts[0]["text"].as_str().unwrap();
    assert!(text.contains("20 of them by the reserve channel"), "{text}");
    let all = first.app.json(&["explain", &format!("b{}", broadcasts[0]["id"])]);
    let delivery = &all["deliveries"][0];
    assert_eq!(delivery["via"], "sms_reserve");
    let told = first.app.german(&["explain", &delivery["id"].to_string()]).ok().out;
    assert!(
        told.contains("umgeleitet") && told.contains("über sms_reserve"),
        "{told}"
    );

    // What the reserve rejects too has ended: it never comes back.
    reserve.sandbox.kannel.service().plan(Plan::Reject);
    let number = publish(&first, "Weiter abgeschaltet");
    first.app.wait_for("sms", number, "permanent", PHONES);
    assert_eq!(first.sandbox.kannel.books().entries.len() as u64, 2 * PHONES);
    assert_eq!(reserve.sandbox.kannel.books().entries.len() as u64, 2 * PHONES);
}

#[test]
fn an_answer_that_was_lost_waits_for_its_receipt_and_goes_by_no_other_gateway() {
    let (first, reserve) = stages();
    first.sandbox.kannel.service().plan(Plan::Silent);
    first.sandbox.kannel.fault(Fault::LoseAnswer);
    let _serve = first.app.serve();
    let number = publish(&first, "Die IT ist abgeschaltet");
    // The breaker opens meanwhile; what has not been sent waits for its minute.
    eventually("some stand as unknown", || {
        let counters = first.app.broadcast("sms", number)["counters"].clone();
        (counters["unknown"].as_u64() >= Some(5)).then_some(())
    });
    let lost = taken(&first.sandbox.kannel.books());
    first.sandbox.kannel.heal();
    first.sandbox.kannel.service().plan(Plan::Deliver);
    first.app.run(&["channel", "retry", "sms"]).ok();
    eventually("the others go", || {
        let counters = first.app.broadcast("sms", number)["counters"].clone();
        let sum = counters["unknown"].as_u64()? + counters["delivered"].as_u64()?;
        (sum == PHONES).then_some(())
    });
    assert!(
        reserve.sandbox.kannel.books().entries.is_empty(),
        "nothing moves that may be there"
    );
    let all = taken(&first.sandbox.kannel.books());
    assert!(all.values().all(|n| *n == 1), "nobody got two: {all:?}");
    assert!(!lost.is_empty() && all.len() as u64 == PHONES);
}

#[test]
fn what_waits_on_a_held_reserve_is_shown_released_and_dropped_there() {
    let (first, reserve) = stages();
    first.sandbox.kannel.service().plan(Plan::Reject);
    first.app.run(&["channel", "hold", "sms_reserve"]).ok();
    let serve = first.app.serve();
    publish(&first, "Die IT ist abgeschaltet");
    eventually("all wait on the reserve", || {
        (first.app.broadcasts()[0]["guests"][0]["waiting"] == PHONES).then_some(())
    });
    let shown = first.app.run(&["status"]).ok().out;
    assert!(shown.contains("20 waiting for sms_reserve, held since"), "{shown}");
    let asked = first.app.run(&["channel", "release", "sms_reserve"]);
    assert!(
        asked.code == 1 && asked.err.contains("1 notice goes out to 20 recipients"),
        "{}",
        asked.err
    );
    // A reserve that is no longer configured does not lose them without a question.
    assert_eq!(serve.stop(), 0);
    let settings = std::fs::read_to_string(first.app.path().join("channels.toml")).unwrap();
    let at = settings.find("[channel.sms_reserve]").unwrap();
    let without = settings[..at].replace("failover = \"sms_reserve\"", "");
    first.app.write("channels.toml", &without);
    let asked = first.app.run(&["channel", "drop", "sms_reserve"]);
    assert!(
        asked.code == 1 && asked.err.contains("20 messages that still wait for sms_reserve"),
        "{}",
        asked.err
    );
    first.app.write("channels.toml", &settings);
    let _serve = first.app.serve();
    first.app.run(&["channel", "release", "sms_reserve", "--yes"]).ok();
    first.app.wait_for("sms", 1, "delivered", PHONES);
    assert_eq!(delivered_by(&reserve.sandbox) as u64, PHONES);
}
