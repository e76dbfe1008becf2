//! The same among counterparts that we did not write: an SFTP server, a Mastodon emulator, Kannel with its SMS centre, a receiver written from the
//! specification. Each kill falls when one of them has just got something.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Stage, eventually};

const ROUNDS: u64 = 6;

fn headline(number: u64) -> String {
    format!("Lage {number}: die IT ist abgeschaltet")
}

#[test]
fn kills_among_real_counterparts_lose_nothing_and_double_nothing() {
    let Some(stage) = Stage::start() else { return };
    let app = &stage.app;
    let mut serve = app.serve();
    let mut unknown = BTreeMap::new();
    for number in 1..=ROUNDS {
        let headline = headline(number);
        app.publish(
            &format!(
                "incident = \"ausfall\"\nheadline = \"{headline}\"\nsummary = \"{headline}. Bitte rufen Sie an.\"\n"
            ),
            &[],
        );
        match number % 3 {
            0 => drop(stage.sms_about(&headline, 1)),
            1 => eventually("the post is there", || {
                (!stage.posts_about(&headline).is_empty()).then_some(())
            }),
            _ => eventually("the receiver has it", || {
                (!stage.receiver.about(&headline).is_empty()).then_some(())
            }),
        }
        serve.kill();
        serve = app.serve();
        for (channel, count) in [("website", stage.targets()), ("mastodon", 1), ("nachbarn", 1)] {
            app.wait_for(channel, number, "delivered", count);
        }
        // What a kill met on its way to the gateway nobody knows until its report comes; whoever looks at the centre may say so at once.
        let sms = eventually("the SMS have settled", || {
            let sms = app.broadcast("sms", number);
            let of = |counter: &str| sms["counters"][counter].as_u64().unwrap();
            (of("delivered") + of("unknown") == 2).then_some(sms)
        });
        unknown.insert(number, sms["counters"]["unknown"].as_u64().unwrap());
        if unknown[&number] > 0 {
            // Its report may have come meanwhile: then there is nothing to decide.
            app.run(&["decide", &format!("b{}", sms["id"]), "there"]);
            app.wait_for("sms", number, "delivered", 2);
        }
    }
    assert_eq!(serve.stop(), 0);
    for number in 1..=ROUNDS {
        let headline = headline(number);
        assert_eq!(stage.posts_about(&headline).len(), 1, "{headline}");
        // By its id a receiver knows what it has already.
        let calls = stage.receiver.about(&headline);
        let ids: BTreeSet<_> = calls.iter().map(|call| &call.id).collect();
        assert!(ids.len() == 1 && calls.iter().all(|call| call.verified), "{calls:#?}");
        let mut phones: BTreeMap<String, usize> = BTreeMap::new();
        for sms in stage.sms().into_iter().filter(|sms| sms.text.contains(&headline)) {
            *phones.entry(sms.to).or_default() += 1;
        }
        assert!(phones.values().all(|times| *times == 1), "{headline}: {phones:?}");
        // Who has none was met in flight, and stood as unknown.
        let known = 2 - unknown[&number];
        assert!(phones.len() as u64 >= known, "{headline}: {phones:?}, {unknown:?}");
    }
}
