//! `init`: questions, answers, and what it never overwrites.

use super::*;

#[test]
fn init_makes_configuration_key_and_sheet_and_says_what_is_public() {
    let folder = Empty::new();
    folder.write("antworten.toml", ANSWERS);
    let said = folder.german(&["init", "--answers", "antworten.toml"]).ok();
    let names: Vec<String> = tree(folder.path()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "antworten.toml",
            "channels.toml",
            "data/rundruf.key",
            "notfallblatt.html"
        ]
    );
    for text in [
        "channels.toml",
        "data/rundruf.key",
        "notfallblatt.html",
        "https://potsdam-info.invalid/potsdam/",
        "feed.rss",
        "Niemals öffentlich",
        "127.0.0.1:8081",
        "das Netz",
        "in Ordnung",
        "publisher.potsdam.imprint.email",
        "NOTFALLBLATT Landeshauptstadt Potsdam",
        "new first > meldung.toml",
    ] {
        assert!(said.out.contains(text), "{text}: {}", said.out);
    }
    let config = folder.read("channels.toml");
    for line in [
        "[publisher.potsdam]",
        "name = \"Landeshauptstadt Potsdam\"",
        "land = \"BB\"",
        "phone = \"+49 331 2890\"",
        "url = \"https://potsdam-info.invalid\"",
        "targets = [\"file:public\"]",
        "own_domains = [\"potsdam.invalid\"]",
        "# Rundruf für Landeshauptstadt Potsdam",
    ] {
        assert!(config.contains(line), "{line}: {config}");
    }
    // Proposed in the imprint: name and phone.
    assert_eq!(config.matches("\"Landeshauptstadt Potsdam\"").count(), 2);
    assert_eq!(config.matches("\"+49 331 2890\"").count(), 2);
    assert!(config.lines().count() < 60, "{config}");
    for (file, mode) in [("channels.toml", 0o600), ("data/rundruf.key", 0o600), ("data", 0o700)] {
        use std::os::unix::fs::PermissionsExt;
        let found = std::fs::metadata(folder.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(found & 0o777, mode, "{file}");
    }
    assert_eq!(folder.run(&["status"]).code, 0);
}

#[test]
fn init_answers_in_json_too_and_in_english() {
    let folder = Empty::new();
    folder.write("a.toml", ANSWERS);
    let json = folder.run(&["init", "--answers", "a.toml", "--json"]).ok().json();
    assert_eq!(json["config"], "channels.toml");
    assert_eq!(json["sheet"], "emergency-sheet.html");
    assert_eq!(json["public"][0], "https://potsdam-info.invalid/potsdam/");
    assert_eq!(json["check"]["ok"], true);
    let found = json["check"]["findings"].as_array().unwrap();
    assert!(
        found
            .iter()
            .any(|f| f["about"] == "counterparts" && f["level"] == "note" && f["ok"] == true),
        "{found:?}"
    );
    let english = Empty::new();
    english.write("a.toml", ANSWERS);
    let said = english.run(&["init", "--answers", "a.toml"]).ok().out;
    assert!(
        said.contains("EMERGENCY SHEET") && said.contains("Never public"),
        "{said}"
    );
    assert!(english.read("channels.toml").contains("The public address"));
}

#[test]
fn init_without_anybody_to_ask_says_how() {
    let folder = Empty::new();
    let refused = folder.run(&["init"]);
    assert_eq!(refused.code, 2);
    for text in [
        "no terminal",
        "init --answers FILE",
        "represented_by",
        "target = \"file:public\"",
    ] {
        assert!(refused.err.contains(text), "{text}: {}", refused.err);
    }
    assert!(tree(folder.path()).is_empty());
    // The sample it shows is one that works, with the proposals for what it leaves out.
    let sample = refused.err.split_once("like this:\n").unwrap().1;
    folder.write("a.toml", sample);
    folder.run(&["init", "--answers", "a.toml"]).ok();
    assert_eq!(
        folder
            .run(&["init", "--answers", "nirgends.toml", "--config", "x.toml"])
            .code,
        2
    );
}

#[test]
fn init_on_an_existing_configuration_changes_nothing() {
    let folder = set_up();
    folder.write("channels.toml", "# von Hand\n");
    let before = tree(folder.path());
    for args in [&["init", "--answers", "antworten.toml"][..], &["init"]] {
        let refused = folder.german(args);
        assert_eq!(refused.code, 1, "{args:?}");
        for text in ["channels.toml", "nichts wurde geändert", "init --sheet"] {
            assert!(refused.err.contains(text), "{text}: {}", refused.err);
        }
        assert!(tree(folder.path()) == before, "{args:?}");
    }
}

#[test]
fn a_key_that_is_there_stays() {
    let folder = Empty::new();
    folder.write("a.toml", ANSWERS);
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let key = folder.path().join("data/rundruf.key");
    std::fs::write(&key, [7; 32]).unwrap();
    folder.run(&["init", "--answers", "a.toml"]).ok();
    assert_eq!(std::fs::read(&key).unwrap(), [7; 32]);
}

