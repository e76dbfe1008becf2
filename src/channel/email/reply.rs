//! What a mail server's answer means (CHANNELS 18.2): by the step at which it came, its code and its enhanced code (RFC 3463).

use crate::channel::http::report;
use crate::clock::Ms;
use crate::domain::outcome::{Outcome, Reason, Report};

/// Where a session or a mail stood. Before [`Step::End`] nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Connecting, greeting, TLS.
    Connect,
    /// Logging in.
    Login,
    /// Our sender (`MAIL`).
    Sender,
    /// The recipient (`RCPT`).
    Recipient,
    /// Asking whether the mail may come (`DATA`).
    Data,
    /// The mail has left, its final dot with it.
    End,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    /// Three digits.
    pub code: u16,
    /// The server's words, its enhanced code first where it has one.
    pub text: String,
}

/// Why a mail was not taken, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server said no.
    Refused(Step, Reply),
    /// The connection could not be made, was cut, or nothing came in time.
    Lost(Step, String),
    /// The server knows none of our ways to log in.
    NoLogin,
}

/// How long a mail for a busy mailbox waits after each attempt; the last one for every further attempt.
const BUSY: [Ms; 4] = [5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 60 * MINUTE];
/// How long a mail waits that a policy refused: somebody has to change a record or a setting, which takes its time.
const POLICY: Ms = 60 * MINUTE;
const MINUTE: Ms = 60_000;

/// What follows from a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The server is in trouble.
    Trouble,
    /// This recipient can have nothing now.
    Busy,
    /// Somebody's policy is against us: here all that waits can help, and a person.
    Policy,
    /// The server does not let us in, or not with this sender.
    Credentials,
    /// Nobody is there.
    Gone,
    /// Not this recipient.
    Recipient,
    /// Not this mail.
    Content,
}

/// The outcome of a mail that was not taken. `who` is the server, `attempt` counts from 1.
pub(super) fn sort(who: &str, fault: &Fault, attempt: u32, now: Ms) -> Report {
    let (step, reply) = match fault {
        Fault::Refused(step, reply) => (*step, reply),
        Fault::Lost(Step::End, why) => {
            let text = format!("{who}: no answer to the finished mail: {why}; it may have been taken");
            return report(Outcome::Unknown, Reason::NoAnswer, text);
        }
        Fault::Lost(Step::Connect, why) => {
            return report(
                Outcome::Transient,
                Reason::NotConnected,
                format!("{who}: no connection: {why}"),
            );
        }
        Fault::Lost(_, why) => {
            let text = format!("{who}: the connection ended before the mail was handed over: {why}");
            return report(Outcome::Transient, Reason::ServiceTrouble, text);
        }
        Fault::NoLogin => {
            let text = format!("{who} offers no login that we know (PLAIN or LOGIN)");
            return report(Outcome::Auth, Reason::Credentials, text);
        }
    };
    let later = |wait: Ms| Outcome::Deferred {
        until: now.saturating_add(wait),
    };
    let verdict = verdict(step, reply.code, status(&reply.text));
    let busy = BUSY[(attempt.max(1) as usize - 1).min(BUSY.len() - 1)];
    let (outcome, reason, says) = match verdict {
        Verdict::Trouble => (Outcome::Transient, Reason::ServiceTrouble, "is in trouble"),
        Verdict::Busy => (
            later(busy),
            Reason::RecipientBusy,
            "takes nothing for this recipient now",
        ),
        Verdict::Policy => (
            later(POLICY),
            Reason::RecipientBusy,
            "refuses our mail by a policy; check SPF, DKIM and DMARC of the sender and the limits of the account",
        ),
        Verdict::Credentials if step == Step::Sender => (
            Outcome::Auth,
            Reason::Credentials,
            "does not let us send as this sender",
        ),
        Verdict::Credentials => (Outcome::Auth, Reason::Credentials, "does not let us in"),
        Verdict::Gone => (
            Outcome::Gone,
            Reason::RecipientGone,
            "says that this address does not exist",
        ),
        Verdict::Recipient => (Outcome::Permanent, Reason::RecipientRefused, "refuses this recipient"),
        Verdict::Content => (Outcome::Permanent, Reason::ContentRefused, "refuses this mail"),
    };
    report(
        outcome,
        reason,
        format!("{who} {says} ({}{})", reply.code, quoted(&reply.text)),
    )
}

/// The server's words for the end of a sentence.
fn quoted(text: &str) -> String {
    let words: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    if words.trim().is_empty() {
        String::new()
    } else {
        format!(": \"{}\"", words.trim())
    }
}

