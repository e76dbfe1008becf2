//! `seven` and `sms_http` against gateways with rules of their own: what is written here arrives on the phone, reports come home by every way,
//! and what only a person can mend pauses the lane.

use rundruf::sandbox::fault::Fault;
use rundruf::sandbox::{Plan, Sandbox, seven, vonage};

use super::support::counterparts::{Stage, sms};
use super::support::eventually;

const PUBLISHER: &str = "[publisher.potsdam]\nname = \"Landeshauptstadt Potsdam\"\nlanguages = [\"de\"]\ntimezone = \"Europe/Berlin\"\nphone = \"115\"\n";
const NOTICE: &str =
    "incident = \"ausfall\"\nheadline = \"Die IT ist abgeschaltet\"\nsummary = \"Bitte rufen Sie an: „115“.\"\n";
const AUDIENCE: &str = "audience = { file = \"presse.csv\" }\n";

fn by_seven(sandbox: &Sandbox, name: &str, more: &str) -> String {
    let (url, key, signing) = (sandbox.seven.url(), seven::KEY, seven::SIGNING);
    format!(
        "[channel.{name}]\nkind = \"seven\"\nurl = \"{url}\"\napi_key = \"{key}\"\nsigning_secret = \"{signing}\"\nfrom = \"Potsdam\"\ntimeout = \"2s\"\n{more}\n"
    )
}

/// Vonage as a configuration describes it (CHANNELS 17.2).
fn by_vonage(sandbox: &Sandbox, callback: &str) -> String {
    let (url, key, secret) = (sandbox.vonage.url(), vonage::KEY, vonage::SECRET);
    format!(
        "[channel.sms]\nkind = \"sms_http\"\nurl = \"{url}/sms/json\"\nsecret = \"{secret}\"\nfrom = \"Potsdam\"\n{AUDIENCE}\
         body = \"api_key={key}&api_secret={{secret}}&from={{from}}&to={{digits}}&text={{text}}&client-ref={{ref}}&type={{encoding}}{callback}\"\n\
         encoding = {{ gsm7 = \"text\", ucs2 = \"unicode\" }}\n\
         accept = {{ field = \"messages.0.status\", is = [\"0\"], refused = [\"3\", \"6\", \"7\"], again = [\"1\", \"5\", \"10\"], stop = [\"4\", \"8\", \"9\", \"11\", \"14\", \"15\"], id = \"messages.0.message-id\" }}\n\
         receipts = {{ ref = \"client-ref\", status = \"status\", delivered = [\"delivered\"], rejected = [\"failed\", \"rejected\"], expired = [\"expired\"] }}\n"
    )
}

fn stage(channels: impl Fn(&Sandbox) -> String) -> Stage {
    let stage = Stage::new(PUBLISHER, channels);
    stage.app.write("presse.csv", "address\n+491713920001\n+491713920002\n");
    let reports = format!("{}/receipts/sms", stage.app.url());
    stage.sandbox.seven.service().report_to(&reports);
    stage
}

#[test]
fn seven_brings_it_to_the_phone_and_its_signed_reports_come_home() {
    let stage = stage(|sandbox| by_seven(sandbox, "sms", AUDIENCE));
    let _serve = stage.app.serve();
    let number = stage.app.publish(NOTICE, &[])["number"].as_u64().unwrap();
    stage.app.wait_for("sms", number, "delivered", 2);
    let books = stage.sandbox.seven.books();
    assert_eq!((books.accepted(), books.doubles(), books.refused), (2, 0, 0));
    assert!(books.entries[0].text.contains("\"115\"") && books.entries[0].encoding == Some("gsm7"));
    // A signature of somebody else is refused, and said to be.
    let reply = super::support::http::send(stage.app.port, "POST", "/receipts/sms", &[], b"{}").unwrap();
    assert_eq!(reply.status, 403);
    assert!(
        stage.app.log().contains("delivery reports refused"),
        "{}",
        stage.app.log()
    );
    let check = stage.app.run(&["check"]).out;
    assert!(check.contains("takes the key; credit"), "{check}");
}

#[test]
fn seven_without_credit_or_only_trying_pauses_and_keeps_every_row() {
    let stage = stage(|sandbox| by_seven(sandbox, "sms", AUDIENCE));
    stage.sandbox.seven.service().leave(10);
    let _serve = stage.app.serve();
    let number = stage.app.publish(NOTICE, &[])["number"].as_u64().unwrap();
    let paused = |words: &'static str| {
        eventually("the lane pauses and says why", || {
            let lanes = stage.app.json(&["channel", "list"]).to_string();
            (lanes.contains("paused") && lanes.contains(words)).then_some(())
        });
    };
    paused("out of credit");
    stage.sandbox.seven.service().leave(1_000_000);
    stage.sandbox.seven.service().only_try(true);
    stage.app.run(&["channel", "retry", "sms"]).ok();
    paused("only tries");
    assert_eq!(stage.app.broadcast("sms", number)["counters"]["waiting"], 2);
    stage.sandbox.seven.service().only_try(false);
    stage.app.run(&["channel", "retry", "sms"]).ok();
    stage.app.wait_for("sms", number, "delivered", 2);
    assert_eq!(stage.sandbox.seven.books().accepted(), 2);
}

