//! What all kinds that speak HTTP share: turning settings into a client, and answers into outcomes by the table of CHANNELS 1.1.
//! A kind looks at its own special cases first and leaves the rest to [`sort`].

mod echo;

use std::time::Duration;

pub use echo::without;

use super::{Abilities, Finding};
use crate::clock::Ms;
use crate::domain::outcome::{Outcome, Reason, Remote, Report};
use crate::net::{Answer, Failure, Http, Use, retry};
use crate::said;
use crate::settings::{ChannelSettings, Reader};
use crate::text::said::{Said, system};

/// The client of a channel: its own timeout and concurrency, else the kind's. Connections are kept only where a handle makes
/// it harmless to lose an answer. `None` with a problem where TLS is not ready.
pub fn client(
    reader: &mut Reader<'_>,
    channel: &ChannelSettings,
    abilities: &Abilities,
    private: bool,
) -> Option<Http> {
    let made = Http::new(Use {
        timeout: timeout(channel, abilities),
        concurrency: channel.common.concurrency.unwrap_or(abilities.concurrency),
        reuse: abilities.handle_for.is_some(),
        private,
    });
    if let Err(error) = &made {
        no_tls(reader, "kind", error);
    }
    made.ok()
}

/// Reports at `key` that no client can be made: TLS itself is not to be had. Certificates have no part in that, they are read when the first server
/// shows one ([`crate::net::trust`]).
pub fn no_tls(reader: &mut Reader<'_>, key: &str, why: &Said) {
    let Said { de, en } = why;
    reader.problem(
        key,
        said!("TLS ist nicht einsatzbereit: {de}.", "TLS is not ready: {en}."),
        said!(
            "An der Konfiguration liegt das nicht. Bitte installieren Sie rundruf neu; bleibt es dabei, melden Sie den Fall.",
            "The configuration is not at fault. Please install rundruf again; if that does not help, report it."
        ),
    );
}

/// The timeout of a channel.
pub fn timeout(channel: &ChannelSettings, abilities: &Abilities) -> Duration {
    channel.common.timeout.unwrap_or(abilities.timeout)
}

/// A report with its text bounded to 500 characters.
pub fn report(outcome: Outcome, reason: Reason, text: Said) -> Report {
    let text = text.map(|text| {
        if text.chars().count() > 500 {
            text.chars().take(499).chain(['…']).collect()
        } else {
            text.to_owned()
        }
    });
    Report { outcome, reason, text }
}

/// All went well.
pub fn delivered(remote: Remote, text: Said) -> Report {
    report(Outcome::Delivered(remote), Reason::Ok, text)
}

/// What a failure without an answer means. `who` names the counterpart, without credentials.
pub fn failed(who: &str, failure: &Failure) -> Report {
    let (outcome, reason) = match failure {
        Failure::NotConnected(_) => (Outcome::Transient, Reason::NotConnected),
        Failure::NoAnswer(_) => (Outcome::Unknown, Reason::NoAnswer),
        Failure::BadAnswer(_) => (Outcome::Unknown, Reason::BadAnswer),
        Failure::Forbidden(_) => (Outcome::Permanent, Reason::RecipientRefused),
    };
    report(outcome, reason, failure.said().map(|why| format!("{who}: {why}")))
}

/// Nothing can be signed or named without the installation's key.
pub fn no_key(error: &std::io::Error) -> Report {
    let Said { de, en } = system(error);
    report(
        Outcome::Transient,
        Reason::Local,
        said!(
            "die Schlüsseldatei lässt sich nicht lesen: {de}",
            "the key file cannot be read: {en}"
        ),
    )
}

/// An answer that claims success but is not what the service answers: nobody knows whether it took the message.
pub fn not_understood(who: &str, answer: &Answer) -> Report {
    let (status, words) = (answer.status, said_by(answer));
    let text = if answer.complete {
        said!(
            "{who} hat {status} geantwortet, aber nicht so, wie dieser Dienst antwortet{words}",
            "{who} answered {status} but the answer is not as this service answers{words}"
        )
    } else {
        said!(
            "{who} hat {status} geantwortet, aber die Antwort ist abgebrochen oder zu lang{words}",
            "{who} answered {status} but the answer is broken off or too long{words}"
        )
    };
    report(Outcome::Unknown, Reason::BadAnswer, text)
}

