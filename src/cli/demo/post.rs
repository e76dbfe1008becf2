//! What came of the mails, counted in the mail server's own books: who has the newest state, who never saw the one that was overtaken.

use std::collections::BTreeMap;

use serde_json::Value;

use super::people::INCIDENT;
use crate::sandbox::books::{Books, Entry};

/// The count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Post {
    /// People on the list.
    pub(super) people: usize,
    /// Mails they got, in all.
    pub(super) mails: usize,
    /// People whose last mail says the newest state.
    pub(super) newest: usize,
    /// People who never got the state that was overtaken.
    pub(super) never_stale: usize,
    /// People without the newest state.
    pub(super) lost: usize,
    /// Mails that said to somebody what a mail before had said already.
    pub(super) double: usize,
    /// Mails that went out with a state when a newer one was published already.
    pub(super) stale: usize,
    /// People who were to get the state that was overtaken: those served before it was.
    served: usize,
}

/// What to look for.
pub(super) struct Asked<'a> {
    /// Everybody on the list.
    pub(super) people: &'a [String],
    /// Number of the newest notice.
    pub(super) newest: usize,
    /// Number of the notice that was overtaken while its mails were going out.
    pub(super) overtaken: usize,
    /// Mails that were in the books when it was overtaken.
    pub(super) before: usize,
    /// People who had one of them.
    pub(super) served: usize,
}

impl Post {
    pub(super) fn count(books: &Books, asked: &Asked<'_>) -> Self {
        let mut got: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut stale = 0;
        for (n, entry) in books.entries.iter().enumerate() {
            if !asked.people.contains(&entry.to) {
                continue;
            }
            let says = newest_in(entry);
            let newest_then = if n < asked.before {
                asked.overtaken
            } else {
                asked.newest
            };
            stale += usize::from(says != newest_then);
            got.entry(&entry.to).or_default().push(says);
        }
        let mails = got.values().map(Vec::len).sum();
        let newest = got.values().filter(|says| says.last() == Some(&asked.newest)).count();
        let stale_seen = got.values().filter(|says| says.contains(&asked.overtaken)).count();
        let double = |says: &Vec<usize>| {
            let mut once = says.clone();
            once.sort_unstable();
            once.dedup();
            says.len() - once.len()
        };
        Self {
            people: asked.people.len(),
            mails,
            newest,
            never_stale: asked.people.len() - stale_seen,
            lost: asked.people.len() - newest,
            double: got.values().map(double).sum(),
            stale,
            served: asked.served,
        }
    }

    /// Everybody has the newest state, nobody twice, nobody an old one; and the overtaken one only those who were served before it was.
    pub(super) fn is_good(&self) -> bool {
        (self.lost, self.double, self.stale) == (0, 0, 0) && self.never_stale + self.served == self.people
    }

    /// For `--json`.
    pub(super) fn json(&self) -> Value {
        serde_json::json!({
            "people": self.people, "mails": self.mails, "newest": self.newest, "never_stale": self.never_stale,
            "lost": self.lost, "double": self.double, "stale": self.stale,
        })
    }
}

/// The newest notice a mail speaks of, by the links a reader would follow; 0: none.
fn newest_in(entry: &Entry) -> usize {
    let link = format!("/{INCIDENT}/");
    let numbers = entry
        .text
        .split(&link)
        .skip(1)
        .filter_map(|rest| rest.split('/').next()?.parse().ok());
    numbers.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The books after these mails: to whom, and the notices each speaks of.
    fn books(mails: &[(&str, &[usize])]) -> Books {
        let mut books = Books::default();
        for (to, notices) in mails {
            let text: Vec<String> = notices
                .iter()
                .map(|n| format!("http://x.example/potsdam/{INCIDENT}/{n}/"))
                .collect();
            books.entries.push(Entry::new(String::new(), to, text.join("\n"), 0));
        }
        books
    }

    fn count(mails: &[(&str, &[usize])]) -> Post {
        let people = ["a", "b"].map(str::to_owned);
        Post::count(
            &books(mails),
            &Asked {
                people: &people,
                newest: 6,
                overtaken: 3,
                before: 1,
                served: 1,
            },
        )
    }

    #[test]
    fn a_mail_says_the_newest_notice_it_links_to() {
        let good = count(&[("a", &[3]), ("probe", &[]), ("a", &[6]), ("b", &[6, 5, 4])]);
        assert!(good.is_good(), "{good:?}");
        assert_eq!((good.mails, good.newest, good.never_stale), (3, 2, 1));
    }

    #[test]
    fn lost_double_and_stale_are_found() {
        let lost = count(&[("a", &[3]), ("a", &[6])]);
        assert_eq!((lost.newest, lost.lost, lost.is_good()), (1, 1, false));
        let double = count(&[("a", &[3]), ("a", &[6]), ("b", &[6]), ("b", &[6, 5])]);
        assert_eq!((double.double, double.lost, double.is_good()), (1, 0, false));
        let stale = count(&[("a", &[3]), ("b", &[3]), ("a", &[6]), ("b", &[6])]);
        assert_eq!((stale.stale, stale.lost, stale.is_good()), (1, 0, false));
        let last = count(&[("a", &[3]), ("a", &[6]), ("b", &[6]), ("b", &[5])]);
        assert_eq!((last.lost, last.stale), (1, 1), "an older one behind the newest");
        let first = count(&[("a", &[2]), ("a", &[6]), ("b", &[6])]);
        assert_eq!((first.lost, first.stale), (0, 1), "an older one before the setback");
    }

    #[test]
    fn how_many_never_got_the_overtaken_state_is_part_of_the_verdict() {
        let nobody = count(&[("x", &[]), ("a", &[6]), ("b", &[6])]);
        assert_eq!((nobody.stale, nobody.never_stale, nobody.is_good()), (0, 2, false));
    }
}