/// Subject and detail of the enhanced code at the beginning of a reply: `5.1.1 …` is (1, 1).
fn status(text: &str) -> Option<(u16, u16)> {
    let mut parts = text.split_whitespace().next()?.splitn(3, '.');
    let class: u16 = parts.next()?.parse().ok()?;
    let (subject, detail) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    matches!(class, 2 | 4 | 5).then_some((subject, detail))
}

/// The table. A refusal that would meet every mail is never the fault of one: it pauses or waits, and no row is lost.
fn verdict(step: Step, code: u16, status: Option<(u16, u16)>) -> Verdict {
    use Verdict::{Busy, Content, Credentials, Gone, Policy, Recipient, Trouble};
    match (code, status) {
        (530 | 534 | 535 | 538, _) => Credentials,
        (421 | 454, _) => Trouble,
        (400..=499, status) => match (step, status) {
            (Step::Connect | Step::Login | Step::Sender, _) | (_, Some((3, _))) => Trouble,
            (Step::Recipient, _) | (_, Some((1 | 2 | 4 | 7, _))) => Busy,
            _ => Trouble,
        },
        (_, Some((7, _))) if step <= Step::Sender => Credentials,
        (_, _) if step == Step::Connect => Trouble,
        (_, _) if step == Step::Login => Credentials,
        // Full, although it says "for good".
        (_, Some((2, 2))) => Busy,
        (_, Some((3, 4) | (6, _) | (2, 3))) => Content,
        (_, Some((7, _))) => Policy,
        // Our command is not understood: nothing that a mail could be blamed for.
        (500..=504, _) => Trouble,
        (552, None) if step == Step::Sender => Content,
        (_, _) if step == Step::Sender => Credentials,
        (_, Some((1, 1 | 3 | 10) | (2, 1))) | (551, _) => Gone,
        // Without an enhanced code: over quota at the recipient, too large at the end.
        (552, None) if step == Step::Recipient => Busy,
        (_, _) if step == Step::Recipient => Recipient,
        _ => Content,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::testing::word;

    /// CHANNELS 18.2 row by row, and what stands beside it in the RFCs and in the wild.
    const TABLE: &[(Step, u16, &str, &str, Reason)] = &[
        (Step::Connect, 421, "4.3.2 down", "transient", Reason::ServiceTrouble),
        (
            Step::Connect,
            554,
            "no SMTP service here",
            "transient",
            Reason::ServiceTrouble,
        ),
        (
            Step::Connect,
            554,
            "5.7.1 your address is blocked",
            "auth",
            Reason::Credentials,
        ),
        (
            Step::Login,
            454,
            "4.7.0 temporary authentication failure",
            "transient",
            Reason::ServiceTrouble,
        ),
        (Step::Login, 535, "5.7.8 bad credentials", "auth", Reason::Credentials),
        (Step::Login, 534, "5.7.9 too weak", "auth", Reason::Credentials),
        (Step::Login, 504, "5.5.4 mechanism", "auth", Reason::Credentials),
        (
            Step::Sender,
            530,
            "5.7.0 authentication required",
            "auth",
            Reason::Credentials,
        ),
        (
            Step::Sender,
            538,
            "5.7.11 encryption required",
            "auth",
            Reason::Credentials,
        ),
        (
            Step::Sender,
            451,
            "4.3.0 local error",
            "transient",
            Reason::ServiceTrouble,
        ),
        (Step::Sender, 452, "4.3.1 no space", "transient", Reason::ServiceTrouble),
        (
            Step::Sender,
            553,
            "5.7.1 not owned by user",
            "auth",
            Reason::Credentials,
        ),
        (Step::Sender, 550, "5.1.8 sender domain", "auth", Reason::Credentials),
        (Step::Sender, 552, "5.3.4 too big", "permanent", Reason::ContentRefused),
        (Step::Sender, 503, "5.5.1 sequence", "transient", Reason::ServiceTrouble),
        (
            Step::Recipient,
            421,
            "4.7.0 slow down",
            "transient",
            Reason::ServiceTrouble,
        ),
        (Step::Recipient, 450, "4.2.1 busy", "deferred", Reason::RecipientBusy),
        (
            Step::Recipient,
            450,
            "4.7.1 greylisted",
            "deferred",
            Reason::RecipientBusy,
        ),
        (
            Step::Recipient,
            451,
            "try again later",
            "deferred",
            Reason::RecipientBusy,
        ),
        (
            Step::Recipient,
            452,
            "4.2.2 over quota",
            "deferred",
            Reason::RecipientBusy,
        ),
        (
            Step::Recipient,
            452,
            "4.3.1 no space",
            "transient",
            Reason::ServiceTrouble,
        ),
        (
            Step::Recipient,
            550,
            "5.1.1 no such user",
            "gone",
            Reason::RecipientGone,
        ),
        (Step::Recipient, 551, "5.1.6 moved", "gone", Reason::RecipientGone),
        (
            Step::Recipient,
            551,
            "5.7.1 relaying denied",
            "deferred",
            Reason::RecipientBusy,
        ),
        (Step::Recipient, 553, "5.1.3 syntax", "gone", Reason::RecipientGone),
        (Step::Recipient, 556, "5.1.10 null MX", "gone", Reason::RecipientGone),
        (Step::Recipient, 550, "5.2.1 disabled", "gone", Reason::RecipientGone),
        (
            Step::Recipient,
            552,
            "5.2.2 mailbox full",
            "deferred",
            Reason::RecipientBusy,
        ),
        (Step::Recipient, 552, "mailbox full", "deferred", Reason::RecipientBusy),
        (
            Step::Recipient,
            550,
            "unknown or not allowed",
            "permanent",
            Reason::RecipientRefused,
        ),
        (
            Step::Recipient,
            550,
            "5.7.1 denied by policy",
            "deferred",
            Reason::RecipientBusy,
        ),
        (
            Step::Recipient,
            550,
            "5.7.26 unauthenticated",
            "deferred",
            Reason::RecipientBusy,
        ),
        (Step::Data, 451, "4.3.0 queue file", "transient", Reason::ServiceTrouble),
        (Step::Data, 554, "5.7.1 no", "deferred", Reason::RecipientBusy),
        (Step::End, 451, "4.7.1 greylisted", "deferred", Reason::RecipientBusy),
        (Step::End, 451, "local error", "transient", Reason::ServiceTrouble),
        (Step::End, 452, "4.3.1 no space", "transient", Reason::ServiceTrouble),
        (Step::End, 550, "5.1.1 no such user", "gone", Reason::RecipientGone),
        (Step::End, 552, "5.2.2 mailbox full", "deferred", Reason::RecipientBusy),
        (Step::End, 552, "5.3.4 too big", "permanent", Reason::ContentRefused),
        (
            Step::End,
            552,
            "too much mail data",
            "permanent",
            Reason::ContentRefused,
        ),
        (Step::End, 554, "5.6.0 bad content", "permanent", Reason::ContentRefused),
        (Step::End, 554, "5.7.509 DMARC", "deferred", Reason::RecipientBusy),
        (
            Step::End,
            550,
            "5.7.515 access denied",
            "deferred",
            Reason::RecipientBusy,
        ),
        (
            Step::End,
            554,
            "transaction failed",
            "permanent",
            Reason::ContentRefused,
        ),
    ];

    #[test]
    fn every_reply_at_every_step() {
        for (step, code, text, outcome, reason) in TABLE {
            let reply = Reply {
                code: *code,
                text: (*text).to_owned(),
            };
            let report = sort("mail.example", &Fault::Refused(*step, reply), 1, 1_000);
            assert_eq!(
                (word(&report.outcome), report.reason),
                (*outcome, *reason),
                "{step:?} {code} {text}"
            );
            assert!(
                report.text.starts_with("mail.example ") && report.text.contains(text),
                "{}",
                report.text
            );
        }
    }

    #[test]
    fn what_is_lost_after_the_end_is_unknown_and_before_it_certainly_not_taken() {
        for step in [
            Step::Connect,
            Step::Login,
            Step::Sender,
            Step::Recipient,
            Step::Data,
            Step::End,
        ] {
            let report = sort("mail.example", &Fault::Lost(step, "cut".to_owned()), 1, 0);
            let expected = if step == Step::End { "unknown" } else { "transient" };
            assert_eq!(word(&report.outcome), expected, "{step:?}");
        }
        assert_eq!(word(&sort("mail.example", &Fault::NoLogin, 1, 0).outcome), "auth");
    }

    #[test]
    fn a_busy_mailbox_is_asked_after_5_15_30_and_60_minutes() {
        let reply = Reply {
            code: 450,
            text: "4.7.1 greylisted".to_owned(),
        };
        let fault = Fault::Refused(Step::Recipient, reply);
        let waits = [0, 1, 2, 3, 4, 5, 99].map(|attempt| match sort("m", &fault, attempt, 1_000).outcome {
            Outcome::Deferred { until } => (until - 1_000) / MINUTE,
            other => panic!("{other:?}"),
        });
        assert_eq!(waits, [5, 5, 15, 30, 60, 60, 60]);
    }

    #[test]
    fn long_and_odd_words_are_cut() {
        let reply = Reply {
            code: 550,
            text: format!("\u{7}5.1.1 {}", "x".repeat(60_000)),
        };
        let report = sort("m", &Fault::Refused(Step::Recipient, reply), 1, 0);
        assert!(report.text.chars().count() <= 500 && !report.text.contains('\u{7}'));
    }
}
