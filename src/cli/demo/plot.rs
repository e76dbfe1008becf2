//! What happens, day by day. Every step waits for what it is about; only the pauses for readers are pauses.

use std::cell::Cell;
use std::time::Duration;

use super::board::{self, Expected, Tally};
use super::people::{self, CANARY, OVERTAKEN, PEOPLE, PRESS, SERVED};
use super::post::{Asked, Post};
use super::stage::Stage;
use super::words::Words;
use crate::cli::progress::Progress;
use crate::sandbox::Sandbox;
use crate::sandbox::books::Books;
use crate::sandbox::kannel::Plan;

/// Until what is expected has arrived. The lanes wait up to 15 s between early tries.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks at something that tells nobody when it changes.
const LOOK: Duration = Duration::from_millis(100);

/// How fast it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Somebody reads.
    Reader,
    /// A script waits for the end.
    Script,
}

impl Pace {
    /// So many mails go out at first.
    pub(super) fn rate(self) -> &'static str {
        match self {
            Self::Reader => "30/s",
            Self::Script => "100/s",
        }
    }

    fn pause(self, seconds: u64) -> Duration {
        match self {
            Self::Reader => Duration::from_secs(seconds),
            Self::Script => Duration::ZERO,
        }
    }
}

/// The play.
pub(super) struct Plot<'a> {
    pub(super) words: &'a Words,
    pub(super) sandbox: &'a Sandbox,
    pub(super) stage: &'a mut Stage,
    pub(super) pace: Pace,
}

