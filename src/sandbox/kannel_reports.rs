//! Kannel's delivery reports: one GET for every event, its address filled in as Kannel fills it in.

use url::Url;

use super::ask::Request;
use super::http::escape;
use super::reports::Event;

/// A message whose reports are to come.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) id: String,
    pub(super) to: String,
    pub(super) from: String,
    pub(super) url: String,
    pub(super) mask: u8,
}

impl Report {
    /// The GET of an event that the mask asks for.
    pub(super) fn request(&self, event: Event, at_s: i64) -> Option<Request> {
        if self.mask & event as u8 == 0 || self.url.is_empty() {
            return None;
        }
        let url = Url::parse(&filled_in(self, event, at_s)).ok()?;
        Some(Request::get(url, "Kannel/1.4.5"))
    }
}

/// The callback address with Kannel's escapes replaced.
fn filled_in(report: &Report, event: Event, at_s: i64) -> String {
    let mut out = String::with_capacity(report.url.len() + 100);
    let mut rest = report.url.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let kept = rest.clone();
        match rest.next() {
            Some('d') => out.push_str(&(event as u8).to_string()),
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
fn answer(report: &Report, event: Event) -> String {
    let stat = match event {
        Event::Delivered => "DELIVRD",
        Event::Failed => "UNDELIV",
        Event::Rejected => return "NACK/11/Invalid Destination Address".into(),
        Event::Accepted => return "ACK/".into(),
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
            filled_in(&report, Event::Rejected, 7),
            "http://h/r?ref=a%20b&type=16&reply=NACK%2F11%2FInvalid%20Destination%20Address&fid=id-1&ts=7&in=id-1&p=%2B491713920001&%&%q"
        );
    }
}
