//! What a probe's findings mean for the gate (LANES 5): after some good ones in a row a release is proposed or done, and when it fails again
//! after having been good, the lane is held. Pure; the store asks in the transaction that writes the finding.

use serde::{Deserialize, Serialize};

use crate::clock::Ms;
use crate::domain::delivery::{Gate, GateCause};
use crate::domain::outcome::{Outcome, Reason, Report};
use crate::text::said::Said;

/// While all is as it was, the gap between two probes grows up to this, ms.
const LONGEST_GAP_MS: Ms = 3_600_000;
/// While a lane drains, the gap is at most this, ms.
const DRAIN_GAP_MS: Ms = 60_000;

/// `release = { probe = "smtp", then = "propose", every = "5m", good = 3 }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeRules {
    /// Between two probes, ms.
    pub every_ms: Ms,
    /// So many good ones in a row.
    pub good: u32,
    /// What follows then.
    pub then: Then,
    /// A release goes by a ramp.
    pub ramp: bool,
}

/// What follows from enough good probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// A person is told that the lane can be released.
    Propose,
    /// It is released, unless a person (or too many refusals) held it: only a person ends that.
    Do,
}

/// What one probe came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It works.
    Good,
    /// It does not.
    Bad,
    /// The canary was taken and came back: worse than no answer, and no later probe says that it is over.
    CameBack,
    /// Nobody can say: put off for later, or no answer to the finished mail.
    Unclear,
}

/// What a probe's report comes to.
pub fn verdict(report: &Report) -> Verdict {
    match report.outcome {
        Outcome::Delivered(_) | Outcome::Accepted(_) => Verdict::Good,
        Outcome::Deferred { .. } if report.reason == Reason::PolicyRefused => Verdict::Bad,
        Outcome::Unknown | Outcome::Later { .. } | Outcome::Deferred { .. } | Outcome::Stepped { .. } => {
            Verdict::Unclear
        }
        Outcome::Transient | Outcome::Permanent | Outcome::Auth | Outcome::Gone => Verdict::Bad,
    }
}

/// A probe's finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeResult {
    /// When.
    pub at_ms: Ms,
    /// The lane's epoch when it began to look.
    pub epoch: i64,
    /// What it came to.
    pub verdict: Verdict,
    /// For people.
    pub text: Said,
}

/// The newest finding and what came before it, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probed {
    /// When.
    pub at_ms: Ms,
    /// What it came to.
    pub verdict: Verdict,
    /// For people.
    pub text: Said,
    /// It has been like this since then.
    pub since_ms: Ms,
    /// So often in a row, counted anew when the gate changes; 0: found out about a gate that has changed since.
    pub in_row: u32,
    /// The lane's epoch when it was found out: clocks jump, epochs do not.
    #[serde(skip)]
    pub epoch: i64,
    /// The last one that was not unclear was good.
    pub was_good: bool,
    /// Good so often that a release is proposed.
    pub proposes: bool,
}

/// What a canary that came back can say about how mail fares now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// It was sent lately, since the gate is as it is or in the good row that led to that.
    Fresh,
    /// Long ago, or before the gate was set: servers give up after days, and whoever keeps a mail can show it again.
    Old,
    /// Sent later than now: the clock was wrong, and nobody knows since when the gate is as it is.
    Ahead,
}

/// What a canary says about mail is true for so long, ms.
const FRESH_MS: Ms = 24 * 3_600_000;
/// A canary is sent so much before its probe has found something, at most, ms.
const LOOK_MS: Ms = 300_000;
/// Clocks are set back a little without anybody's doing, ms.
const AHEAD_MS: Ms = 60_000;

/// How old the canary is that came back: when it was sent, since when the gate is as it is, what the probe says, now.
pub fn age(sent_ms: Ms, gate_since_ms: Ms, probed: Option<&Probed>, now: Ms) -> Age {
    let good = probed.filter(|probed| probed.verdict == Verdict::Good);
    let row = good.map_or(gate_since_ms, |probed| probed.since_ms.saturating_sub(LOOK_MS));
    if sent_ms > now.saturating_add(AHEAD_MS) {
        Age::Ahead
    } else if sent_ms < gate_since_ms.min(row) || sent_ms < now.saturating_sub(FRESH_MS) {
        Age::Old
    } else {
        Age::Fresh
    }
}

/// What is to be done with the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Leave,
    /// Release it.
    Release,
    /// Hold it.
    Hold,
}