#[test]
fn each_bad_answer_of_a_file_is_named_with_line_and_remedy() {
    // A line of the file, what stands there instead, the key and words of the fault.
    for (line, instead, key, said) in [
        (1, "", "name", "missing"),
        (1, "nmae = \"Potsdam\"", "nmae", "Did you mean \"name\""),
        (1, "name = \"\"", "name", "empty"),
        (2, "land = \"Preußen\"", "land", "Brandenburg"),
        (2, "land = 7", "land", "a text in quotation marks"),
        (3, "phone = 115", "phone", "a text in quotation marks"),
        (3, "phone = \"siehe Aushang\"", "phone", "no phone number"),
        (4, "url = \"potsdam-info.invalid\"", "url", "no complete address"),
        (4, "url = \"https://a.invalid/?x=1\"", "url", "public address"),
        (5, "target = \"public\"", "target", "file:FOLDER"),
        (5, "target = []", "target", "empty"),
        (5, "target = { url = \"file:x\", lnk = true }", "target", "link"),
        (6, "imprint = \"steht aus\"", "imprint", "a table"),
        (7, "strasse = \"Am Markt 1\"", "imprint.strasse", "address"),
        (9, "email = \"post\"", "imprint.email", "no mail address"),
        (
            10,
            "responsible = \"\\u001b[D\"",
            "imprint.responsible",
            "control character",
        ),
    ] {
        let lines = ANSWERS.lines().enumerate().filter(|(n, _)| line != 6 || *n < 5);
        let mut text: Vec<&str> = lines.map(|(n, l)| if n + 1 == line { instead } else { l }).collect();
        if line == 6 {
            text.push(instead);
        }
        let folder = Empty::new();
        folder.write("a.toml", &text.join("\n"));
        let refused = folder.run(&["init", "--answers", "a.toml"]);
        assert_eq!(refused.code, 2, "{instead}: {}", refused.out);
        let place = if instead.is_empty() {
            "a.toml: ".to_owned()
        } else {
            format!("a.toml:{line}: ")
        };
        let fault = refused.err.lines().find(|l| l.starts_with(&format!("{place}{key}: ")));
        let fault = fault.unwrap_or_else(|| panic!("{instead}: {}", refused.err));
        assert!(fault.contains(said), "{instead}: {fault}");
        let json = folder.run(&["init", "--answers", "a.toml", "--json"]);
        assert_eq!(json.code, 2);
        assert!(!json.json()["problems"].as_array().unwrap().is_empty());
        assert_eq!(tree(folder.path()).len(), 1, "{instead} left something behind");
    }
}

#[test]
fn a_remote_target_is_taken_as_the_website_kind_reads_it() {
    let folder = Empty::new();
    folder.write("sftp.pw", "geheim\n");
    let target = "target = { url = \"sftp://127.0.0.1:1/htdocs\", username = \"web1\", password_file = \"sftp.pw\" }";
    folder.write("a.toml", &ANSWERS.replace("target = \"file:public\"", target));
    let said = folder.run(&["init", "--answers", "a.toml"]).ok();
    assert!(folder.read("channels.toml").contains("username = \"web1\""));
    assert!(
        said.out.contains("! ") && !folder.read("channels.toml").contains("geheim"),
        "{}",
        said.out
    );
    // The same with an imprint that is not there would be refused; the key is needed here, too.
    folder.write("ohne.toml", ANSWERS.split("[imprint]").next().unwrap());
    let refused = folder.run(&["init", "--answers", "ohne.toml", "--config", "b.toml"]);
    assert!(refused.code == 2 && refused.err.contains("imprint"), "{}", refused.err);
}

#[test]
fn what_cannot_be_finished_can_be_begun_again() {
    let folder = Empty::new();
    folder.write("antworten.toml", ANSWERS);
    let init = &["init", "--answers", "antworten.toml"];
    // Something that is there already does not go together with the answers.
    std::fs::create_dir(folder.path().join("channels.d")).unwrap();
    folder.write(
        "channels.d/a.toml",
        "[channel.website]\nkind = \"website\"\ntargets = [\"file:x\"]\n",
    );
    assert_ne!(folder.run(init).code, 0);
    assert!(!folder.path().join("channels.toml").exists());
    std::fs::remove_dir_all(folder.path().join("channels.d")).unwrap();
    // The sheet has no place.
    std::fs::create_dir(folder.path().join("notfallblatt.html")).unwrap();
    let refused = folder.german(init);
    assert!(
        refused.code == 1 && refused.err.contains("notfallblatt.html"),
        "{refused:?}"
    );
    assert!(!folder.path().join("channels.toml").exists());
    std::fs::remove_dir(folder.path().join("notfallblatt.html")).unwrap();
    let done = folder.german(init).ok();
    assert!(done.out.contains("liegt bisher nur im Ordner public"), "{}", done.out);
}
