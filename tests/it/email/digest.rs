//! A held mail channel with `catch_up = "digest"` against a real server: one mail for all that waited, in each one's language; who had it gets
//! the newest notice alone; what was taken back is in no later one.

use serde_json::{Value, json};

use super::Office;
use crate::support::eventually;
use crate::support::mail::Mail;

const HELD: &str = "gate = \"held\"\ncatch_up = \"digest\"\n";

fn to<'a>(mails: &'a [Mail], who: &str) -> Vec<&'a Mail> {
    mails.iter().filter(|mail| mail.to.starts_with(who)).collect()
}

#[test]
fn three_that_waited_are_one_mail_for_each_in_their_language() {
    let Some(office) = Office::open(HELD) else { return };
    let serve = office.serve();
    for headline in ["Erste", "Zweite", "Dritte"] {
        office.publish(headline);
    }
    let shown = office.app.german(&["channel", "release", "email"]).err;
    let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("1 Meldung geht jetzt an 3 Empfänger hinaus")
            && flat.contains("Meldung 3 geht als Zusammenfassung von 3 Meldungen (auch 2, 1)"),
        "{shown}"
    );
    let released = office.app.json(&["channel", "release", "email", "--yes"]);
    assert_eq!(
        (&released["messages"], &released["digests"]),
        (&json!(3), &json!([{ "number": 3, "covers": [2, 1] }]))
    );
    office.delivered(3, 3);
    let mails = office.server.mails();
    assert_eq!(mails.len(), 3, "one each");
    for (who, subject, intro) in [
        ("anna", "Dritte (und 2 frühere Meldungen)", "fasst 3 Meldungen zusammen"),
        ("bert", "Dritte (and 2 earlier notices)", "sums up 3 notices"),
        ("cem", "Dritte (und 2 ältere Meldungen)", "stehen 3 Meldungen"),
    ] {
        let [mail] = to(&mails, who)[..] else { panic!("{who}") };
        assert!(mail.subject().ends_with(subject), "{}", mail.subject());
        for words in [mail.text(), mail.html()] {
            let at = |what: &str| words.find(what).unwrap_or_else(|| panic!("{what}: {words}"));
            assert!(at(intro) < at("Zweite") && at("Dritte") < at("Zweite") && at("Zweite") < at("Erste"));
        }
    }

    let line = |number: u64| office.app.broadcast("email", number)["text"].to_string();
    assert!(line(1).contains("in the digest of notice 3"), "{}", line(1));
    assert!(line(3).contains("digest of 3 notices"), "{}", line(3));
    let id = |number: u64| format!("b{}", office.app.broadcast("email", number)["id"]);
    let told = office.app.german(&["explain", &id(2)]).ok().out;
    assert!(told.contains("in der Zusammenfassung von Meldung 3"), "{told}");
    let deliveries = office.app.json(&["explain", &id(3)]);
    let first = &deliveries["deliveries"][0]["id"];
    let story = office.app.json(&["explain", &first.to_string()]);
    let text = story["variant"]["text"].to_string();
    assert!(text.contains("Zweite") || text.contains("notices"), "{story}");

    // Who has it gets the next one alone; on an open channel nothing is summed up that is there.
    let alone = office.publish("Vierte");
    office.delivered(alone, 3);
    let mails = office.server.about("Vierte", 3);
    assert!(
        mails.iter().all(|mail| !mail.text().contains("Dritte")),
        "{}",
        mails[0].text()
    );
    assert_eq!(serve.stop(), 0);
}

/// So many get the first digest; then the city holds, takes the second notice back, and writes a fourth.
#[test]
fn held_again_in_mid_drain_each_ends_with_the_newest_once() {
    let release = "release = { ramp = { start = \"20/s\", double = \"10m\" } }\n";
    let Some(office) = Office::open(&format!("{HELD}{release}")) else {
        return;
    };
    let people = 60;
    let list: String = (0..people).map(|n| format!("p{n}@ex.example\n")).collect();
    office.app.write("verteiler.csv", &format!("address\n{list}"));
    let _serve = office.serve();
    for headline in ["Erste", "Zweite", "Dritte"] {
        office.publish(headline);
    }
    office.app.run(&["channel", "release", "email", "--yes"]).ok();
    eventually("some digests went", || {
        (office.server.commands("TAKEN") >= 10).then_some(())
    });
    office.app.run(&["channel", "hold", "email"]).ok();
    office.app.wait_for("email", 3, "started", 0);
    let served = office.server.mails().len();
    assert!((10..people).contains(&served), "{served}");
    office
        .app
        .run(&["retract", "2", "--reason", "Das war falsch.", "--yes"])
        .ok();
    let newest = office.publish("Fünfte");
    assert_eq!(newest, 5);
    let released: Value = office.app.json(&["channel", "release", "email", "--yes"]);
    assert_eq!(released["digests"], json!([{ "number": 5, "covers": [3, 1] }]));
    office.delivered(newest, people as u64);
    office.app.wait_for("email", 4, "waiting", 0);

    let mails = office.server.mails();
    for n in 0..people {
        let got = to(&mails, &format!("p{n}@"));
        let newest: Vec<_> = got.iter().filter(|mail| mail.subject().contains("Fünfte")).collect();
        assert_eq!(newest.len(), 1, "p{n}: the newest once");
        let digest = newest[0].text().contains("Dritte");
        assert!(
            !newest[0].text().contains("Zweite"),
            "what was taken back is in no later digest"
        );
        // Who had the digest with it hears that it was wrong, and then the newest alone; all others one digest.
        assert_eq!(got.len(), if digest { 1 } else { 3 }, "p{n}");
        if !digest {
            assert!(
                got[0].text().contains("Zweite") && got[2].subject().contains("Fünfte"),
                "p{n}"
            );
        }
    }
    assert_eq!(mails.len(), served * 3 + (people - served));
}