/// Takes a finding in, and says what follows for the gate: what it is, who set it, its epoch.
pub fn take_in(
    before: Option<&Probed>,
    finding: &ProbeResult,
    gate: (Gate, GateCause, i64),
    rules: &ProbeRules,
) -> (Probed, Step) {
    let (gate, cause, epoch) = gate;
    let same = before.filter(|before| before.verdict == finding.verdict);
    let in_row = if finding.epoch == epoch {
        let before = same.filter(|before| before.epoch == epoch);
        before.map_or(0, |before| before.in_row).saturating_add(1)
    } else {
        0
    };
    let was_good = before.is_some_and(|before| before.was_good);
    let good = finding.verdict == Verdict::Good;
    let probed = Probed {
        at_ms: finding.at_ms,
        verdict: finding.verdict,
        text: finding.text.clone(),
        since_ms: same.map_or(finding.at_ms, |before| before.since_ms),
        in_row,
        epoch: finding.epoch,
        was_good: match finding.verdict {
            Verdict::Unclear => was_good,
            _ => good,
        },
        proposes: good && in_row >= rules.good,
    };
    let step = match gate {
        Gate::Held if probed.proposes && rules.then == Then::Do => match cause {
            GateCause::Settings | GateCause::Probe => Step::Release,
            GateCause::Person | GateCause::Itself | GateCause::Change => Step::Leave,
        },
        Gate::Open | Gate::Draining if finding.verdict == Verdict::CameBack => Step::Hold,
        Gate::Open | Gate::Draining if finding.verdict == Verdict::Bad && was_good => Step::Hold,
        _ => Step::Leave,
    };
    (probed, step)
}

/// How long to wait for the next probe, ms. A finding of a time that is still to come is of a clock that has gone back since: nobody knows how
/// old it is, so a look is due.
pub fn wait_ms(probed: &Probed, gate: Gate, rules: &ProbeRules, now: Ms) -> Ms {
    let gap = gap_ms(probed, gate, rules);
    let left = probed.at_ms.saturating_add(gap).saturating_sub(now);
    if left > gap { 0 } else { left.max(0) }
}

