//! From an empty folder to the first own page, without any network: `init`, `new`, `publish`; each wrong answer with its
//! reason; the emergency sheet.

mod forms;
mod init;

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
