//! `new`: forms with what is known already.

use super::*;

#[test]
fn new_knows_numbers_facts_and_what_each_kind_refers_to() {
    let folder = set_up();
    let publish = |form: &str, words: &[(&str, &str)], more: &str| {
        folder.write("m.toml", &format!("{}{more}", filled(form, words)));
        folder.run(&["preview", "m.toml"]).ok();
        folder.run(&["publish", "m.toml", "--yes", "--json"]).ok().json()["number"]
            .as_u64()
            .unwrap()
    };
    let new = |args: &[&str]| folder.run(&[&["new"], args].concat()).ok().out;
    // Without a word: the first, then an update.
    let first = new(&[]);
    assert!(
        first.contains("Erste Meldung") && first.contains("\nafter = 0\n"),
        "{first}"
    );
    assert_eq!(
        publish(
            &first,
            WORDS,
            "[service.online]\nname = \"Online-Dienste\"\nstate = \"off\"\n"
        ),
        1
    );
    let update = new(&[]);
    for text in [
        "\nafter = 1\n",
        "# [service.online]",
        "# state = \"off\"",
        "# phone = \"+49 331 2890\"",
        "eingeschränkt",
    ] {
        assert!(update.to_lowercase().contains(&text.to_lowercase()), "{text}: {update}");
    }
    let update = update.replace("# state = \"restricted\"", "state = \"partly-restored\"");
    let back = update
        .replace("# [service.online]", "[service.online]")
        .replace("# state = \"off\"", "state = \"works\"");
    assert_eq!(publish(&back, WORDS, ""), 2);
    let rolled_back = new(&["rolled-back"]);
    assert!(
        rolled_back.contains("state = \"rolled-back\"\n") && rolled_back.contains("takes_back = [2]"),
        "{rolled_back}"
    );
    assert_eq!(publish(&rolled_back, WORDS, ""), 3);
    let correction = new(&["correction"]);
    assert!(
        correction.contains("corrects = [3]") && correction.contains("kind = \"correction\""),
        "{correction}"
    );
    assert!(correction.contains("Die IT ist abgeschaltet"), "{correction}");
    assert_eq!(publish(&correction, WORDS, ""), 4);
    let retraction = new(&["retraction"]);
    assert!(
        retraction.contains("corrects = [4]") && retraction.contains("Meldung 4 ist zurückgenommen"),
        "{retraction}"
    );
    assert_eq!(publish(&retraction, WORDS, ""), 5);
    let shown = folder.run(&["incident", "show", &incident(&folder)]).ok().out;
    assert!(
        shown.contains("superseded by 3") && shown.contains("superseded by 5"),
        "{shown}"
    );
    // Looking changed nothing, and JSON names what waits.
    let json = folder.run(&["new", "--json"]).ok().json();
    assert_eq!(
        (&json["kind"], &json["after"], &json["number"]),
        (&"update".into(), &5.into(), &6.into())
    );
    let lines: Vec<&str> = json["notice"].as_str().unwrap().lines().collect();
    for n in json["lines"].as_array().unwrap() {
        assert!(lines[n.as_u64().unwrap() as usize - 1].ends_with(" = \"…\""), "{json}");
    }
}

fn incident(folder: &Empty) -> String {
    let list = folder.run(&["incident", "list", "--json"]).ok().json();
    list["incidents"][0]["slug"].as_str().unwrap().to_owned()
}

#[test]
fn every_live_fact_of_a_form_can_be_made_to_count_as_it_stands() {
    let folder = set_up();
    let example = std::fs::read_to_string(root().join("examples/a-potsdam/2-2023-01-24.toml")).unwrap();
    folder.write("m.toml", &example.replace("takes_back = [1]", ""));
    folder.run(&["publish", "m.toml", "--yes"]).ok();
    let form = folder.run(&["new", "update"]).ok().out;
    let (before, live) = form.split_once("# Das gilt zurzeit").unwrap();
    let live: String = live
        .lines()
        .skip_while(|line| !line.starts_with("# ["))
        .take_while(|line| !line.starts_with("# In anderen Sprachen"))
        .map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line)))
        .collect();
    assert!(live.matches("\n[").count() > 10, "{live}");
    folder.write("m2.toml", &filled(&format!("{before}{live}"), WORDS));
    let said = folder.run(&["preview", "m2.toml"]).ok().out;
    assert!(said.contains("carried over:"), "{said}");
    for change in ["· new:", "· changed:", "· ended:"] {
        assert!(!said.contains(change), "{change} {said}");
    }
}

