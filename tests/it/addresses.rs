//! Lists that are written by hand: one person in two spellings gets one message, and is told apart from nobody by a blank or a capital letter.

use super::support::FaultProxy;
use super::support::counterparts::{Stage, sms, webhook as hooks};

const PUBLISHER: &str = "[publisher.potsdam]\nname = \"Landeshauptstadt Potsdam\"\nlanguages = [\"de\"]\ntimezone = \"Europe/Berlin\"\nphone = \"115\"\n";

/// Two press lists by one gateway, and receivers of webhooks.
fn stage() -> Stage {
    let stage = Stage::new(PUBLISHER, |sandbox| {
        let second = sms(sandbox, "")
            .replace("[channel.sms]", "[channel.amt]")
            .replace("presse.csv", "amt.csv");
        let receivers = hooks("audience = { file = \"nachbarn.csv\" }\nallow_private = true");
        [sms(sandbox, ""), second, receivers].concat()
    });
    stage.app.write(
        "presse.csv",
        "address,name\n+49 171 392 0001,Redaktion\n+491713920001,Redaktion Mobil\n\"+49 (0)171/3920002\",Funk\n",
    );
    stage.app.write("amt.csv", "address\n+49-171-3920001\n");
    let port = stage.sandbox.webhook.url();
    let port = port.rsplit(':').next().unwrap();
    stage.app.write(
        "nachbarn.csv",
        &format!(
            "address\nhttp://127.0.0.1:{port}/Kreis\nHTTP://127.0.0.1:{port}/./Kreis#a\nhttp://127.0.0.1:{port}/kreis\n"
        ),
    );
    stage
}

fn publish(stage: &Stage, headline: &str) -> u64 {
    let notice =
        format!("incident = \"ausfall\"\nheadline = \"{headline}\"\nsummary = \"{headline}: Bitte rufen Sie an.\"\n");
    stage.app.publish(&notice, &[])["number"].as_u64().unwrap()
}

/// Who has got a notice, once for each channel.
fn phones(stage: &Stage, headline: &str) -> Vec<String> {
    let books = stage.sandbox.kannel.books();
    let mut to: Vec<String> = books
        .entries
        .iter()
        .filter(|e| e.text.contains(headline))
        .map(|e| e.to.clone())
        .collect();
    to.sort();
    to
}

#[test]
fn one_person_in_two_spellings_is_one_recipient_and_suppressed_in_any() {
    let stage = stage();
    let app = &stage.app;
    app.write(
        "lage.toml",
        "incident = \"ausfall\"\nheadline = \"Eins\"\nsummary = \"Bitte rufen Sie an.\"\n",
    );
    let costs = app.json(&["preview", "lage.toml"])["costs"].clone();
    let sms = costs.as_array().unwrap().iter().find(|cost| cost["channel"] == "sms");
    assert_eq!(sms.unwrap()["people"], 2, "{costs}");
    let _serve = app.serve();
    let number = publish(&stage, "Eins");
    app.wait_for("sms", number, "delivered", 2);
    app.wait_for("amt", number, "delivered", 1);
    app.wait_for("webhook", number, "delivered", 2);
    // Each channel writes to its own list: the second one is another list's business, not another spelling's.
    assert_eq!(
        phones(&stage, "Eins"),
        ["+491713920001", "+491713920001", "+491713920002"]
    );
    assert_eq!(
        (stage.calls("/Kreis").len(), stage.calls("/kreis").len()),
        (1, 1),
        "a path has capitals"
    );

    // In one spelling, on both lists, which have others.
    let added = app.german(&["suppression", "add", "+49 (171) 3920001"]).ok().out;
    for channel in ["sms", "amt"] {
        assert!(
            added.contains(&format!("{channel} schreibt +49 (171) 3920001 nicht mehr.")),
            "{added}"
        );
    }
    let hook = format!("{}/./Kreis", stage.sandbox.webhook.url());
    app.run(&["suppression", "add", &hook]).ok();
    let number = publish(&stage, "Zwei");
    app.wait_for("sms", number, "delivered", 1);
    app.wait_for("webhook", number, "delivered", 1);
    assert_eq!(phones(&stage, "Zwei"), ["+491713920002"]);
    assert_eq!((stage.calls("/Kreis").len(), stage.calls("/kreis").len()), (1, 2));

    // The next list spells it in a third way: still suppressed, nobody is new.
    app.write("presse.csv", "address\n+49.171.3920001\n+49 171 3920002\n");
    let number = publish(&stage, "Drei");
    app.wait_for("sms", number, "delivered", 1);
    assert_eq!(phones(&stage, "Drei"), ["+491713920002"]);
    let listed = app.json(&["suppression", "list", "--channel", "sms"]);
    assert_eq!(listed["suppressed"][0]["address"], "+491713920001");
    let lifted = app.json(&["suppression", "lift", "+49 171 3920001"]);
    assert_eq!(lifted["lifted"].as_array().unwrap().len(), 2);
    let number = publish(&stage, "Vier");
    app.wait_for("sms", number, "delivered", 2);
    assert_eq!(stage.sandbox.webhook.books().doubles(), 0);
    let story = app.json(&["explain", &format!("b{}", app.broadcast("sms", number)["id"])]);
    assert_eq!(story["deliveries"].as_array().unwrap().len(), 2);
}

