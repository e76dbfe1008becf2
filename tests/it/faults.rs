//! Each counterpart in turn is stopped, hangs, answers with trouble, asks to wait, loses the answer after doing the work.
//! The others deliver meanwhile; afterwards it is there exactly once, or stands as unknown where nobody can know.

mod http;
mod kannel;
mod targets;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::support::app::Serve;
use super::support::receiver::now_ms;
use super::support::{Stage, TestApp, eventually};

/// What a proxy shows when what is behind it is away.
const PAGE: &str = "<html><head><title>503</title></head><body><h1>Wartung</h1></body></html>";

/// A stage with its `serve`, and the channel that fails.
struct Play {
    stage: Stage,
    serve: Serve,
    faulty: &'static str,
    count: u64,
}

impl Play {
    /// One notice has gone everywhere, so that what happens only once (limits asked for, folders made) is over.
    fn begin(faulty: &'static str) -> Option<Self> {
        Some(Self::on(Stage::start()?, faulty))
    }

    fn on(stage: Stage, faulty: &'static str) -> Self {
        let count = match faulty {
            "sms" => 2,
            "website" => stage.targets(),
            _ => 1,
        };
        let serve = stage.app.serve();
        let play = Self {
            stage,
            serve,
            faulty,
            count,
        };
        let number = play.publish("Vorher: alle da");
        play.stage.all_delivered(number);
        play
    }

    fn publish(&self, headline: &str) -> u64 {
        let notice = format!(
            "headline = \"{headline}\"\nshort = \"{headline}.\"\nsummary = \"Bitte rufen Sie vor einem Besuch an.\"\ncontact.zentrale.phone = \"115\"\n"
        );
        self.stage.app.publish(&notice, &[])["number"].as_u64().unwrap()
    }

    fn broadcast(&self, number: u64) -> Value {
        self.stage.app.broadcast(self.faulty, number)
    }

    /// The other channels have delivered it, and then the faulty one still has not. The broadcast as it stands.
    fn others_deliver(&self, number: u64) -> Value {
        for (channel, count) in [
            ("website", self.stage.targets()),
            ("mastodon", 1),
            ("sms", 2),
            ("nachbarn", 1),
        ] {
            if channel != self.faulty {
                self.stage.app.wait_for(channel, number, "delivered", count);
            }
        }
        let broadcast = self.broadcast(number);
        let delivered = broadcast["counters"]["delivered"].as_u64().unwrap();
        assert!(delivered < self.count, "{} was not stopped: {broadcast}", self.faulty);
        broadcast
    }

    /// `status` and `explain` say what happened (`words`) and when the next try is, as clock time.
    fn says_when(&self, number: u64, words: &str) {
        says_when(&self.stage.app, self.faulty, number, words);
    }

    /// The number of a delivery that has not arrived.
    fn open_delivery(&self, broadcast: &Value) -> String {
        open_delivery(&self.stage.app, broadcast)
    }

    /// The counterpart is well again: asked to try now, the channel delivers.
    fn recovers(&self, number: u64) {
        eventually("it arrives after all", || {
            self.stage.app.run(&["channel", "retry", self.faulty]).ok();
            (self.broadcast(number)["counters"]["delivered"] == self.count).then_some(())
        });
        assert_eq!(self.broadcast(number)["light"], "done");
    }

    /// SIGTERM ends it in order, with nothing under way.
    fn end(self) {
        assert_eq!(self.serve.stop(), 0);
    }
}

/// A moment as people in Potsdam read it.
fn clock(at_ms: i64) -> String {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let at = Timestamp::from_millisecond(at_ms).unwrap().to_zoned_datetime(berlin);
    at.strftime("%H:%M:%S").to_string()
}

/// `status` and `explain` say what happened (`words`) and when the next try is, as clock time.
fn says_when(app: &TestApp, channel: &str, number: u64, words: &str) {
    let broadcast = eventually("status names the next try", || {
        let broadcast = app.broadcast(channel, number);
        let text = broadcast["text"].as_str().unwrap();
        // One whose time has come is told as "due now" until it is tried.
        let at = clock(broadcast["next_due_ms"].as_i64()?);
        (text.contains(&format!("next try {at} (")) && text.contains(words)).then_some(broadcast)
    });
    // Targets of a website are told together.
    let id = match channel {
        "website" => format!("b{}", broadcast["id"]),
        _ => open_delivery(app, &broadcast),
    };
    // A try may come between two looks: then the next one is told a moment later.
    let told = eventually("explain names the next try as clock time", || {
        let due = next_try(&app.json(&["explain", &id]))?;
        let told = app.run(&["explain", &id]).ok().out;
        // A table wraps; words may be on two lines.
        let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
        let at = clock(due);
        let named = [format!("Next try: {at}"), format!("next try {at} (")];
        named.iter().any(|words| flat.contains(words)).then_some(flat)
    });
    assert!(told.contains(words), "no `{words}`: {told}");
}

/// When the next try is, as `explain --json` has it: of a delivery, or of the first target that is behind.
fn next_try(story: &Value) -> Option<i64> {
    let Some(targets) = story["targets"].as_array() else {
        let pause = story["lane"]["health"]["blocked_until_ms"].as_i64().unwrap_or(0);
        return Some(story["delivery"]["due_ms"].as_i64()?.max(pause));
    };
    let behind = targets.iter().find(|t| t["done"].as_i64() < t["wanted"].as_i64());
    behind?["due_ms"].as_i64()
}

/// The number of a delivery that has not arrived.
fn open_delivery(app: &TestApp, broadcast: &Value) -> String {
    let id = format!("b{}", broadcast["id"]);
    let answer = app.json(&["explain", &id]);
    let Some(rows) = answer["deliveries"].as_array() else {
        return answer["delivery"]["id"].to_string();
    };
    let open = rows
        .iter()
        .find(|d| d["state"] != "delivered" && d["state"] != "accepted");
    open.unwrap_or_else(|| panic!("all delivered: {answer}"))["id"].to_string()
}

/// A time some seconds from now, a whole second, and the same in ms.
fn in_seconds(seconds: i64) -> (Timestamp, i64) {
    let at = Timestamp::from_second(now_ms() / 1_000 + 1 + seconds).unwrap();
    (at, at.as_millisecond())
}