#[test]
fn a_form_does_not_pass_over_what_came_meanwhile() {
    let folder = set_up();
    folder.write("a.toml", &filled(&folder.run(&["new"]).ok().out, WORDS));
    folder.run(&["publish", "a.toml"]).ok();
    let (one, two) = (folder.run(&["new"]).ok().out, folder.run(&["new"]).ok().out);
    folder.write("b.toml", &filled(&one, WORDS));
    folder.run(&["publish", "b.toml"]).ok();
    folder.write(
        "c.toml",
        &filled(
            &two,
            &[("headline", "Anderes"), ("summary", "Anders."), ("next", "23:59")],
        ),
    );
    let refused = folder.run(&["publish", "c.toml"]);
    assert!(
        refused.code == 1 && refused.err.contains("Published meanwhile: notice 2"),
        "{}",
        refused.err
    );
}

#[test]
fn new_says_what_it_cannot_know() {
    let folder = set_up();
    for kind in ["update", "correction", "retraction", "rolled-back"] {
        let refused = folder.run(&["new", kind]);
        assert!(
            refused.code == 1 && refused.err.contains("rundruf new first"),
            "{kind}: {}",
            refused.err
        );
    }
    assert_eq!(folder.run(&["new", "zweite"]).code, 2);
    assert_eq!(folder.run(&["new", "--incident", "Ü"]).code, 2);
    folder.write(
        "m.toml",
        &filled(
            &folder.run(&["new", "first", "--incident", "2023-01-it"]).ok().out,
            WORDS,
        ),
    );
    folder.run(&["publish", "m.toml"]).ok();
    assert_eq!(incident(&folder), "2023-01-it");
    assert_eq!(folder.run(&["new", "first", "--incident", "2023-01-it"]).code, 1);
    // A second incident gets a name of its own; from then on one has to be named.
    let second = folder.run(&["new", "first"]).ok().out;
    assert!(
        second.contains("\nincident = \"") && second.contains("2023-01-it ist noch offen"),
        "{second}"
    );
    folder.write(
        "m.toml",
        &filled(
            &second,
            &[
                ("headline", "Anderes"),
                ("since", "06:00"),
                ("summary", "Anders."),
                ("next", "23:59"),
            ],
        ),
    );
    folder.run(&["publish", "m.toml"]).ok();
    let which = folder.run(&["new"]);
    assert!(which.code == 2 && which.err.contains("--incident"), "{}", which.err);
    folder.run(&["new", "--incident", "potsdam/2023-01-it"]).ok();
    folder.run(&["incident", "close", "2023-01-it", "--yes"]).ok();
    let closed = folder.run(&["new", "update", "--incident", "2023-01-it"]);
    assert!(closed.code == 1 && closed.err.contains("reopen"), "{}", closed.err);
    // With several publishers one has to be named.
    let config = folder.read("channels.toml");
    folder.write(
        "channels.toml",
        &format!("{config}\n[publisher.werl]\nname = \"Stadt Werl\"\nlanguages = [\"en\"]\n").replace(
            "kind = \"website\"",
            "kind = \"website\"\npublishers = [\"potsdam\", \"werl\"]",
        ),
    );
    let which = folder.run(&["new", "first"]);
    assert!(which.code == 2 && which.err.contains("--publisher"), "{}", which.err);
    let werl = folder.run(&["new", "--publisher", "werl"]).ok().out;
    // In the publisher's own language, whatever the terminal's.
    assert!(
        werl.contains("publisher = \"werl\"") && werl.contains("First notice by Stadt Werl"),
        "{werl}"
    );
    folder.write("w.toml", &filled(&werl, &[WORDS, &[("phone", "115")]].concat()));
    folder.run(&["preview", "w.toml"]).ok();
}
