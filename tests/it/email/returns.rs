//! What comes back, put into the folder as a mail server would: it is believed with our token only, about its own recipient only, and a canary
//! that came back holds the channel.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rundruf::clock::{Clock, SystemClock};
use rundruf::ids::DeliveryId;
use rundruf::secret::{KeyFile, Returns};
use rundruf::store::{CameBack, Consent, Followed, Sqlite};
use rundruf::text::said::Said;
use serde_json::Value;

use super::Office;
use crate::support::eventually;

const HOUR_MS: i64 = 3_600_000;

/// A report as Postfix writes it, to the return path of the mail that it speaks of.
fn report(return_path: &str, address: &str, status: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.ex.example (Mail Delivery System)\nTo: {return_path}\nAuto-Submitted: auto-replied\n\
         Subject: Undelivered Mail Returned to Sender\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
         --b\nContent-Type: text/plain\n\nThis is the mail system.\n\n--b\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mx.ex.example\n\nFinal-Recipient: rfc822; {address}\nAction: failed\nStatus: {status}\n\n--b--\n"
    )
}

impl Office {
    fn with_folder(more: &str) -> Option<Self> {
        let office = Self::open(&format!(
            "bounces = \"bounce@stadt.example\"\nbounces_folder = \"zurueck\"\n{more}"
        ))?;
        for folder in ["tmp", "new", "cur"] {
            fs::create_dir_all(office.folder(folder)).unwrap();
        }
        Some(office)
    }

    fn folder(&self, of: &str) -> PathBuf {
        self.app.path().join("zurueck").join(of)
    }

    /// Delivers into the Maildir, and waits until it was read.
    fn comes_back(&self, name: &str, mail: &str) {
        fs::write(self.folder("tmp").join(name), mail).unwrap();
        fs::rename(self.folder("tmp").join(name), self.folder("new").join(name)).unwrap();
        let read = self.folder("cur").join(format!("{name},rundruf:2,S"));
        eventually(&format!("{name} is read"), || read.exists().then_some(()));
    }

    /// What a server said of a mail's recipient two days ago.
    fn reported_before(&self, return_path: &str, address: &str) {
        let (_, token) = return_path.split_once('+').unwrap();
        let delivery = token.split('-').next().unwrap().parse().unwrap();
        let what = CameBack {
            delivery: DeliveryId(delivery),
            at_ms: SystemClock.now_ms() - 48 * HOUR_MS,
            gone: vec![address.to_owned()],
            text: Said::quoted("weg"),
        };
        let file = self.app.path().join("data/rundruf.db");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let followed = runtime.block_on(async {
            let store = Sqlite::open(&file, Arc::new(SystemClock)).await.unwrap();
            store.came_back(&what).await.unwrap()
        });
        assert_eq!(followed, Followed::Reported);
    }

    fn people(&self, headline: &str, count: u64) -> Vec<(String, String)> {
        let number = self.publish(headline);
        self.delivered(number, count);
        let mails = self.server.about(headline, usize::try_from(count).unwrap());
        let mut people: Vec<_> = mails.into_iter().map(|mail| (mail.to, mail.from)).collect();
        people.sort();
        people
    }
}

#[test]
fn who_is_gone_gets_nothing_more_and_nobody_else_is_touched() {
    let Some(office) = Office::with_folder("") else { return };
    let _serve = office.serve();
    let people = office.people("Eins", 3);
    let of = |name: &str| people.iter().find(|(to, _)| to.starts_with(name)).unwrap();
    let ((anna, to_anna), (bert, to_bert), (cem, to_cem)) = (of("anna"), of("bert"), of("cem"));

    // No token, a forged one, a full mailbox, somebody else's address, an absence: nobody is touched.
    office.comes_back("1", &report("bounce@stadt.example", anna, "5.1.1"));
    let forged = to_anna.replace('+', "+1");
    office.comes_back("2", &report(&forged, anna, "5.1.1"));
    office.comes_back("3", &report(to_cem, cem, "5.2.2"));
    office.comes_back("4", &report(to_bert, anna, "5.1.1"));
    let absent = format!("From: {cem}\nTo: {to_cem}\nSubject: Abwesenheitsnotiz\n\n550 5.1.1 user unknown: {cem}\n");
    office.comes_back("5", &absent);
    // What a person writes stays unread for people.
    fs::write(
        office.folder("new").join("6"),
        "From: a@b.example\nSubject: Frage\n\nIst morgen offen?\n",
    )
    .unwrap();
    // Without our token nothing is taken apart: who wrote it decides who looks at it.
    let strange = report("bounce@stadt.example", anna, "5.1.1")
        .replace("MAILER-DAEMON@mx.ex.example (Mail Delivery System)", "buero@ex.example")
        .replace("Auto-Submitted: auto-replied\n", "");
    fs::write(office.folder("new").join("6b"), strange).unwrap();
    for name in ["6", "6b"] {
        let unread = office.folder("cur").join(format!("{name},rundruf:2,"));
        eventually("put aside", || unread.exists().then_some(()));
    }
    assert_eq!(office.people("Zwei", 3).len(), 3);

    // Her server has called her unknown before: two days ago, in the store's own words.
    office.reported_before(to_anna, anna);
    office.comes_back("7", &report(&to_anna.to_uppercase(), anna, "5.1.1"));
    assert_eq!(office.people("Drei", 3).len(), 3, "of the same mail");
    let mails = office.server.about("Drei", 3);
    let again = mails.iter().find(|mail| mail.to == *anna).unwrap();
    // A mail program has moved it before we looked.
    fs::write(office.folder("cur").join("8:2,R"), report(&again.from, anna, "5.1.1")).unwrap();
    let read = office.folder("cur").join("8,rundruf:2,RS");
    eventually("taken from cur", || read.exists().then_some(()));
    let left = office.people("Vier", 2);
    let left: Vec<_> = left.iter().map(|(to, _)| to).collect();
    assert_eq!(left, [bert, cem]);
    assert!(!office.app.log().contains(anna), "no address in the log");
}

