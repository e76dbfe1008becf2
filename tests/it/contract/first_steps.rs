//! From an empty folder to the first own page, without any network: `init`, `new`, `publish`; each wrong answer with its
//! reason; the emergency sheet.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::tree;
use crate::support::app::Answer;
use crate::support::{root, skipped};

/// A folder with nothing in it.
struct Empty(tempfile::TempDir);

impl Empty {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn command(&self, lang: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rundruf"));
        command
            .args(args)
            .current_dir(self.path())
            .env("LANG", lang)
            .env_remove("LC_ALL")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Answer {
        answer(&self.command("C.UTF-8", args).output().unwrap())
    }

    fn german(&self, args: &[&str]) -> Answer {
        answer(&self.command("de_DE.UTF-8", args).output().unwrap())
    }
}

fn answer(output: &std::process::Output) -> Answer {
    Answer {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The six answers; the address is one that nobody can look up.
const ANSWERS: &str = "name = \"Landeshauptstadt Potsdam\"\nland = \"BB\"\nphone = \"+49 331 2890\"\nurl = \"https://potsdam-info.invalid\"\ntarget = \"file:public\"\n[imprint]\naddress = \"Am Markt 1, 14467 Potsdam\"\nrepresented_by = \"Oberbürgermeister Muster\"\nemail = \"post@potsdam.invalid\"\nresponsible = \"Pressestelle, Am Markt 1, 14467 Potsdam\"\n";

/// A folder in which `init` has been run.
fn set_up() -> Empty {
    let folder = Empty::new();
    folder.write("antworten.toml", ANSWERS);
    folder.run(&["init", "--answers", "antworten.toml"]).ok();
    folder
}

/// The form with its waiting lines filled in, in the order of the file.
fn filled(form: &str, words: &[(&str, &str)]) -> String {
    form.lines()
        .map(
            |line| match line.strip_suffix(" = \"…\"").filter(|key| !key.starts_with('#')) {
                Some(key) => {
                    let (_, word) = words
                        .iter()
                        .find(|(k, _)| *k == key)
                        .unwrap_or_else(|| panic!("nobody knows what to write for {key}"));
                    format!("{key} = \"{word}\"\n")
                }
                None => format!("{line}\n"),
            },
        )
        .collect()
}

const WORDS: &[(&str, &str)] = &[
    ("headline", "Die IT ist abgeschaltet"),
    ("since", "06:00"),
    ("summary", "Das Bürgerbüro ist offen, kann aber nur beraten."),
    ("next", "23:59"),
];

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
    assert!(config.lines().count() < 50, "{config}");
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
    assert_eq!(json["check"]["ok"], false);
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
fn from_nothing_to_the_first_page_and_feed_without_a_network() {
    let folder = set_up();
    let form = folder.german(&["new", "first"]).ok().out;
    folder.write("meldung.toml", &form);
    let unfilled = folder.german(&["preview", "meldung.toml"]);
    assert_eq!(unfilled.code, 1);
    for (n, line) in form
        .lines()
        .enumerate()
        .filter(|(_, l)| l.ends_with("\"…\"") && !l.starts_with('#'))
    {
        let key = line.split(' ').next().unwrap();
        let place = format!("meldung.toml:{}: {key}: Hier steht noch der Platzhalter", n + 1);
        assert!(unfilled.err.contains(&place), "{place}: {}", unfilled.err);
    }
    assert_eq!(unfilled.err.lines().count(), WORDS.len() + 1, "{}", unfilled.err);
    assert_eq!(folder.run(&["publish", "meldung.toml"]).code, 1);
    folder.write("meldung.toml", &filled(&form, WORDS));
    folder.run(&["preview", "meldung.toml"]).ok();
    folder.run(&["publish", "meldung.toml", "--wait"]).ok();
    for file in [
        "public/index.html",
        "public/potsdam/index.html",
        "public/potsdam/feed.rss",
    ] {
        assert!(folder.read(file).contains("Die IT ist abgeschaltet"), "{file}");
    }
    assert!(folder.read("public/potsdam/index.html").contains("+49 331 2890"));
    assert!(
        folder
            .read("public/potsdam/imprint/index.html")
            .contains("Oberbürgermeister Muster")
    );
}

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

#[test]
fn the_emergency_sheet_is_one_page_of_its_own_and_can_be_had_again() {
    let folder = set_up();
    let page = folder.read("emergency-sheet.html");
    let config = std::fs::canonicalize(folder.path()).unwrap().join("channels.toml");
    for text in [
        "https://potsdam-info.invalid",
        "+49 331 2890",
        "115",
        "110",
        "112",
        config.to_str().unwrap(),
        "rundruf.key",
        "new first &gt; notice.toml",
        "publish notice.toml --wait",
        "<svg ",
        "size: A4",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    // Nothing is fetched, nothing runs, and nothing secret stands on it.
    for text in ["src=", "href=", "@import", "url(", "<script"] {
        assert!(!page.contains(text), "{text}");
    }
    assert_eq!(page.matches("<li>").count(), 5);
    std::fs::remove_file(folder.path().join("emergency-sheet.html")).unwrap();
    let config = folder.read("channels.toml");
    folder.write("channels.toml", &config.replace("+49 331 2890", "+49 331 1234"));
    let again = folder.run(&["init", "--sheet"]).ok().out;
    assert!(
        again.contains("+49 331 1234") && again.contains("EMERGENCY SHEET"),
        "{again}"
    );
    let wide: Vec<&str> = again
        .lines()
        .filter(|l| l.chars().count() > 80 && !l.contains('/'))
        .collect();
    assert!(wide.is_empty(), "{wide:?}");
    assert!(folder.read("emergency-sheet.html").contains("+49 331 1234"));
    let german = folder.german(&["init", "--sheet", "--json"]).ok().json();
    assert_eq!(german["sheet"], "notfallblatt.html");
    assert!(folder.read("notfallblatt.html").contains("Die fünf ersten Schritte"));
    // Without a configuration there is nothing to print.
    assert_eq!(Empty::new().run(&["init", "--sheet"]).code, 2);
}

#[test]
fn somebody_at_a_terminal_is_asked_and_asked_again() {
    let typed = "Stadt Werl\nWestfalen\nNordrhein-Westfalen\n+49 2922 8000\nwerl-info.invalid\nhttps://werl-info.invalid\n\n\nHedwig-Dransfeld-Straße 23, 59457 Werl\nBürgermeister Muster\n\npost@werl.invalid\nPressestelle\n";
    let folder = Empty::new();
    let script = root().join("tests/peers/terminal.py");
    let python = Command::new("python3")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_rundruf"))
        .arg("init")
        .current_dir(folder.path())
        .env("LANG", "de_DE.UTF-8")
        .env_remove("LC_ALL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = python else {
        return skipped("somebody at a terminal: python3 not installed");
    };
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), typed.as_bytes()).unwrap();
    let said = answer(&child.wait_with_output().unwrap()).ok().out;
    assert_eq!(said.matches("Das geht nicht").count(), 2, "{said}");
    for text in [
        "1/6  Name",
        "6/6  Impressum: Name",
        "[Stadt Werl] > ",
        "[+49 2922 8000] > ",
        "[file:public] > ",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
    let config = folder.read("channels.toml");
    assert!(
        config.contains("land = \"NW\"") && config.contains("[publisher.werl.imprint]"),
        "{config}"
    );
}
