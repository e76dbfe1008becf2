//! Whom nobody writes to: somebody of the staff sees who that is, adds and lifts; who has left by themselves is asked about.

use super::Office;
use crate::support::http;

/// Publishes and looks who gets it.
fn gets(office: &Office, headline: &str, count: u64) -> Vec<String> {
    let number = office.publish(headline);
    office.delivered(number, count);
    let mails = office.server.about(headline, usize::try_from(count).unwrap());
    let mut to: Vec<String> = mails.into_iter().map(|mail| mail.to).collect();
    to.sort();
    to
}

#[test]
fn the_staff_sees_adds_and_lifts() {
    let Some(office) = Office::open("") else { return };
    let app = &office.app;
    let early = app.german(&["suppression", "list"]).ok().out;
    assert!(early.contains("Es ist niemand gesperrt."), "{early}");
    let refused = app.german(&["suppression", "add", "+491713920000"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains("keine Adresse, an die einer der Kanäle schreibt"),
        "{}",
        refused.err
    );

    let _serve = office.serve();
    assert_eq!(gets(&office, "Eins", 3).len(), 3);
    let added = app.german(&["suppression", "add", "Anna@ex.example"]).ok().out;
    assert!(added.contains("email schreibt Anna@ex.example nicht mehr."), "{added}");
    assert!(
        app.german(&["suppression", "add", "anna@ex.example"])
            .ok()
            .out
            .contains("war schon gesperrt")
    );
    assert_eq!(gets(&office, "Zwei", 2), ["bert@ex.example", "cem@ex.example"]);

    let list = app.json(&["suppression", "list"]);
    let one = &list["suppressed"][0];
    assert_eq!(
        (&one["channel"], &one["address"], &one["because"]),
        (&"email".into(), &"anna@ex.example".into(), &"by-hand".into())
    );
    for command in [
        ["status", "--json"],
        ["suppression", "list"],
        ["channel", "list"],
        ["status", "--yes"],
    ] {
        let said = app.german(&command).ok().out;
        assert!(
            said.contains("by_hand\":1") || said.contains("von Hand"),
            "{command:?}: {said}"
        );
    }

    let lifted = app.json(&["suppression", "lift", "ANNA@ex.example"]);
    assert_eq!(lifted["lifted"][0], "email");
    assert_eq!(gets(&office, "Drei", 3).len(), 3);
    let again = app.german(&["suppression", "lift", "anna@ex.example"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("ist nicht gesperrt"), "{}", again.err);
    let elsewhere = app.run(&["suppression", "lift", "anna@ex.example", "--channel", "nirgends"]);
    assert_eq!(elsewhere.code, 2, "{}", elsewhere.err);
    // Suppressed, and then taken out of the list: lifting brings nobody back into it, and does not say so.
    app.run(&["suppression", "add", "cem@ex.example"]).ok();
    let list = std::fs::read_to_string(app.path().join("verteiler.csv")).unwrap();
    let others: String = list
        .lines()
        .filter(|line| !line.starts_with("cem@"))
        .map(|line| format!("{line}\n"))
        .collect();
    app.write("verteiler.csv", &others);
    let lifted = app.german(&["suppression", "lift", "Cem@ex.example"]).ok().out;
    assert!(
        lifted.contains("ist nicht mehr gesperrt, steht aber nicht in der Empfängerliste"),
        "{lifted}"
    );
    assert_eq!(gets(&office, "Vier", 2), ["anna@ex.example", "bert@ex.example"]);
    // A slip of the pen stops nobody, and does not say that it did.
    let slip = app.german(&["suppression", "add", "ana@ex.example"]).ok().out;
    assert!(slip.contains("steht in keiner Liste von email"), "{slip}");
}

#[test]
fn who_has_left_by_themselves_is_asked_about() {
    let Some(office) = Office::open("") else { return };
    let _serve = office.serve();
    gets(&office, "Eins", 3);
    let mail = office
        .server
        .about("Eins", 3)
        .into_iter()
        .find(|mail| mail.to == "bert@ex.example")
        .unwrap();
    // Somebody has suppressed him before: his own word is kept all the same.
    office.app.run(&["suppression", "add", "bert@ex.example"]).ok();
    let asked = http::get(office.app.port, &mail.unsubscribe_path()).unwrap().text();
    assert!(asked.contains("<form method=\"post\">"), "{asked}");
    http::post(office.app.port, &mail.unsubscribe_path(), &[], b"").unwrap();
    let refused = office.app.german(&["suppression", "lift", "bert@ex.example"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains("hat sich selbst abgemeldet") && refused.err.contains("--yes"),
        "{}",
        refused.err
    );
    assert_eq!(gets(&office, "Zwei", 2), ["anna@ex.example", "cem@ex.example"]);
    office
        .app
        .run(&["suppression", "lift", "bert@ex.example", "--yes"])
        .ok();
    assert_eq!(gets(&office, "Drei", 3).len(), 3);
}
