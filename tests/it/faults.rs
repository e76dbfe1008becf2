//! Each counterpart in turn is stopped, hangs, answers with trouble, asks to wait, loses the answer after doing the work.
//! The others deliver meanwhile; afterwards it is there exactly once, or stands as unknown where nobody can know.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::support::app::Serve;
use super::support::receiver::now_ms;
use super::support::stage::{assert_same, files};
use super::support::{FaultProxy, Stage, eventually};

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
        let stage = Stage::start()?;
        let serve = stage.app.serve();
        let play = Self {
            stage,
            serve,
            faulty,
            count: 0,
        };
        let number = play.publish("Vorher: alle da");
        play.stage.all_delivered(number);
        Some(Self {
            count: if faulty == "sms" || faulty == "website" { 2 } else { 1 },
            ..play
        })
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
        for (channel, count) in [("website", 2), ("mastodon", 1), ("sms", 2), ("nachbarn", 1)] {
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
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let broadcast = eventually("status names the next try", || {
            let broadcast = self.broadcast(number);
            let text = broadcast["text"].as_str().unwrap();
            (text.contains("next try") && text.contains(words)).then_some(broadcast)
        });
        let (due, text) = (
            broadcast["next_due_ms"].as_i64().unwrap(),
            broadcast["text"].as_str().unwrap(),
        );
        let clock = Timestamp::from_millisecond(due)
            .unwrap()
            .to_zoned_datetime(berlin)
            .strftime("%H:%M:%S")
            .to_string();
        assert!(text.contains(&format!("{clock} (")), "no {clock}: {text}");
        // Targets of a website are told together.
        let id = match self.faulty {
            "website" => format!("b{}", broadcast["id"]),
            _ => self.open_delivery(&broadcast),
        };
        let told = eventually("explain names the next try", || {
            let told = self.stage.app.run(&["explain", &id]).ok().out;
            told.to_lowercase().contains("next try").then_some(told)
        });
        // A table wraps; words may be on two lines.
        let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(words), "no `{words}`: {told}");
    }

    /// The number of a delivery that has not arrived.
    fn open_delivery(&self, broadcast: &Value) -> String {
        let id = format!("b{}", broadcast["id"]);
        let answer = self.stage.app.json(&["explain", &id]);
        let Some(rows) = answer["deliveries"].as_array() else {
            return answer["delivery"]["id"].to_string();
        };
        let open = rows
            .iter()
            .find(|d| d["state"] != "delivered" && d["state"] != "accepted");
        open.unwrap_or_else(|| panic!("all delivered: {answer}"))["id"].to_string()
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

/// A time some seconds from now, a whole second, and the same in ms.
fn in_seconds(seconds: i64) -> (Timestamp, i64) {
    let at = Timestamp::from_second(now_ms() / 1_000 + 1 + seconds).unwrap();
    (at, at.as_millisecond())
}

/// Faults that HTTP services share: stopped is the caller's business, this one hangs and answers 503 with a page.
fn hangs_and_is_in_trouble(play: &Play, proxy: &FaultProxy, once: &dyn Fn(&str)) {
    proxy.mode("hang");
    let number = play.publish("Haengt");
    play.others_deliver(number);
    play.says_when(number, "nothing came within 2s");
    proxy.mode("pass");
    play.recovers(number);
    once("Haengt");

    proxy.answer(503, &[("Content-Type", "text/html")], PAGE);
    let number = play.publish("Wartung");
    play.others_deliver(number);
    play.says_when(number, "is in trouble (503): \"503 Wartung\"");
    proxy.mode("pass");
    play.recovers(number);
    once("Wartung");

    proxy.mode("lose-answer");
    let number = play.publish("Antwort verloren");
    play.others_deliver(number);
    play.says_when(number, "no answer");
    once("Antwort verloren");
    proxy.mode("pass");
    play.recovers(number);
    once("Antwort verloren");
}

#[test]
fn mastodon_fails_in_every_way() {
    let Some(play) = Play::begin("mastodon") else { return };
    let (stage, proxy) = (&play.stage, &play.stage.mastodon_proxy);
    let once = |words: &str| assert_eq!(stage.posts_about(words).len(), 1, "{words}: {:#?}", stage.posts());

    proxy.stop();
    stage.mastodon.stop();
    let number = play.publish("Mastodon steht");
    play.others_deliver(number);
    play.says_when(number, "no connection");
    stage.mastodon.start_again();
    proxy.start_again();
    play.recovers(number);
    once("Mastodon steht");

    hangs_and_is_in_trouble(&play, proxy, &once);

    // 429: no Retry-After, the reset as ISO 8601 with six digits. An hour is an hour; a person may still try now.
    let limit = |at: Timestamp| {
        let reset = at.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string();
        let headers = [
            ("X-RateLimit-Limit", "300"),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", &reset),
        ];
        proxy.answer(429, &headers, r#"{"error":"Too many requests"}"#);
    };
    let (at, at_ms) = in_seconds(3_600);
    limit(at);
    let number = play.publish("Eine Stunde warten");
    let waiting = play.others_deliver(number);
    assert_eq!(
        (&waiting["next_due_ms"], &waiting["counters"]["waiting"]),
        (&at_ms.into(), &1.into()),
        "{waiting}"
    );
    play.says_when(number, "asks to wait (429): \"Too many requests\"");
    proxy.mode("pass");
    play.recovers(number);
    once("Eine Stunde warten");

    // A few seconds: nothing is asked before, and then it goes by itself.
    let (at, at_ms) = in_seconds(4);
    limit(at);
    proxy.mode("http 429 x1");
    let before = proxy.log_lines().len();
    let number = play.publish("Sekunden warten");
    stage.app.wait_for("mastodon", number, "delivered", 1);
    assert_eq!(proxy.log_lines()[before..], ["http 429", "pass"]);
    let posts = stage.posts_about("Sekunden warten");
    let created: Timestamp = posts[0]["created_at"].as_str().unwrap().parse().unwrap();
    assert!(created.as_millisecond() >= at_ms, "{created} is before {at}");
    once("Sekunden warten");
    play.end();
}

#[test]
fn a_webhook_receiver_fails_in_every_way() {
    let Some(play) = Play::begin("nachbarn") else { return };
    let (stage, proxy) = (&play.stage, &play.stage.hook_proxy);
    // Repeats carry the same id: the receiver counts them as one.
    let once = |words: &str| {
        let hooks = stage.receiver.about(words);
        assert!(
            !hooks.is_empty() && hooks.iter().all(|h| h.verified && h.id == hooks[0].id),
            "{words}: {hooks:#?}"
        );
    };

    proxy.stop();
    let number = play.publish("Nachbar steht");
    play.others_deliver(number);
    play.says_when(number, "no connection");
    proxy.start_again();
    play.recovers(number);
    once("Nachbar steht");

    hangs_and_is_in_trouble(&play, proxy, &once);

    proxy.answer(429, &[("Retry-After", "3600")], "");
    let began = now_ms();
    let number = play.publish("Eine Stunde warten");
    let waiting = play.others_deliver(number);
    assert!(
        waiting["next_due_ms"].as_i64().unwrap() >= began + 3_600_000,
        "{waiting}"
    );
    play.says_when(number, "asks to wait (429)");
    proxy.mode("pass");
    play.recovers(number);
    once("Eine Stunde warten");

    // Seconds, then a date: nothing is asked before.
    let (at, at_ms) = in_seconds(4);
    let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    for (words, form, until) in [
        ("Sekunden warten", "3", now_ms() + 3_000),
        ("Bis zum Datum warten", &date, at_ms),
    ] {
        proxy.answer(429, &[("Retry-After", form)], "");
        proxy.mode("http 429 x1");
        let before = proxy.log_lines().len();
        let number = play.publish(words);
        stage.app.wait_for("nachbarn", number, "delivered", 1);
        assert_eq!(proxy.log_lines()[before..], ["http 429", "pass"]);
        let hooks = stage.receiver.about(words);
        assert!(hooks[0].at_ms >= until, "{} is before {until}", hooks[0].at_ms);
        once(words);
    }
    play.end();
}

#[test]
fn kannel_fails_in_every_way() {
    let Some(play) = Play::begin("sms") else { return };
    let (stage, proxy, app) = (&play.stage, &play.stage.kannel_proxy, &play.stage.app);
    let once = |words: &str| {
        let mut to: Vec<String> = stage.sms_about(words, 2).into_iter().map(|sms| sms.to).collect();
        to.sort();
        assert_eq!(to, ["+491713920001", "+491713920002"], "{words}: {:#?}", stage.sms());
    };
    // Nobody can know: it stands, people are told what to do, and nothing but a person sends it again.
    let stands_as_unknown = |number: u64, words: &str| {
        app.wait_for("sms", number, "unknown", 2);
        let requests = proxy.log_lines().len();
        app.run(&["channel", "retry", "sms"]).ok();
        let broadcast = play.others_deliver(number);
        let text = broadcast["text"].as_str().unwrap();
        let decide = format!("rundruf decide b{}", broadcast["id"]);
        assert!(
            text.contains("2 unknown") && text.contains(words) && text.contains(&decide),
            "{text}"
        );
        let told = app.run(&["explain", &play.open_delivery(&broadcast)]).ok().out;
        let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("Nobody knows") && flat.contains(words), "{told}");
        assert_eq!(proxy.log_lines().len(), requests, "something was sent again");
        format!("b{}", broadcast["id"])
    };

    proxy.stop();
    stage.kannel.stop();
    let number = play.publish("Kannel steht");
    play.others_deliver(number);
    play.says_when(number, "no connection");
    stage.kannel.start_again();
    proxy.start_again();
    play.recovers(number);
    once("Kannel steht");

    proxy.answer(503, &[("Content-Type", "text/html")], PAGE);
    let number = play.publish("Wartung");
    play.others_deliver(number);
    play.says_when(number, "is in trouble (503)");
    proxy.mode("pass");
    play.recovers(number);
    once("Wartung");

    // Hangs before anything reached it: a person decides to send again.
    proxy.mode("hang");
    let number = play.publish("Haengt");
    let id = stands_as_unknown(number, "nothing came within 2s");
    proxy.mode("pass");
    app.run(&["decide", &id, "again", "--yes"]).ok();
    app.wait_for("sms", number, "delivered", 2);
    once("Haengt");

    // Takes it, but the answer is lost: the receipt, late because the centre was away, says that it is there.
    stage.kannel.verb("cut", &[]);
    proxy.mode("lose-answer");
    let number = play.publish("Quittung kommt spaeter");
    stands_as_unknown(number, "no answer");
    proxy.mode("pass");
    stage.kannel.verb("join", &[&stage.kannel.port().to_string()]);
    app.wait_for("sms", number, "delivered", 2);
    once("Quittung kommt spaeter");

    // The same with a centre that stays away: somebody has seen it on a phone.
    stage.kannel.verb("cut", &[]);
    proxy.mode("lose-answer");
    let number = play.publish("Auf dem Telefon gesehen");
    let id = stands_as_unknown(number, "no answer");
    app.run(&["decide", &id, "there"]).ok();
    app.wait_for("sms", number, "delivered", 2);
    proxy.mode("pass");
    stage.kannel.verb("join", &[&stage.kannel.port().to_string()]);
    once("Auf dem Telefon gesehen");

    // A last one comes through, and none of the others came twice.
    let number = play.publish("Nachher");
    stage.all_delivered(number);
    once("Nachher");
    let all = [
        "Vorher",
        "Kannel steht",
        "Wartung",
        "Haengt",
        "Quittung kommt spaeter",
        "Auf dem Telefon gesehen",
    ];
    all.into_iter().for_each(once);
    play.end();
}

#[test]
fn an_sftp_server_fails_in_every_way() {
    let Some(play) = Play::begin("website") else { return };
    let (stage, proxy) = (&play.stage, &play.stage.sftp_proxy);
    let whole = || {
        let wanted = files(&stage.app.path().join("public"));
        assert!(wanted.len() > 20);
        let there = stage.sftp.dir().join("www/htdocs");
        assert_same(&wanted, &files(&there), &there);
    };
    // The others waited for the link, not longer than five seconds; the folder beside it has the notice all the while.
    let others_deliver = |number: u64| {
        let website = play.others_deliver(number);
        assert_eq!(website["counters"]["delivered"], 1, "{website}");
        for channel in ["mastodon", "sms", "nachbarn"] {
            // Not before is the promise here; how soon after is the bench's matter.
            let b = stage.app.broadcast(channel, number);
            let waited = b["first_done_ms"].as_i64().unwrap() - b["created_ms"].as_i64().unwrap();
            assert!(waited >= 5_000, "{channel} went after {waited} ms, without its link");
        }
    };

    proxy.stop();
    stage.sftp.stop();
    let number = play.publish("Server steht");
    others_deliver(number);
    play.says_when(number, "refused");
    stage.sftp.start_again();
    proxy.start_again();
    play.recovers(number);
    whole();

    for (mode, words) in [
        ("hang", "10s"),
        // In the middle of the upload, from either side.
        ("cut-request 9000", "sftp://"),
        ("cut-answer 5000", "sftp://"),
    ] {
        proxy.mode(mode);
        let number = play.publish(&format!("Server: {mode}"));
        others_deliver(number);
        play.says_when(number, words);
        proxy.mode("pass");
        proxy.cut();
        play.recovers(number);
        whole();
    }
    play.end();
}