/// A receiver that says 410 is in the same list as everybody else to whom nobody writes, and comes back the same way.
#[test]
fn a_receiver_that_has_gone_stands_in_the_list_and_can_be_lifted() {
    let stage = stage();
    let app = &stage.app;
    let url = stage.sandbox.webhook.url();
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    let Some(proxy) = FaultProxy::start(port) else { return };
    let gone = format!("{}/weg", proxy.url());
    app.write("nachbarn.csv", &format!("address\n{gone}\n{url}/da\n"));
    let serve = app.serve();
    proxy.answer(410, &[], "");
    let number = publish(&stage, "Eins");
    app.wait_for("webhook", number, "delivered", 1);
    app.wait_for("webhook", number, "gone", 1);
    let list = app.json(&["suppression", "list", "--channel", "webhook"]);
    let one = &list["suppressed"][0];
    assert_eq!(
        (&one["address"], &one["because"]),
        (&gone.as_str().into(), &"gone".into())
    );
    let shown = app.german(&["suppression", "list"]).ok().out;
    assert!(shown.contains("410 am "), "{shown}");
    assert!(
        app.german(&["status"])
            .ok()
            .out
            .contains("1 Adresse gesperrt (1 mit 410 beendet)")
    );
    let deliveries = app.json(&["explain", &format!("b{}", app.broadcast("webhook", number)["id"])]);
    let ended = deliveries["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .find(|d| d["state"] == "gone")
        .unwrap();
    let told = app.german(&["explain", &ended["id"].to_string()]).ok().out;
    let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("Gesperrt (410 am ") && flat.contains("rundruf suppression lift http://"),
        "{told}"
    );

    // It answers again, but nobody asks it: not after a restart, and not where the list spells it otherwise.
    proxy.mode("pass");
    assert_eq!(serve.stop(), 0);
    app.write(
        "nachbarn.csv",
        &format!("address\n{}\n{url}/da\n", gone.replace("http", "HTTP")),
    );
    let _serve = app.serve();
    let number = publish(&stage, "Zwei");
    app.wait_for("webhook", number, "delivered", 1);
    assert_eq!((stage.calls("/weg").len(), stage.calls("/da").len()), (0, 2));
    let lifted = app.german(&["suppression", "lift", &gone]).ok().out;
    assert!(lifted.contains("ab der nächsten Meldung"), "{lifted}");
    let number = publish(&stage, "Drei");
    app.wait_for("webhook", number, "delivered", 2);
    assert_eq!((stage.calls("/weg").len(), stage.calls("/da").len()), (1, 3));
}