/// How long after the newest finding the next probe is due, ms.
fn gap_ms(probed: &Probed, gate: Gate, rules: &ProbeRules) -> Ms {
    match gate {
        Gate::Draining => rules.every_ms.min(DRAIN_GAP_MS),
        // Nobody wants a test mail every five minutes for months.
        Gate::Held | Gate::Open if probed.verdict == Verdict::Good && probed.in_row >= rules.good => {
            let doublings = (probed.in_row - rules.good).min(20);
            let longest = LONGEST_GAP_MS.max(rules.every_ms);
            (rules.every_ms << doublings).min(longest)
        }
        Gate::Held | Gate::Open => rules.every_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: ProbeRules = ProbeRules {
        every_ms: 300_000,
        good: 3,
        then: Then::Do,
        ramp: true,
    };

    #[test]
    fn a_canary_speaks_of_the_gate_as_it_is() {
        const HOUR: Ms = 3_600_000;
        let since = 100 * HOUR;
        let probed = |verdict, since_ms| Probed {
            at_ms: since_ms,
            verdict,
            text: Said::default(),
            since_ms,
            in_row: 1,
            epoch: 0,
            was_good: true,
            proposes: false,
        };
        let good = probed(Verdict::Good, since - 2 * HOUR);
        let bad = probed(Verdict::Bad, since - 2 * HOUR);
        let cases = [
            (since, None, since + HOUR, Age::Fresh),
            (since - 1, None, since + HOUR, Age::Old),
            // Of the row whose success released the lane, and of the time before that.
            (since - 2 * HOUR - LOOK_MS, Some(&good), since + HOUR, Age::Fresh),
            (since - 2 * HOUR - LOOK_MS - 1, Some(&good), since + HOUR, Age::Old),
            (since - HOUR, Some(&bad), since + HOUR, Age::Old),
            // A gate that nobody has touched for long makes no old mail new.
            (since, None, since + 24 * HOUR, Age::Fresh),
            (since, Some(&good), since + 24 * HOUR + 1, Age::Old),
            (since + HOUR, None, since + HOUR - AHEAD_MS, Age::Fresh),
            (since + HOUR, None, since + HOUR - AHEAD_MS - 1, Age::Ahead),
            (i64::MIN, None, i64::MAX, Age::Old),
        ];
        for (sent, probed, now, want) in cases {
            assert_eq!(age(sent, since, probed, now), want, "{sent} {now}");
        }
    }

    struct Lane {
        gate: (Gate, GateCause, i64),
        probed: Option<Probed>,
        now: Ms,
    }

    impl Lane {
        fn held(cause: GateCause) -> Self {
            Self {
                gate: (Gate::Held, cause, 0),
                probed: None,
                now: 0,
            }
        }

        fn probe(&mut self, verdict: Verdict) -> Step {
            self.now += 1_000;
            let finding = ProbeResult {
                at_ms: self.now,
                epoch: self.gate.2,
                verdict,
                text: Said::default(),
            };
            let (probed, step) = take_in(self.probed.as_ref(), &finding, self.gate, &RULES);
            self.probed = Some(probed);
            step
        }

        fn becomes(&mut self, gate: Gate, cause: GateCause) {
            self.gate = (gate, cause, self.gate.2 + 1);
        }
    }

    #[test]
    fn the_third_good_one_in_a_row_releases() {
        use Verdict::{Bad, Good, Unclear};
        let mut lane = Lane::held(GateCause::Settings);
        for verdict in [Good, Good, Bad, Good, Unclear, Good, Good] {
            assert_eq!(lane.probe(verdict), Step::Leave);
        }
        assert_eq!(lane.probe(Good), Step::Release);
    }

    #[test]
    fn what_a_person_or_refusals_held_only_a_person_releases() {
        for cause in [GateCause::Person, GateCause::Itself, GateCause::Change] {
            let mut lane = Lane::held(cause);
            for _ in 0..5 {
                assert_eq!(lane.probe(Verdict::Good), Step::Leave);
            }
            assert!(lane.probed.unwrap().proposes, "it says so all the same");
        }
    }

    #[test]
    fn it_holds_when_it_fails_again_and_never_because_it_still_fails() {
        let mut lane = Lane::held(GateCause::Settings);
        lane.probe(Verdict::Bad);
        lane.becomes(Gate::Draining, GateCause::Person);
        assert_eq!(lane.probe(Verdict::Bad), Step::Leave, "released against it");
        lane.probe(Verdict::Good);
        assert_eq!(lane.probe(Verdict::Unclear), Step::Leave);
        assert_eq!(lane.probe(Verdict::Bad), Step::Hold);
        lane.becomes(Gate::Held, GateCause::Probe);
        lane.probe(Verdict::Good);
        lane.probe(Verdict::Good);
        assert_eq!(lane.probe(Verdict::Good), Step::Release);
    }

    #[test]
    fn a_canary_that_came_back_holds_and_only_a_person_ends_that() {
        let mut lane = Lane::held(GateCause::Settings);
        lane.becomes(Gate::Draining, GateCause::Person);
        assert_eq!(lane.probe(Verdict::CameBack), Step::Hold);
        lane.becomes(Gate::Held, GateCause::Itself);
        for _ in 0..5 {
            assert_eq!(lane.probe(Verdict::Good), Step::Leave);
        }
    }

    #[test]
    fn good_ones_from_before_a_hold_do_not_count() {
        let mut lane = Lane::held(GateCause::Settings);
        lane.becomes(Gate::Open, GateCause::Person);
        for _ in 0..9 {
            lane.probe(Verdict::Good);
        }
        lane.becomes(Gate::Held, GateCause::Settings);
        assert_eq!(lane.probe(Verdict::Good), Step::Leave);
        assert!(!lane.probed.unwrap().proposes);
    }

    #[test]
    fn what_was_found_out_about_the_gate_before_does_not_count() {
        let mut lane = Lane::held(GateCause::Settings);
        lane.probe(Verdict::Good);
        lane.probe(Verdict::Good);
        let late = ProbeResult {
            at_ms: lane.now,
            epoch: lane.gate.2,
            verdict: Verdict::Good,
            text: Said::default(),
        };
        lane.becomes(Gate::Held, GateCause::Settings);
        let (probed, step) = take_in(lane.probed.as_ref(), &late, lane.gate, &RULES);
        assert_eq!((probed.in_row, probed.proposes, step), (0, false, Step::Leave));
        lane.probed = Some(probed);
        let steps = [(); 3].map(|()| lane.probe(Verdict::Good));
        assert_eq!(steps, [Step::Leave, Step::Leave, Step::Release]);
    }

    #[test]
    fn a_clock_that_went_back_makes_no_probe_wait_for_it() {
        let mut lane = Lane::held(GateCause::Settings);
        lane.now = 7_200_000;
        lane.probe(Verdict::Bad);
        let wait = |now| wait_ms(lane.probed.as_ref().unwrap(), Gate::Held, &RULES, now);
        assert_eq!([7_201_000, 7_301_000, 9_000_000].map(wait), [300_000, 200_000, 0]);
        assert_eq!(wait(3_601_000), 0, "an hour back");
    }

    #[test]
    fn it_looks_seldom_where_nothing_changes() {
        let mut lane = Lane::held(GateCause::Person);
        let mut gaps = Vec::new();
        for _ in 0..9 {
            lane.probe(Verdict::Good);
            gaps.push(gap_ms(lane.probed.as_ref().unwrap(), Gate::Held, &RULES) / 60_000);
        }
        assert_eq!(gaps, [5, 5, 5, 10, 20, 40, 60, 60, 60]);
        let probed = lane.probed.unwrap();
        assert_eq!(gap_ms(&probed, Gate::Draining, &RULES), 60_000);
    }
}
