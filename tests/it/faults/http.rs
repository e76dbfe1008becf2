//! Services that speak HTTP and have a handle: an account at Mastodon, a receiver of webhooks.

use jiff::Timestamp;

use super::{PAGE, Play, in_seconds};
use crate::support::FaultProxy;
use crate::support::receiver::now_ms;

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
