//! A million answers of 429 in every form services use: read by the product's own functions and heard by its lanes, none makes a request early, none
//! costs an attempt, none is clamped.

mod answers;
mod lanes;

use rundruf::channel::{http, sms};
use rundruf::clock::Ms;
use rundruf::domain::outcome::{Outcome, Reason, Report};

use crate::{each, number};
use answers::{FORMS, LAST_MS, Told};
use lanes::{Sabotage, Spell};

/// So many answers.
const ANSWERS: u64 = 1_000_000;
/// Each spell of a lane hears so many at most, and mostly four fifths of them.
const PER_SPELL: u64 = 50;

/// What a channel makes of it; the moment is right.
fn heard(told: &Told) -> Result<(Ms, Report), String> {
    let answer = told.answer();
    let report = http::sort("x", &answer, told.began_ms);
    // Gateways for SMS look at their own cases first.
    let of_sms = sms::sort("x", &answer, told.began_ms);
    let (Outcome::Later { until }, Reason::RateLimited, true) =
        (&report.outcome, report.reason, report.outcome == of_sms.outcome)
    else {
        return Err(format!("{report:?} or {of_sms:?}, for {told:?}"));
    };
    let (until, allowed) = (*until, told.allowed_ms());
    if until < allowed {
        return Err(format!("{} ms early: {told:?}", allowed - until));
    }
    if until > (allowed + told.slack_ms).min(LAST_MS) {
        return Err(format!("{} ms late: {told:?}", until - allowed));
    }
    Ok((until, report))
}

fn spells(answers: u64, sabotage: Sabotage) -> Result<u64, (u64, String)> {
    let heard = each("spells of 429", answers / (PER_SPELL * 4 / 5), |seed| {
        Spell::new(seed, sabotage).run()
    })?;
    Ok(heard.into_iter().sum())
}

#[test]
fn a_million_requests_to_wait_in_every_form() {
    let answers = number("RUNDRUF_ANSWERS").unwrap_or(ANSWERS);
    let heard = spells(answers, Sabotage::None).unwrap_or_else(|(seed, error)| panic!("spell {seed}: {error}"));
    println!("{heard} answers of 429 in {FORMS} forms: no request early, no attempt spent");
    assert!(heard >= answers, "{heard} of {answers}");
}

/// A check that cannot fail checks nothing.
#[test]
fn every_broken_rule_of_waiting_is_found() {
    let cases = [
        (Sabotage::Clamp, "told to wait"),
        (Sabotage::Costs, "lost an attempt"),
        (Sabotage::Undated, "ms early"),
        (Sabotage::Apart, "told to wait"),
    ];
    for (sabotage, sign) in cases {
        let (seed, error) = spells(20_000, sabotage).expect_err(sign);
        assert!(error.contains(sign), "{sabotage:?}: {error}");
        println!("{sabotage:?}: found by spell {seed}: {error}");
    }
}
