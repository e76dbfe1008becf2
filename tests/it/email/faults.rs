//! Refusals of every kind at every step, and what is lost: outcome, wait and words are right, nobody gets two different mails.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Office;
use crate::support::eventually;
use crate::support::mail::{Mail, MailServer};

/// The broadcast, once its newest words say this.
fn says(office: &Office, number: u64, words: &str) -> Value {
    eventually(&format!("the board says {words}"), || {
        let broadcast = office.app.broadcast("email", number);
        let text =
            broadcast["text"].as_str().unwrap_or_default().to_owned() + &office.app.json(&["status"]).to_string();
        text.contains(words).then_some(broadcast)
    })
}

/// Milliseconds from the publication to the next try.
fn wait(broadcast: &Value) -> i64 {
    broadcast["next_due_ms"].as_i64().unwrap() - broadcast["created_ms"].as_i64().unwrap()
}

fn retry(office: &Office) {
    office.server.rules(&json!({}));
    office.app.run(&["channel", "retry", "email"]).ok();
}

const MINUTE: i64 = 60_000;

#[test]
fn what_the_server_refuses_for_now_arrives_later() {
    let Some(office) = Office::open("") else { return };
    let serve = office.serve();
    let number = office.publish("Vorher");
    office.delivered(number, 3);
    for (n, (rules, words)) in [
        (
            json!({"connect": "421 4.3.2 down"}),
            "is in trouble (421: \\\"4.3.2 down\\\")",
        ),
        (json!({"connect": "drop"}), "localhost: no connection"),
        (json!({"auth": "454 4.7.0 later"}), "is in trouble (454"),
        (json!({"auth": "535 5.7.8 bad credentials"}), "does not let us in (535"),
        (json!({"mail": "451 4.3.0 local error"}), "is in trouble (451"),
        (
            json!({"mail": "550 5.1.8 not you"}),
            "does not let us send as this sender (550",
        ),
        (
            json!({"mail": "drop"}),
            "the connection ended before the mail was handed over",
        ),
        (json!({"rcpt": "421 4.7.0 slow down"}), "is in trouble (421"),
        (json!({"data_command": "451 4.3.0 queue"}), "is in trouble (451"),
        (json!({"data": "452 4.3.1 no space"}), "is in trouble (452"),
    ]
    .into_iter()
    .enumerate()
    {
        // Sessions that are kept would not notice a server that refuses new ones.
        office.server.peer.stop();
        office.server.peer.start_again();
        office.server.rules(&rules);
        let headline = format!("Stoerung {n}");
        let number = office.publish(&headline);
        says(&office, number, words);
        let counters = office.app.broadcast("email", number)["counters"].clone();
        let open = counters["waiting"].as_u64().unwrap() + counters["started"].as_u64().unwrap();
        assert_eq!(open, 3, "{rules}: {counters}");
        retry(&office);
        eventually("it arrives after all", || {
            office.app.run(&["channel", "retry", "email"]).ok();
            (office.app.broadcast("email", number)["counters"]["delivered"] == 3).then_some(())
        });
        assert_eq!(office.server.about(&headline, 3).len(), 3, "{rules}: once each");
    }
    assert_eq!(serve.stop(), 0);
}

#[test]
fn one_recipients_trouble_is_no_other_ones() {
    let Some(office) = Office::open("") else { return };
    let serve = office.serve();
    for (headline, rules, wanted, minutes) in [
        (
            "Greylisting",
            json!({"rcpt_match": {"anna@": "451 4.7.1 greylisted"}}),
            "takes nothing for this recipient now (451",
            5,
        ),
        (
            "Voll",
            json!({"rcpt_match": {"anna@": "552 5.2.2 mailbox full"}}),
            "takes nothing for this recipient now (552",
            5,
        ),
        (
            "Spaet voll",
            json!({"data_match": {"anna@": "552 5.2.2 mailbox full"}}),
            "takes nothing for this recipient now (552",
            5,
        ),
        (
            "Politik",
            json!({"data_match": {"anna@": "550 5.7.26 unauthenticated"}}),
            "check SPF, DKIM and DMARC",
            60,
        ),
    ] {
        office.server.rules(&rules);
        let number = office.publish(headline);
        office.delivered(number, 2);
        let broadcast = says(&office, number, wanted);
        assert_eq!(broadcast["counters"]["waiting"], 1, "{broadcast}");
        let waits = wait(&broadcast);
        assert!(
            (minutes * MINUTE..(minutes + 2) * MINUTE).contains(&waits),
            "{headline} waits {waits}"
        );
        assert_eq!(
            office.app.json(&["status"])["channels"][0]["health"]["health"],
            "well",
            "the lane goes on"
        );
        retry(&office);
        office.delivered(number, 3);
        assert_eq!(office.server.about(headline, 3).len(), 3, "once each");
    }

    office.server.rules(
        &json!({"data_match": {"anna@": "554 5.6.0 bad content"}, "rcpt_match": {"bert@": "550 5.1.1 no such user"}}),
    );
    let number = office.publish("Abgelehnt");
    for (counter, count) in [("delivered", 1), ("permanent", 1), ("gone", 1)] {
        office.app.wait_for("email", number, counter, count);
    }
    // Bert's server has called him unknown once, which ends nobody: the next one goes to him too.
    office.server.rules(&json!({}));
    let rcpt = office.server.commands("RCPT");
    let number = office.publish("Auch Bert");
    // Anna's refused mail holds her next one for the order's two minutes.
    office.delivered(number, 2);
    assert_eq!(office.server.commands("RCPT"), rcpt + 2);
    assert_eq!(serve.stop(), 0);
}

