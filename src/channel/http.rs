//! What all kinds that speak HTTP share: turning settings into a client, and answers into outcomes by the table of CHANNELS 1.1.
//! A kind looks at its own special cases first and leaves the rest to [`sort`].

use std::time::Duration;

use super::{Abilities, Finding};
use crate::clock::Ms;
use crate::domain::outcome::{Outcome, Reason, Remote, Report};
use crate::net::{Answer, Failure, Http, Use, retry};
use crate::said;
use crate::settings::{ChannelSettings, Reader};

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

/// Reports at `key` that no client can be made.
pub fn no_tls(reader: &mut Reader<'_>, key: &str, error: &str) {
    reader.problem(
        key,
        said!("TLS ist nicht einsatzbereit: {error}.", "TLS is not ready: {error}."),
        said!(
            "Bitte installieren Sie die Zertifikate des Systems (ca-certificates).",
            "Install the system's certificates (ca-certificates)."
        ),
    );
}

/// The timeout of a channel.
pub fn timeout(channel: &ChannelSettings, abilities: &Abilities) -> Duration {
    channel.common.timeout.unwrap_or(abilities.timeout)
}

/// A report with its text bounded to 500 characters.
pub fn report(outcome: Outcome, reason: Reason, text: impl Into<String>) -> Report {
    let text: String = text.into();
    let text = if text.chars().count() > 500 {
        text.chars().take(499).chain(['…']).collect()
    } else {
        text
    };
    Report { outcome, reason, text }
}

/// All went well.
pub fn delivered(remote: Remote, text: impl Into<String>) -> Report {
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
    report(outcome, reason, format!("{who}: {failure}"))
}

/// An answer that claims success but is not what the service answers: nobody knows whether it took the message.
pub fn not_understood(who: &str, answer: &Answer) -> Report {
    let how = if answer.complete {
        "not as this service answers"
    } else {
        "broken off or too long"
    };
    report(
        Outcome::Unknown,
        Reason::BadAnswer,
        format!(
            "{who} answered {} but the answer is {how}{}",
            answer.status,
            said_by(answer)
        ),
    )
}

/// The outcome of an answer that is no success, by its status: CHANNELS 1.1. `now` is the start of the request.
pub fn sort(who: &str, answer: &Answer, now: Ms) -> Report {
    let status = answer.status;
    let words = said_by(answer);
    let answered = now.saturating_add(i64::try_from(answer.took.as_millis()).unwrap_or(0));
    let until = retry::when(&answer.headers, answered);
    match (status, until) {
        (429, Some(until)) => report(
            Outcome::Later { until },
            Reason::RateLimited,
            format!("{who} asks to wait (429){words}"),
        ),
        (503, Some(until)) => report(
            Outcome::Later { until },
            Reason::ServiceTrouble,
            format!("{who} asks to wait (503){words}"),
        ),
        (429 | 425, _) => report(
            Outcome::Transient,
            Reason::RateLimited,
            format!("{who} asks to wait ({status}) without saying how long{words}"),
        ),
        (408 | 500..=599, _) => report(
            Outcome::Transient,
            Reason::ServiceTrouble,
            format!("{who} is in trouble ({status}){words}"),
        ),
        (401 | 403 | 407, _) => report(
            Outcome::Auth,
            Reason::Credentials,
            format!("{who} refuses our credentials ({status}){words}"),
        ),
        (300..=399, _) => report(
            Outcome::Permanent,
            Reason::BadAnswer,
            format!(
                "{who} answers with a redirect ({status}), which is never followed: check the address in the configuration"
            ),
        ),
        (400..=499, _) => report(
            Outcome::Permanent,
            Reason::ContentRefused,
            format!("{who} refuses it ({status}){words}"),
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
pub fn well(de: String, en: String) -> Finding {
    Finding {
        ok: true,
        text: crate::text::said::Said { de, en },
    }
}

/// A line of `check` for a counterpart that does not answer as it should.
pub fn unwell(who: &str, report: &Report) -> Finding {
    // The report names the counterpart for lines that do not.
    let text = report
        .text
        .strip_prefix(who)
        .map_or(report.text.as_str(), |rest| rest.trim_start_matches(": "));
    let text = match report.reason {
        Reason::NotConnected => said!(
            "{who} ist nicht zu erreichen ({text}). Bitte prüfen Sie Adresse und Netz.",
            "{who} cannot be reached ({text}). Check the address and the network."
        ),
        Reason::Credentials => said!(
            "{who} nimmt die Zugangsdaten nicht an ({text}). Bitte tragen Sie gültige ein.",
            "{who} does not take the credentials ({text}). Enter valid ones."
        ),
        _ => said!(
            "{who} antwortet nicht wie erwartet ({text}).",
            "{who} does not answer as expected ({text})."
        ),
    };
    Finding { ok: false, text }
}
