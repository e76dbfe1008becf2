//! The calendar of case A on the real store, in simulated time: three notices wait for mail, the probe proposes, 40 % are out when it fails
//! again and holds; a new notice comes meanwhile; each release brings one digest of what waits; half a year with fifty restarts and a change of the schema; then all is let go. One thread,
//! and time is a number.

mod city;
pub mod older;

use std::collections::BTreeMap;

use city::{City, DAY, MINUTE, PEOPLE, RAMP};
use rundruf::clock::Ms;
use rundruf::domain::delivery::{Gate, GateCause};
use rundruf::lane_core::probation::{Step, Verdict};
use rundruf::lane_core::ramp::{domain, step_us};

use crate::store_conformance::fixture::T0;

#[tokio::test]
async fn each_ends_with_the_newest_state_and_the_ramp_holds_over_half_a_year() {
    let mut city = City::new().await;
    // 16 January: mail is off, three notices wait; on a lane that catches up by digest they will be one message.
    for number in 1..=3 {
        city.publish(number).await;
        city.pass(10 * MINUTE).await;
    }
    assert!(city.mails.is_empty(), "held by the settings");

    // 24 January: it works again. Three good probes propose, a person releases what the probe's word and the preview were about.
    city.pass(8 * DAY).await;
    for _ in 0..3 {
        assert_eq!(city.probe(Verdict::Good).await, Step::Leave, "it proposes only");
        city.pass(5 * MINUTE).await;
    }
    assert!(city.row().await.probe.unwrap().proposes);
    let first = city.release().await;
    assert!(city.release_again(first.0).await, "pressed twice it is one release");
    while city.mails.len() < PEOPLE * 2 / 5 {
        city.pass(1_000).await;
    }

    // Later that day: it fails. What is in flight ends; then nothing starts any more, whatever happens.
    assert_eq!(city.probe(Verdict::Bad).await, Step::Hold);
    let at_hold = city.mails.len();
    city.pass(2 * MINUTE).await;
    assert_eq!(city.mails.len(), at_hold, "hold has returned");
    assert_eq!(city.open_rows().await, 0, "what was in flight is written down");
    assert_eq!(city.row().await.gate_cause, GateCause::Probe);
    city.publish(4).await;

    // Half a year: the machine is restarted fifty times, the release changes once.
    for n in 0..50 {
        city.pass(3 * DAY + n * MINUTE).await;
        city.restart(n == 25).await;
        if n % 7 == 0 {
            city.probe(Verdict::Bad).await;
        }
    }
    city.pass(30 * DAY).await;
    assert_eq!(city.mails.len(), at_hold, "a hold ends with nothing but a release");
    let row = city.row().await;
    assert_eq!(row.gate, Gate::Held);

    // Mail is back.
    for _ in 0..3 {
        city.probe(Verdict::Good).await;
        city.pass(5 * MINUTE).await;
    }
    let second = city.release().await;
    // Two clean restarts in mid-drain: the ramp goes on where it was, and nothing of it is lost.
    for at in [120, 200] {
        while city.mails.len() < at_hold + at {
            city.pass(1_000).await;
        }
        city.stop_and_start().await;
    }
    city.pass(DAY).await;
    assert_eq!(city.row().await.gate, Gate::Open, "all that waited is out");

    everybody_has_the_newest(&city);
    let first: Vec<_> = city.mails[..at_hold].iter().collect();
    let second_mails: Vec<_> = city.mails[at_hold..].iter().collect();
    assert_eq!(second_mails.len(), PEOPLE);
    never_faster(&first, city.released[0]);
    never_faster(&second_mails, second.1);
}

/// Each of them the newest notice once: alone after the first digest, else in one of all four; and nobody an older one after it.
fn everybody_has_the_newest(city: &City) {
    let mut got: BTreeMap<&str, Vec<Vec<i64>>> = BTreeMap::new();
    for mail in &city.mails {
        let notices = [mail.notice].into_iter().chain(mail.covers.iter().copied());
        got.entry(mail.to.as_str())
            .or_default()
            .push(notices.map(|n| n.0).collect());
    }
    assert_eq!(got.len(), PEOPLE);
    for (who, mails) in got {
        let wanted = [vec![vec![4, 3, 2, 1]], vec![vec![3, 2, 1], vec![4]]];
        assert!(wanted.contains(&mails), "{who}: {mails:?}");
    }
}

/// Between two starts lies what the ramp says at that moment, and for each domain what its rate says.
fn never_faster(mails: &[&city::Mail], released: Ms) {
    let mut last: BTreeMap<String, Ms> = BTreeMap::new();
    for mail in mails {
        let lane = RAMP.step_us(mail.at - released) / 1_000;
        let own = step_us(RAMP.per_domain.unwrap()) / 1_000;
        for (whom, spacing) in [(String::new(), lane), (domain(&mail.to).unwrap(), own)] {
            if let Some(before) = last.insert(whom.clone(), mail.at) {
                assert!(
                    mail.at - before >= spacing,
                    "{whom:?}: {} ms at {} ms after the release, {spacing} are due",
                    mail.at - before,
                    mail.at - released
                );
            }
        }
    }
    let took = mails.last().unwrap().at - released;
    let least = RAMP.takes_ms(mails.len() as u64 - 1, 0);
    assert!(
        took >= least && took < least + 3_600_000,
        "{took} ms for {}",
        mails.len()
    );
    assert!(mails[0].at >= T0);
}
