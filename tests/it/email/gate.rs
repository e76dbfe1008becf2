//! The gate of a mail channel against a real server: the probe proposes, releases and holds; a release goes by its ramp and stops by itself;
//! after `hold` has answered, the server hears of no new mail.

use serde_json::{Value, json};

use super::Office;
use crate::support::eventually;

fn keys(release: &str) -> String {
    format!(
        "gate = \"held\"\ncanary = \"probe@anderswo.example\"\nbounces = \"bounce@stadt.example\"\nrelease = {{ {release} }}\n"
    )
}

fn lane(office: &Office) -> Value {
    office.app.json(&["channel", "list"])["channels"][0].clone()
}

fn lane_until(office: &Office, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    eventually(what, || Some(lane(office)).filter(&is))
}

/// A list of so many, `bad` of them unknown to the server.
fn crowd(office: &Office, people: usize, bad: usize) {
    let names = (0..people).map(|n| format!("{}{n}@ex.example\n", if n < bad { "bounce" } else { "p" }));
    let list: String = names.collect();
    office.app.write("verteiler.csv", &format!("address\n{list}"));
}

#[test]
fn a_probe_that_works_proposes_and_one_that_fails_has_to_be_overridden() {
    let release = "probe = \"smtp\", every = \"1s\", good = 2, ramp = { start = \"20/s\", double = \"10m\" }";
    let Some(office) = Office::open(&keys(release)) else {
        return;
    };
    office.server.rules(&json!({"connect": "421 4.3.2 down"}));
    let _serve = office.serve();
    office.publish("Wartet");
    lane_until(&office, "the probe fails", |lane| lane["probe"]["verdict"] == "bad");
    let refused = office.app.run(&["channel", "release", "email", "--yes"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains("421") && refused.err.contains("--override"),
        "{}",
        refused.err
    );

    office.server.rules(&json!({}));
    lane_until(&office, "it is proposed", |lane| lane["probe"]["proposes"] == true);
    let canary = office.server.about("Probe", 2).remove(0);
    assert_eq!(canary.to, "probe@anderswo.example");
    assert!(canary.from.starts_with("bounce+c"), "{}", canary.from);
    assert_eq!(canary.written("Auto-Submitted").as_deref(), Some("auto-generated"));
    for words in [["status"].as_slice(), &["channel", "list"]] {
        let shown = office.app.run(words).ok().out;
        let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("the probe works since"), "{shown}");
    }
    let shown = office.app.german(&["channel", "release", "email"]);
    assert!(shown.err.contains("höchstens 20/s"), "{}", shown.err);

    let released = office.app.json(&["channel", "release", "email", "--yes"]);
    assert_eq!(
        (&released["gate"], &released["messages"]),
        (&json!("draining"), &json!(3))
    );
    office.delivered(1, 3);
    let open = lane_until(&office, "the drain is over", |lane| lane["gate"] == "open");
    // Pressed twice it is one release.
    let again = office.app.json(&["channel", "release", "email", "--yes"]);
    assert_eq!((&again["gate"], &again["epoch"]), (&json!("open"), &open["epoch"]));
    assert_eq!(lane(&office)["epoch"], open["epoch"]);
}

#[test]
fn a_probe_may_release_by_itself_and_holds_when_it_fails_again() {
    let release = "probe = \"smtp\", then = \"do\", every = \"1s\", good = 1";
    let Some(office) = Office::open(&keys(release)) else {
        return;
    };
    let _serve = office.serve();
    office.publish("Erste");
    office.delivered(1, 3);
    assert_eq!(lane(&office)["gate_by"], "probe");
    office.server.rules(&json!({"connect": "421 4.3.2 down"}));
    lane_until(&office, "held by the probe", |lane| {
        lane["gate"] == "held" && lane["gate_by"] == "probe"
    });
    office.publish("Zweite");
    let text = office.app.broadcast("email", 2)["text"].to_string();
    assert!(text.contains("the probe fails again"), "{text}");
    office.server.rules(&json!({}));
    office.delivered(2, 3);
}

#[test]
fn after_a_hold_in_mid_drain_the_server_hears_of_no_new_mail() {
    let Some(office) = Office::open(&keys("ramp = { start = \"20/s\", double = \"10m\" }")) else {
        return;
    };
    crowd(&office, 120, 0);
    let _serve = office.serve();
    office.publish("Viele");
    office.app.run(&["channel", "release", "email", "--yes"]).ok();
    eventually("some mails went", || {
        (office.server.commands("TAKEN") >= 10).then_some(())
    });
    let held = office.app.json(&["channel", "hold", "email"]);
    let asked = office.server.commands("MAIL");
    assert_eq!(held["acknowledged"], true);
    office.app.wait_for("email", 1, "started", 0);
    let taken = office.server.commands("TAKEN");
    let flying = usize::try_from(held["in_flight"].as_u64().unwrap()).unwrap();
    assert!(office.server.commands("MAIL") <= asked + flying, "{held}");
    let counters = office.app.broadcast("email", 1)["counters"].clone();
    assert_eq!(counters["delivered"], taken, "what was in flight is written down");
    office.app.run(&["status"]).ok();
    assert_eq!(office.server.commands("TAKEN"), taken);
    office.app.run(&["channel", "release", "email", "--yes"]).ok();
    office.delivered(1, 120);
    assert_eq!(office.server.commands("TAKEN"), 120, "nobody twice");
}

#[test]
fn a_release_stops_by_itself_when_too_many_are_refused() {
    let Some(office) = Office::open(&keys("ramp = { start = \"40/s\", double = \"10m\" }")) else {
        return;
    };
    crowd(&office, 60, 4);
    office
        .server
        .rules(&json!({"rcpt_match": {"bounce": "550 5.1.1 no such user"}}));
    let _serve = office.serve();
    office.publish("Viele");
    office.app.run(&["channel", "release", "email", "--yes"]).ok();
    let held = lane_until(&office, "it stopped", |lane| lane["gate"] == "held");
    assert_eq!(held["gate_cause"], "itself");
    let text = office.app.broadcast("email", 1)["text"].to_string();
    assert!(text.contains("were refused; it stopped by itself"), "{text}");
    office.app.wait_for("email", 1, "started", 0);
    let counters = office.app.broadcast("email", 1)["counters"].clone();
    assert!(counters["delivered"].as_u64().unwrap() < 40, "{counters}");
}