/// The outcome of an answer that is no success, by its status: CHANNELS 1.1. `now` is the start of the request.
pub fn sort(who: &str, answer: &Answer, now: Ms) -> Report {
    let status = answer.status;
    let words = said_by(answer);
    // Rounded up: "in five seconds" from a moment too early would be too early.
    let took = answer.took.as_nanos().div_ceil(1_000_000);
    let answered = now.saturating_add(i64::try_from(took).unwrap_or(0));
    let until = match status {
        429 | 503 => retry::when(&answer.headers, answer.json().as_ref(), answered),
        408 | 425 | 500..=599 => retry::asked(&answer.headers, answered),
        _ => None,
    };
    match (status, until) {
        (_, Some(until)) => report(
            Outcome::Later { until },
            if status == 429 {
                Reason::RateLimited
            } else {
                Reason::ServiceTrouble
            },
            said!(
                "{who} bittet zu warten ({status}){words}",
                "{who} asks to wait ({status}){words}"
            ),
        ),
        (429 | 425, _) => report(
            Outcome::Transient,
            Reason::RateLimited,
            said!(
                "{who} bittet zu warten ({status}), ohne zu sagen, wie lange{words}",
                "{who} asks to wait ({status}) without saying how long{words}"
            ),
        ),
        (408 | 500..=599, _) => report(
            Outcome::Transient,
            Reason::ServiceTrouble,
            said!(
                "{who} ist gestört ({status}){words}",
                "{who} is in trouble ({status}){words}"
            ),
        ),
        (401 | 403 | 407, _) => report(
            Outcome::Auth,
            Reason::Credentials,
            said!(
                "{who} nimmt unsere Zugangsdaten nicht an ({status}){words}",
                "{who} refuses our credentials ({status}){words}"
            ),
        ),
        (300..=399, _) => report(
            Outcome::Permanent,
            Reason::BadAnswer,
            said!(
                "{who} verweist an eine andere Adresse ({status}), und dem folgt Rundruf nie: bitte die Adresse in der Konfiguration prüfen",
                "{who} answers with a redirect ({status}), which is never followed: check the address in the configuration"
            ),
        ),
        (400..=499, _) => report(
            Outcome::Permanent,
            Reason::ContentRefused,
            said!(
                "{who} lehnt es ab ({status}){words}",
                "{who} refuses it ({status}){words}"
            ),
        ),
        _ => not_understood(who, answer),
    }
}

/// The service's own words, for the end of a sentence.
pub fn said_by(answer: &Answer) -> String {
    let json = answer.json();
    let field = |name: &str| {
        json.as_ref()
            .and_then(|j| j.get(name))
            .and_then(|v| v.as_str())
            .map(str::to_owned)
    };
    let words = field("error")
        .or_else(|| field("message"))
        .unwrap_or_else(|| answer.excerpt());
    let words: String = words.chars().filter(|c| !c.is_control()).take(160).collect();
    if words.is_empty() {
        String::new()
    } else {
        format!(": \"{words}\"")
    }
}

/// A line of `check` for something that is well.
pub fn well(text: Said) -> Finding {
    Finding { ok: true, text }
}

/// A line of `check` for a counterpart that does not answer as it should.
pub fn unwell(who: &str, report: &Report) -> Finding {
    // The report names the counterpart for lines that do not.
    let Said { de, en } = report.text.map(|text| {
        text.strip_prefix(who)
            .map_or(text, |rest| rest.trim_start_matches(": "))
            .trim()
            .to_owned()
    });
    let text = match report.reason {
        Reason::NotConnected => said!(
            "{who} ist nicht zu erreichen ({de}). Bitte prüfen Sie Adresse und Netz.",
            "{who} cannot be reached ({en}). Check the address and the network."
        ),
        Reason::Credentials => said!(
            "{who} nimmt die Zugangsdaten nicht an ({de}). Bitte tragen Sie gültige ein.",
            "{who} does not take the credentials ({en}). Enter valid ones."
        ),
        _ => said!(
            "{who} antwortet nicht wie erwartet ({de}).",
            "{who} does not answer as expected ({en})."
        ),
    };
    Finding { ok: false, text }
}
