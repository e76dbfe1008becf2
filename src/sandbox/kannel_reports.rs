//! Kannel's delivery reports: one GET for every event, its address filled in as Kannel fills it in.

use std::time::Duration;

use url::Url;

use super::get::get_status;
use super::http::escape;
use super::provider::BookKeeper;
use crate::clock::SharedClock;

/// On the phone.
const DELIVERED: u8 = 1;
/// Given up.
const FAILED: u8 = 2;
/// The centre has it.
const ACCEPTED: u8 = 8;
/// The centre refused it.
const REJECTED: u8 = 16;

/// How long a phone takes.
const A_MOMENT: Duration = Duration::from_millis(150);
/// Between tries, as long as nobody takes the report; Kannel's `http-queue-delay`.
const AGAIN: Duration = Duration::from_millis(300);
/// Tries; Kannel gives up too.
const TRIES: u32 = 400;
/// Of one request.
const REQUEST: Duration = Duration::from_secs(5);

/// What happens to a message and how it is reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Plan {
    /// The centre takes it, the phone gets it.
    #[default]
    Deliver,
    /// The phone does not get it.
    Fail,
    /// The centre refuses it after Kannel's 202.
    Reject,
    /// Everything is reported twice.
    Twice,
    /// "Delivered" comes before "accepted".
    OutOfOrder,
    /// The report comes so much later.
    Late(Duration),
    /// No report ever.
    Silent,
}

/// A message whose reports are to come.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) id: String,
    pub(super) to: String,
    pub(super) from: String,
    pub(super) url: String,
    pub(super) mask: u8,
}

/// Reports a message as planned.
pub(super) async fn run(report: Report, plan: Plan, books: BookKeeper, clock: SharedClock) {
    let events: &[u8] = match plan {
        Plan::Deliver | Plan::Late(_) => &[ACCEPTED, DELIVERED],
        Plan::Fail => &[ACCEPTED, FAILED],
        Plan::Reject => &[REJECTED],
        Plan::Twice => &[ACCEPTED, ACCEPTED, DELIVERED, DELIVERED],
        Plan::OutOfOrder => &[DELIVERED, ACCEPTED],
        Plan::Silent => &[],
    };
    tokio::time::sleep(match plan {
        Plan::Late(by) => by,
        _ => A_MOMENT,
    })
    .await;
    for event in events {
        let told = books.open(|books| {
            let entry = books.entry_mut(&report.id)?;
            entry.reports.push(*event);
            Some(())
        });
        if told.is_none() || report.mask & event == 0 || report.url.is_empty() {
            continue;
        }
        let at_s = clock.now_ms() / 1000;
        let Ok(url) = Url::parse(&filled_in(&report, *event, at_s)) else {
            return;
        };
        for _ in 0..TRIES {
            let answer = tokio::time::timeout(REQUEST, get_status(&url)).await;
            if matches!(answer, Ok(Ok(200 | 202))) {
                break;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

/// The callback address with Kannel's escapes replaced.
fn filled_in(report: &Report, event: u8, at_s: i64) -> String {
    let mut out = String::with_capacity(report.url.len() + 100);
    let mut rest = report.url.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let kept = rest.clone();
        match rest.next() {
            Some('d') => out.push_str(&event.to_string()),
            Some('A') => out.push_str(&escape(&answer(report, event))),
            Some('F') => out.push_str(&escape(&report.id)),
            Some('I') => out.push_str(&escape(&report.id)),
            Some('T') => out.push_str(&at_s.to_string()),
            Some('i') => out.push_str("sandbox"),
            Some('p') => out.push_str(&escape(&report.from)),
            Some('P') => out.push_str(&escape(&report.to)),
            Some('n') => out.push_str(super::kannel::USER),
            Some('%') => out.push('%'),
            // Something else that is percent-encoded in the address itself.
            _ => {
                out.push('%');
                rest = kept;
            }
        }
    }
    out
}

/// The centre's own text, as over SMPP.
fn answer(report: &Report, event: u8) -> String {
    let stat = match event {
        DELIVERED => "DELIVRD",
        FAILED => "UNDELIV",
        REJECTED => return "NACK/11/Invalid Destination Address".into(),
        _ => return "ACK/".into(),
    };
    format!("id:{} sub:001 dlvrd:001 stat:{stat} err:000 text:", report.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_filled_in_and_encoding_is_left_alone() {
        let report = Report {
            id: "id-1".into(),
            to: "+491713920001".into(),
            from: "Rundruf".into(),
            url: "http://h/r?ref=a%20b&type=%d&reply=%A&fid=%F&ts=%T&in=%I&p=%P&%%&%q".into(),
            mask: 31,
        };
        assert_eq!(
            filled_in(&report, REJECTED, 7),
            "http://h/r?ref=a%20b&type=16&reply=NACK%2F11%2FInvalid%20Destination%20Address&fid=id-1&ts=7&in=id-1&p=%2B491713920001&%&%q"
        );
    }
}