impl Plot<'_> {
    /// Plays it; true where nothing was lost, double or stale, and board and books agree.
    pub(super) async fn play(mut self) -> anyhow::Result<bool> {
        self.read(9).await;
        self.words.day_of_caution();
        self.sandbox.mail.stop().await;
        self.day("2023-01-09T10:05:00+01:00").await?;
        self.publish_everywhere(1).await?;
        self.words.mail_waits(1);
        self.read(5).await;

        self.words.day_of_hope();
        self.sandbox.mail.start_again().await?;
        self.day("2023-01-16T15:05:00+01:00").await?;
        self.publish_everywhere(2).await?;
        self.probe_proposes().await?;
        self.words.city_waits();
        self.read(6).await;

        self.first_wave().await?;
        let before = self.setback().await?;
        self.killed().await?;

        self.words.day_of_answers();
        self.day("2023-01-31T12:05:00+01:00").await?;
        self.publish_everywhere(5).await?;
        self.words.mail_waits(2);
        self.read(5).await;

        self.mail_is_back().await?;
        self.verdict(before).await
    }

    /// 24 January: more is back, Mastodon fails, the mails go.
    async fn first_wave(&mut self) -> anyhow::Result<()> {
        self.words.day_of_the_wave();
        self.day("2023-01-24T18:00:00+01:00").await?;
        self.sandbox.mastodon.stop().await;
        self.words.mastodon_away();
        self.read(3).await;
        self.stage.publish(3).await?;
        self.others_arrived(3).await?;
        self.words.everywhere_but_mastodon(3, PRESS.len());
        self.words
            .mastodon_waits(self.stage.status().await?.next_try("mastodon"));
        self.read(4).await;
        self.probe_proposes().await?;
        self.words.released();
        self.read(3).await;
        self.sandbox.mail.fail_after(SERVED, CANARY);
        self.stage.release_mail().await?;
        self.mails(0, SERVED).await
    }

    /// Later that day: mail fails, the lane holds itself, the page turns. How many mails were in the books then.
    async fn setback(&mut self) -> anyhow::Result<usize> {
        self.words.setback();
        let held = async {
            loop {
                let lane = self.stage.mail_lane().await?;
                // The gate remembers by whom; the probe may have gone on by then and found something else.
                let by_itself = lane["gate_cause"] == "itself" || lane["gate_cause"] == "probe";
                if lane["gate"] == "held" && by_itself {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        self.patient("E-Mail", held).await??;
        self.words.held_itself();
        self.read(5).await;
        let before = self.sandbox.mail.books().entries.len();
        // In the middle means here: the gateway has every SMS and has reported none, the webhook's receiver has nothing. An SMS that
        // was started and never left would stand as unknown and wait for a person, rightly; that is not what this act is about.
        self.sandbox.webhook.stop().await;
        self.sandbox.kannel.service().plan(Plan::Held);
        self.stage.publish(4).await?;
        let turned = async {
            while self.stage.page_state().await.as_deref() != Some("rolled-back") {
                tokio::time::sleep(LOOK).await;
            }
        };
        self.patient("Website", turned).await?;
        let on_phones = 4 * PRESS.len();
        let taken = self.sandbox.kannel.until(|books| books.accepted() >= on_phones);
        self.patient("SMS", taken).await?;
        self.words.page_has_turned();
        self.read(5).await;
        Ok(before)
    }

    /// In mid-sending: `kill -9`, and everything goes on where it was.
    async fn killed(&mut self) -> anyhow::Result<()> {
        self.stage.kill().await?;
        self.words.killed();
        self.read(5).await;
        self.sandbox.mastodon.start_again().await?;
        self.sandbox.webhook.start_again().await?;
        self.sandbox.kannel.service().plan(Plan::Deliver);
        self.words.mastodon_back();
        self.read(3).await;
        self.day("2023-01-24T18:20:00+01:00").await?;
        self.words.serving_again();
        self.others_arrived(4).await?;
        self.mastodon_arrived(4).await?;
        self.words.mastodon_has_the_newest();
        self.words.everywhere(4, PRESS.len());
        let lane = self.stage.mail_lane().await?;
        let sent = in_mailboxes(&self.sandbox.mail.books());
        anyhow::ensure!(
            lane["gate"] == "held" && sent == SERVED,
            "the held e-mail channel went on: {sent} mails\n{}",
            self.stage.last_words()
        );
        self.words.still_held();
        self.read(6).await;
        Ok(())
    }

    /// A week later.
    async fn mail_is_back(&mut self) -> anyhow::Result<()> {
        self.words.day_of_return();
        self.sandbox.mail.heal();
        self.day("2023-02-07T10:05:00+01:00").await?;
        self.publish_everywhere(6).await?;
        self.probe_proposes().await?;
        self.words.released_again();
        self.read(3).await;
        self.stage.release_mail().await?;
        self.mails(SERVED, SERVED + PEOPLE).await?;
        self.words.mails_are_out();
        self.settled(None).await
    }

    async fn verdict(&self, before: usize) -> anyhow::Result<bool> {
        let notices = people::notice_count();
        let boxes = people::mailboxes();
        let asked = Asked {
            people: &boxes,
            newest: notices,
            overtaken: OVERTAKEN,
            before,
            served: SERVED,
        };
        let post = Post::count(&self.sandbox.mail.books(), &asked);
        let expected = Expected {
            notices,
            posts: people::posts(notices),
            on_the_page: self.patient("Website", self.stage.on_the_page(notices)).await??,
            press: PRESS.len(),
            mails: SERVED + PEOPLE,
        };
        let tallies = board::compare(&self.stage.status().await?, self.sandbox, &expected, &post);
        let good = tallies.iter().all(Tally::is_good) && post.is_good();
        self.words.table(&tallies, &post, good);
        self.words.verdict(&tallies, &post, good);
        Ok(good)
    }

    /// Time to read.
    async fn read(&self, seconds: u64) {
        tokio::time::sleep(self.pace.pause(seconds)).await;
    }

    /// The next day, once all that can be done on this one is done.
    async fn day(&mut self, now: &str) -> anyhow::Result<()> {
        if self.stage.is_serving() {
            self.settled(Some("email")).await?;
        }
        self.stage.day(now).await
    }

    async fn publish_everywhere(&self, number: usize) -> anyhow::Result<()> {
        self.stage.publish(number).await?;
        self.others_arrived(number).await?;
        self.mastodon_arrived(number).await?;
        self.words.everywhere(number, PRESS.len());
        Ok(())
    }

    /// Mastodon has what it is to have of the first `notices` notices.
    async fn mastodon_arrived(&self, notices: usize) -> anyhow::Result<()> {
        let toots = self
            .sandbox
            .mastodon
            .until(|books| books.accepted() >= people::posts(notices));
        self.patient("Mastodon", toots).await.map(|_| ())
    }

    /// The page and the webhook's receiver have the first `notices` notices, and every phone has its SMS.
    async fn others_arrived(&self, notices: usize) -> anyhow::Result<()> {
        let on_phones = notices * PRESS.len();
        let phones = self.sandbox.kannel.until(|books| {
            let delivered = books.entries.iter().filter(|e| e.reports.contains(&1));
            delivered.count() >= on_phones
        });
        let calls = self.sandbox.webhook.until(|books| books.accepted() >= notices);
        let page = async {
            while self.stage.on_the_page(notices).await? < notices {
                tokio::time::sleep(LOOK).await;
            }
            anyhow::Ok(())
        };
        self.patient("Website", page).await??;
        self.patient("SMS", phones).await?;
        self.patient("Webhook", calls).await?;
        Ok(())
    }

    /// The probe has found today that mail works.
    async fn probe_proposes(&self) -> anyhow::Result<()> {
        let proposed = async {
            loop {
                let lane = self.stage.mail_lane().await?;
                if lane["probe"]["proposes"] == true && self.stage.is_of_today(lane["probe"]["at_ms"].as_i64()) {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        self.patient("E-Mail", proposed).await?
    }

    /// Waits until so many mails have arrived, and counts aloud.
    async fn mails(&self, from: usize, upto: usize) -> anyhow::Result<()> {
        let bar = Progress::counting(self.words.mails(), PEOPLE);
        let shown = Cell::new(from);
        let out = self.sandbox.mail.until(|books| {
            let sent = in_mailboxes(books);
            for _ in shown.get()..sent {
                bar.step();
            }
            shown.set(sent.max(shown.get()));
            sent >= upto
        });
        let came = tokio::time::timeout(PATIENCE, out).await;
        drop(bar);
        came.map_err(|_| self.missing("E-Mail")).map(|_| ())
    }

    /// Until our board knows what the services know: the last delivery reports are on their way. What waits on a held channel may wait.
    async fn settled(&self, held: Option<&str>) -> anyhow::Result<()> {
        let quiet = async {
            while !self.stage.status().await?.is_settled(held) {
                tokio::time::sleep(LOOK).await;
            }
            anyhow::Ok(())
        };
        self.patient("Status", quiet).await?
    }

    async fn patient<T>(&self, name: &str, what: impl Future<Output = T>) -> anyhow::Result<T> {
        let waiting = Progress::turning("");
        let came = tokio::time::timeout(PATIENCE, what).await;
        drop(waiting);
        came.map_err(|_| self.missing(name))
    }

    fn missing(&self, name: &str) -> anyhow::Error {
        let (seconds, last) = (PATIENCE.as_secs(), self.stage.last_words());
        anyhow::anyhow!("{name}: not everything arrived within {seconds} s\n{last}")
    }
}

/// Mails to people: all but the probe's.
fn in_mailboxes(books: &Books) -> usize {
    books.entries.iter().filter(|entry| entry.to != CANARY).count()
}
