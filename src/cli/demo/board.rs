//! Our board against the services' own books.

use serde_json::Value;

use super::post::Post;
use crate::sandbox::Sandbox;
use crate::sandbox::books::Books;

/// `status --json`, as far as the demo needs it.
#[derive(Debug, Clone, Default)]
pub(super) struct Status {
    broadcasts: Vec<Value>,
}

impl Status {
    /// Takes every broadcast row it finds, however they are grouped: an object with a channel and counters.
    pub(super) fn read(json: &Value) -> Self {
        let mut status = Self::default();
        status.collect(json);
        status
    }

    fn collect(&mut self, json: &Value) {
        match json {
            Value::Object(row) if row.contains_key("channel") && row.contains_key("counters") => {
                self.broadcasts.push(json.clone());
            }
            Value::Object(fields) => fields.values().for_each(|v| self.collect(v)),
            Value::Array(rows) => rows.iter().for_each(|v| self.collect(v)),
            _ => {}
        }
    }

    /// When this channel tries again, in milliseconds since the epoch.
    pub(super) fn next_try(&self, channel: &str) -> Option<i64> {
        self.of(channel).filter_map(|row| row["next_due_ms"].as_i64()).min()
    }

    /// Nothing waits, runs or is unknown; what waits on the channel `held` may wait.
    pub(super) fn is_settled(&self, held: Option<&str>) -> bool {
        let all = |state: &str, but: Option<&str>| {
            let mut rows = self.broadcasts.iter().filter(|row| row["channel"].as_str() != but);
            rows.all(|row| count(row, state) == 0)
        };
        !self.broadcasts.is_empty()
            && all("waiting", held)
            && ["started", "accepted", "unknown"].iter().all(|state| all(state, None))
    }

    fn sum(&self, channel: &str, state: &str) -> u64 {
        self.of(channel).map(|row| count(row, state)).sum()
    }

    fn of(&self, channel: &str) -> impl Iterator<Item = &Value> {
        self.broadcasts.iter().filter(move |row| row["channel"] == *channel)
    }
}

fn count(row: &Value, state: &str) -> u64 {
    row["counters"][state].as_u64().unwrap_or(0)
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tally {
    /// Channel.
    pub(super) channel: &'static str,
    /// What should be there.
    pub(super) expected: u64,
    /// Delivered, as our board says.
    pub(super) board: u64,
    /// Unknown, as our board says.
    pub(super) unknown: u64,
    /// What the service has.
    pub(super) books: u64,
    /// What somebody got more than once.
    pub(super) double: u64,
}

impl Tally {
    /// What should be there and is not.
    pub(super) fn lost(&self) -> u64 {
        self.expected.saturating_sub(self.books.saturating_sub(self.double))
    }

    /// For `--json`.
    pub(super) fn json(&self) -> Value {
        serde_json::json!({
            "channel": self.channel, "expected": self.expected, "board": self.board, "service": self.books,
            "lost": self.lost(), "double": self.double, "unknown": self.unknown,
        })
    }

    /// Nothing lost, nothing double, and our board says what the service says.
    pub(super) fn is_good(&self) -> bool {
        let agree = self.board == self.expected && self.books == self.expected;
        agree && self.lost() == 0 && self.double == 0 && self.unknown == 0
    }
}

/// What should have arrived.
pub(super) struct Expected {
    /// Notices published.
    pub(super) notices: usize,
    /// Of them, those that Mastodon gets: one is taken back while it is away.
    pub(super) posts: usize,
    /// Of them, those that can be read on the page.
    pub(super) on_the_page: usize,
    /// People of the press list.
    pub(super) press: usize,
    /// Mails: who had one before mail failed, and then everybody.
    pub(super) mails: usize,
}

/// A line for the page and one for every service.
pub(super) fn compare(status: &Status, sandbox: &Sandbox, expected: &Expected, post: &Post) -> Vec<Tally> {
    let notices = expected.notices;
    let service =
        |channel, expected, books: &Books| tally(status, channel, expected, books.accepted(), books.doubles());
    vec![
        // A page is there or not; it cannot be there twice.
        tally(status, "website", notices, expected.on_the_page, 0),
        service("mastodon", expected.posts, &sandbox.mastodon.books()),
        service("sms", notices * expected.press, &sandbox.kannel.books()),
        tally(status, "email", expected.mails, post.mails, post.double),
        service("webhook", notices, &sandbox.webhook.books()),
    ]
}

fn tally(status: &Status, channel: &'static str, expected: usize, books: usize, double: usize) -> Tally {
    let as_count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    Tally {
        channel,
        expected: as_count(expected),
        board: status.sum(channel, "delivered"),
        unknown: status.sum(channel, "unknown"),
        books: as_count(books),
        double: as_count(double),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_found_wherever_they_stand() {
        let row = |channel: &str, delivered: u64, waiting: u64| json!({ "channel": channel, "next_due_ms": 5, "counters": { "delivered": delivered, "waiting": waiting } });
        let status = Status::read(&json!({
            "incidents": [{ "broadcasts": [row("sms", 3, 0), row("sms", 2, 1)] }],
        }));
        assert_eq!(status.sum("sms", "delivered"), 5);
        assert_eq!(status.next_try("sms"), Some(5));
        assert_eq!(status.next_try("mastodon"), None);
        assert!(!status.is_settled(None) && !status.is_settled(Some("email")));
        assert!(status.is_settled(Some("sms")), "held, it may wait");
        assert!(Status::read(&json!([row("sms", 3, 0)])).is_settled(None));
        assert!(!Status::read(&json!([])).is_settled(None));
    }

    #[test]
    fn lost_double_and_unknown_are_not_good() {
        let good = Tally {
            channel: "sms",
            expected: 9,
            board: 9,
            unknown: 0,
            books: 9,
            double: 0,
        };
        assert!(good.is_good());
        let hidden = Tally {
            books: 9,
            double: 1,
            ..good.clone()
        };
        assert_eq!(hidden.lost(), 1, "a double hides a lost one");
        for bad in [
            hidden,
            Tally {
                books: 8,
                ..good.clone()
            },
            Tally {
                board: 8,
                ..good.clone()
            },
            Tally {
                books: 10,
                ..good.clone()
            },
            Tally { unknown: 1, ..good },
        ] {
            assert!(!bad.is_good(), "{bad:?}");
        }
    }
}