#[test]
fn what_seven_had_before_its_answer_was_lost_is_not_sent_again() {
    let stage = stage(|sandbox| by_seven(sandbox, "sms", AUDIENCE));
    stage.app.write("presse.csv", "address\n+491713920001\n");
    stage.sandbox.seven.service().plan(Plan::Silent);
    stage.sandbox.seven.service().lock_repeats();
    stage.sandbox.seven.fault(Fault::LoseAnswer);
    let _serve = stage.app.serve();
    let number = stage.app.publish(NOTICE, &[])["number"].as_u64().unwrap();
    stage.app.wait_for("sms", number, "unknown", 1);
    stage.sandbox.seven.heal();
    let id = format!("b{}", stage.app.broadcast("sms", number)["id"]);
    stage.app.run(&["decide", &id, "again", "--yes"]).ok();
    // The lock says that it is there: the person's second try brings no second text.
    stage.app.wait_for("sms", number, "accepted", 1);
    assert_eq!(stage.sandbox.seven.books().entries.len(), 1);
}

#[test]
fn sms_http_described_for_vonage_brings_it_to_the_phone() {
    // Reports come to the address of their attempt, or to one for all with our reference among their fields.
    for callback in ["&callback={receipts}", ""] {
        let stage = stage(|sandbox| {
            let fixed = "&callback=http%3A%2F%2F127.0.0.1%3APORT%2Freceipts%2Fsms";
            by_vonage(sandbox, if callback.is_empty() { fixed } else { callback })
        });
        let file = stage.app.path().join("channels.toml");
        let written = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, written.replace("PORT", &stage.app.port.to_string())).unwrap();
        let _serve = stage.app.serve();
        let number = stage.app.publish(NOTICE, &[])["number"].as_u64().unwrap();
        stage.app.wait_for("sms", number, "delivered", 2);
        let books = stage.sandbox.vonage.books();
        assert_eq!(
            (books.accepted(), books.doubles(), books.refused),
            (2, 0, 0),
            "{callback}"
        );
        assert!(books.entries.iter().all(|e| e.text.contains("\"115\"")), "{books:?}");
        assert!(books.entries.iter().all(|e| e.encoding == Some("gsm7")), "{books:?}");

        // What the phone's own alphabet does not have arrives all the same.
        let number = stage
            .app
            .publish(&NOTICE.replace("Bitte rufen", "Київ: Bitte rufen"), &[])["number"]
            .as_u64()
            .unwrap();
        stage.app.wait_for("sms", number, "delivered", 2);
        let books = stage.sandbox.vonage.books();
        let wide = books.entries.iter().filter(|e| e.encoding == Some("ucs2"));
        assert!(
            wide.clone().count() == 2 && wide.clone().all(|e| e.text.contains("Київ")),
            "{books:?}"
        );

        // Throttled it waits; with a key that is refused it stands still.
        stage.sandbox.vonage.fault_times(Fault::TooMany { seconds: 1 }, 1);
        let number = stage.app.publish(&NOTICE.replace("Die IT", "Alles"), &[])["number"]
            .as_u64()
            .unwrap();
        stage.app.wait_for("sms", number, "delivered", 2);
        stage.sandbox.vonage.fault(Fault::Unauthorized);
        let number = stage.app.publish(&NOTICE.replace("Die IT", "Noch"), &[])["number"]
            .as_u64()
            .unwrap();
        eventually("the lane pauses", || {
            let lanes = stage.app.json(&["channel", "list"]).to_string();
            lanes
                .contains("check credentials, credit and description")
                .then_some(())
        });
        assert_eq!(stage.app.broadcast("sms", number)["counters"]["waiting"], 2);
    }
}

#[test]
fn failover_from_kannel_to_seven_brings_what_was_rejected_once() {
    let stage = stage(|sandbox| {
        format!(
            "{}{}",
            sms(sandbox, "failover = \"sms_reserve\""),
            by_seven(sandbox, "sms_reserve", "")
        )
    });
    let reports = format!("{}/receipts/sms_reserve", stage.app.url());
    stage.sandbox.seven.service().report_to(&reports);
    stage.sandbox.kannel.service().plan(Plan::Reject);
    // A number that is none goes by neither.
    stage
        .app
        .write("presse.csv", "address\n+491713920001\n+491713920002\n0171 3920003\n");
    let _serve = stage.app.serve();
    let number = stage.app.publish(NOTICE, &[])["number"].as_u64().unwrap();
    stage.app.wait_for("sms", number, "delivered", 2);
    stage.app.wait_for("sms", number, "permanent", 1);
    let (first, other) = (stage.sandbox.kannel.books(), stage.sandbox.seven.books());
    assert_eq!((first.accepted(), other.accepted(), other.doubles()), (2, 2, 0));
    assert_eq!(stage.app.broadcasts()[0]["moved"], 2, "the number that is none stays");
}