/// Who knows better need not wait for the second word.
#[test]
fn a_first_word_is_cleared_by_a_person_in_any_spelling() {
    let Some(office) = Office::with_folder("") else { return };
    let _serve = office.serve();
    let people = office.people("Eins", 3);
    let (anna, to_anna) = people.iter().find(|(to, _)| to.starts_with("anna")).unwrap();
    office.reported_before(to_anna, anna);
    let reported = || office.app.json(&["suppression", "list"])["reported"].clone();
    assert_eq!(reported()[0]["address"], anna.as_str());
    let lifted = office.app.german(&["suppression", "lift", "Anna@EX.example"]).ok().out;
    assert!(
        lifted.contains("war nicht gesperrt; ein Mailserver hatte die Adresse als unbekannt bezeichnet"),
        "{lifted}"
    );
    assert_eq!(reported(), serde_json::json!([]));
    // What comes now is a first word again.
    let mails = office.people("Zwei", 3);
    let (_, again) = mails.iter().find(|(to, _)| to == anna).unwrap();
    office.comes_back("1", &report(again, anna, "5.1.1"));
    assert_eq!(office.people("Drei", 3).len(), 3);
}

#[test]
fn check_tries_to_write_where_mails_come_back() {
    let Some(office) = Office::with_folder("") else { return };
    let good = office.app.german(&["channel", "test", "email"]).ok().out;
    assert!(good.contains("wird in") && good.contains("gelesen"), "{good}");
    fs::remove_dir(office.folder("cur")).unwrap();
    fs::write(office.folder("cur"), "").unwrap();
    let bad = office.app.german(&["channel", "test", "email"]);
    assert_eq!(bad.code, 1);
    assert!(
        bad.out.contains("nicht lesen und schreiben") && bad.out.contains("chown"),
        "{}",
        bad.out
    );
}

#[test]
fn a_canary_that_came_back_holds_the_channel() {
    let release = "release = { probe = \"smtp\", every = \"1s\", good = 1 }\ncanary = \"probe@anderswo.example\"\n";
    let Some(office) = Office::with_folder(release) else {
        return;
    };
    let _serve = office.serve();
    let canary = office.server.about("Probe", 1).remove(0);
    let lane = || -> Value { office.app.json(&["channel", "list"])["channels"][0].clone() };
    assert_eq!(lane()["gate"], "open");

    // One of another time, and one with another time written on it, say nothing about now.
    let key = KeyFile::new(office.app.path().join("data/rundruf.key"));
    let now = SystemClock.now_ms();
    let sent_at = |sent_ms: i64| {
        let token = key.key().unwrap().return_token(Returns::Canary { lane: 1, sent_ms });
        format!("bounce+{token}@stadt.example")
    };
    assert!(canary.from.starts_with("bounce+c1-"), "{}", canary.from);
    let (old, ahead) = (sent_at(now - 2 * HOUR_MS), sent_at(now + HOUR_MS));
    office.comes_back("old", &report(&old, &canary.to, "5.1.1"));
    office.comes_back("ahead", &report(&ahead, &canary.to, "5.1.1"));
    let (name, proof) = old.rsplit_once('-').unwrap();
    let (name, _) = name.rsplit_once('-').unwrap();
    let forged = format!("{name}-{now}-{proof}");
    office.comes_back("forged", &report(&forged, &canary.to, "5.1.1"));
    let said = office.app.log();
    for word in ["age=Old", "age=Ahead"] {
        assert!(said.contains(word), "{said}");
    }
    // The canary's mailbox sends on to somebody whose mailbox is gone.
    office.comes_back("other", &report(&canary.from, "jemand@weiter.example", "5.1.1"));
    let said = office.app.log();
    assert!(said.contains("another address than the canary's"), "{said}");
    assert_eq!(lane()["gate"], "open", "{said}");

    office.comes_back("1", &report(&canary.from, &canary.to, "5.1.1"));
    let held = eventually("held", || Some(lane()).filter(|lane| lane["gate"] == "held"));
    assert!(held.to_string().contains("came back"), "{held}");
    office.publish("Wartet");
    let text = office.app.broadcast("email", 1)["text"].to_string();
    assert!(text.contains("came back"), "{text}");
}
