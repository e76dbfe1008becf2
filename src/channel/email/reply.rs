//! What a mail server's answer means (CHANNELS 18.2): by the step at which it came, its code and its enhanced code (RFC 3463).

use crate::channel::http::report;
use crate::clock::Ms;
use crate::domain::outcome::{Outcome, Reason, Report};
use crate::said;
use crate::text::said::Said;

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
    Lost(Step, Said),
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
        Fault::Lost(Step::End, Said { de, en }) => {
            let text = said!(
                "{who}: keine Antwort auf die fertige Mail ({de}); sie kann angenommen worden sein",
                "{who}: no answer to the finished mail ({en}); it may have been taken"
            );
            return report(Outcome::Unknown, Reason::NoAnswer, text);
        }
        Fault::Lost(Step::Connect, Said { de, en }) => {
            let text = said!("{who}: keine Verbindung: {de}", "{who}: no connection: {en}");
            return report(Outcome::Transient, Reason::NotConnected, text);
        }
        Fault::Lost(_, Said { de, en }) => {
            let text = said!(
                "{who}: Die Verbindung endete, bevor die Mail übergeben war: {de}",
                "{who}: the connection ended before the mail was handed over: {en}"
            );
            return report(Outcome::Transient, Reason::ServiceTrouble, text);
        }
        Fault::NoLogin => {
            let text = said!(
                "{who} bietet keine Anmeldung an, die wir kennen (PLAIN oder LOGIN)",
                "{who} offers no login that we know (PLAIN or LOGIN)"
            );
            return report(Outcome::Auth, Reason::Credentials, text);
        }
    };
    let later = |wait: Ms| Outcome::Deferred {
        until: now.saturating_add(wait),
    };
    let verdict = verdict(step, reply.code, status(&reply.text));
    let busy = BUSY[(attempt.max(1) as usize - 1).min(BUSY.len() - 1)];
    let (outcome, reason, says) = match verdict {
        Verdict::Trouble => (
            Outcome::Transient,
            Reason::ServiceTrouble,
            ["hat eine Störung", "is in trouble"],
        ),
        Verdict::Busy => (
            later(busy),
            Reason::RecipientBusy,
            [
                "nimmt für diese Adresse gerade nichts an",
                "takes nothing for this recipient now",
            ],
        ),
        Verdict::Policy => (
            later(POLICY),
            Reason::PolicyRefused,
            [
                "weist unsere Mail nach seinen Regeln ab; bitte SPF, DKIM und DMARC des Absenders und die Grenzen des Kontos prüfen",
                "refuses our mail by a policy; check SPF, DKIM and DMARC of the sender and the limits of the account",
            ],
        ),
        Verdict::Credentials if step == Step::Sender => (
            Outcome::Auth,
            Reason::Credentials,
            [
                "lässt uns mit diesem Absender nicht senden",
                "does not let us send as this sender",
            ],
        ),
        Verdict::Credentials => (
            Outcome::Auth,
            Reason::Credentials,
            ["lässt uns nicht hinein", "does not let us in"],
        ),
        Verdict::Gone => (
            Outcome::Gone,
            Reason::RecipientUnknown,
            [
                "sagt, dass es diese Adresse nicht gibt",
                "says that this address does not exist",
            ],
        ),
        Verdict::Recipient => (
            Outcome::Permanent,
            Reason::RecipientRefused,
            ["weist diese Adresse ab", "refuses this recipient"],
        ),
        Verdict::Content => (
            Outcome::Permanent,
            Reason::ContentRefused,
            ["weist diese Mail ab", "refuses this mail"],
        ),
    };
    let (code, words, [de, en]) = (reply.code, quoted(&reply.text), says);
    let text = said!("{who} {de} ({code}{words})", "{who} {en} ({code}{words})");
    report(outcome, reason, text)
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
mod tests;