#[test]
fn without_starttls_nothing_is_said_in_the_clear() {
    let Some(server) = MailServer::start(&[("SMTP_USER", "u"), ("SMTP_PASS", "p")]) else {
        return;
    };
    let Some(office) = Office::open("") else { return };
    // The same channel, and somebody on the way has taken STARTTLS out of the server's answer.
    let config = std::fs::read_to_string(office.app.path().join("channels.toml")).unwrap();
    let (from, to) = (office.server.peer.port().to_string(), server.peer.port().to_string());
    office.app.write(
        "channels.toml",
        &config.replace(&format!("port = {from}"), &format!("port = {to}")),
    );
    let serve = office.serve();
    let number = office.publish("Geheim");
    says(&office, number, "STARTTLS is not supported");
    assert_eq!((server.commands("AUTH"), server.commands("MAIL")), (0, 0));
    assert_eq!(serve.stop(), 0);
}

#[test]
fn a_certificate_that_nobody_vouches_for_gets_no_password() {
    let Some(office) = Office::open("") else { return };
    let config = std::fs::read_to_string(office.app.path().join("channels.toml")).unwrap();
    let line = config.lines().find(|line| line.starts_with("tls_ca_file")).unwrap();
    office.app.write("channels.toml", &config.replace(line, ""));
    let check = office.app.run(&["check"]);
    assert!(
        check.code == 1 && check.out.contains("cannot be reached") && check.out.contains("certificate"),
        "{}",
        check.out
    );
    assert_eq!(office.server.commands("AUTH"), 0);
}

#[test]
fn check_looks_at_everything_and_sends_nothing() {
    let Some(office) = Office::open("") else { return };
    let check = office.app.run(&["channel", "test", "email"]);
    let flat = check.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "3 recipients",
        "takes the credentials, encrypted",
        "takes info@stadt.example as sender",
        "The certificate of localhost",
    ] {
        assert!(flat.contains(words), "{words}: {flat}");
    }
    assert!(!flat.contains("no https address") && check.code == 0, "{flat}");
    assert_eq!((office.server.commands("RCPT"), office.server.mails().len()), (0, 0));
    office.server.rules(&json!({"auth": "535 5.7.8 bad credentials"}));
    let check = office.app.run(&["check"]);
    assert!(
        check.code == 1 && check.out.contains("does not take the credentials"),
        "{}",
        check.out
    );
    // A certificate is no secret.
    assert!(!check.out.contains("ca.pem"), "{}", check.out);
}

/// Mails by recipient, each with its Message-ID.
fn by_recipient(mails: &[Mail]) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mail in mails {
        all.entry(mail.to.clone())
            .or_default()
            .push(mail.written("Message-ID").unwrap());
    }
    all
}

#[test]
fn a_cut_after_the_final_dot_comes_again_as_the_same_mail() {
    let Some(office) = Office::open("") else { return };
    let serve = office.serve();
    office.server.rules(&json!({"drop_after_data": true, "times": 2}));
    let number = office.publish("Abgeschnitten");
    office.delivered(number, 3);
    let mails = office.server.about("Abgeschnitten", 5);
    assert_eq!(mails.len(), 5, "what was taken twice is two, not more");
    for (to, ids) in by_recipient(&mails) {
        assert!(ids.len() <= 2 && ids.iter().all(|id| *id == ids[0]), "{to}: {ids:?}");
    }
    assert_eq!(serve.stop(), 0);
}

#[test]
fn killed_in_the_middle_at_most_the_mails_in_flight_come_twice() {
    const PEOPLE: usize = 60;
    const AT_ONCE: usize = 4;
    let Some(office) = Office::open(&format!("concurrency = {AT_ONCE}\n")) else {
        return;
    };
    let list: String = (0..PEOPLE).map(|n| format!("person{n}@ex.example\n")).collect();
    office.app.write("verteiler.csv", &format!("address\n{list}"));
    office.server.rules(&json!({"delay": 0.05}));
    let mut serve = office.serve();
    let number = office.publish("Abgebrochen");
    office.server.about("Abgebrochen", PEOPLE / 3);
    serve.kill();
    let serve = office.serve();
    office.delivered(number, PEOPLE as u64);
    let mails = office.server.about("Abgebrochen", PEOPLE);
    assert!(mails.len() <= PEOPLE + AT_ONCE, "{} mails", mails.len());
    let all = by_recipient(&mails);
    assert_eq!(all.len(), PEOPLE, "nobody is left out");
    for (to, ids) in all {
        assert!(ids.len() <= 2 && ids.iter().all(|id| *id == ids[0]), "{to}: {ids:?}");
    }
    assert_eq!(serve.stop(), 0);
}

#[test]
fn after_a_hold_no_mail_begins() {
    let Some(office) = Office::open("concurrency = 2\n") else {
        return;
    };
    let list: String = (0..40).map(|n| format!("person{n}@ex.example\n")).collect();
    office.app.write("verteiler.csv", &format!("address\n{list}"));
    office.server.rules(&json!({"delay": 0.05}));
    let serve = office.serve();
    let number = office.publish("Angehalten");
    office.server.about("Angehalten", 5);
    office.app.run(&["channel", "hold", "email", "--reason", "Probe"]).ok();
    let begun = office.server.commands("MAIL");
    let taken = eventually("what is in flight ends", || {
        let broadcast = office.app.broadcast("email", number);
        (broadcast["counters"]["started"] == 0).then(|| broadcast["counters"]["delivered"].as_u64().unwrap())
    });
    assert!(taken < 40);
    assert_eq!(office.server.commands("MAIL"), begun, "a mail began after the hold");
    office.app.run(&["channel", "release", "email", "--yes"]).ok();
    office.delivered(number, 40);
    assert_eq!(office.server.about("Angehalten", 40).len(), 40, "once each");
    assert_eq!(serve.stop(), 0);
}
