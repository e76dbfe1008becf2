//! Bad configurations: each is refused with its place and with what to do; no secret is ever repeated.

mod cases;

use std::path::Path;

use rundruf::channel::registry::configure;
use rundruf::domain::problem::Problem;

use super::support::root;
pub use cases::BAD;

/// A configuration, where the fault stands (0: no line), a piece of what is said of it and a piece of the remedy.
pub struct Bad {
    /// What is wrong, for failures of the test.
    pub name: &'static str,
    /// channels.toml.
    pub toml: &'static str,
    /// Line of the fault.
    pub line: usize,
    /// What is said, in English.
    pub what: &'static str,
    /// What to do, in English.
    pub remedy: &'static str,
}

const fn bad(name: &'static str, toml: &'static str, line: usize, what: &'static str, remedy: &'static str) -> Bad {
    Bad {
        name,
        toml,
        line,
        what,
        remedy,
    }
}

/// Put in front of cases that need a publisher: one line.
pub const P: &str = "publisher.stadt.name = \"Stadt\"\n";

fn problems(toml: &[u8]) -> Vec<Problem> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("channels.toml");
    std::fs::write(&file, toml).unwrap();
    refused(&file, dir.path())
}

/// The problems of a configuration that must be refused; nothing may have been written.
fn refused(file: &Path, dir: &Path) -> Vec<Problem> {
    let data = dir.join("data");
    let problems = configure(file, &data).err().unwrap_or_default();
    assert!(!problems.is_empty(), "accepted: {}", file.display());
    assert!(!data.exists(), "something was written");
    problems
}

#[test]
fn every_fault_has_its_place_and_a_remedy() {
    for case in BAD {
        let found = problems(format!("{P}{}", case.toml).as_bytes());
        let lines: Vec<String> = found.iter().map(|problem| problem.line_for(false)).collect();
        let hit = found.iter().any(|problem| {
            problem.line == Some(case.line)
                && problem.what.en.contains(case.what)
                && problem.remedy.en.contains(case.remedy)
                && !problem.what.de.is_empty()
                && !problem.remedy.de.is_empty()
        });
        assert!(hit, "{}: {lines:#?}", case.name);
        assert!(
            !format!("{found:?}").contains("pass-word-1"),
            "{}: a secret is repeated",
            case.name
        );
    }
}

#[test]
fn how_long_results_are_kept_is_a_time_or_for_ever() {
    for wrong in ["6d", "immer", "0d", "90"] {
        let found = problems(format!("{P}[store]\nkeep = \"{wrong}\"\n").as_bytes());
        assert_eq!(found[0].line, Some(3), "{wrong}");
        assert!(found[0].remedy.en.contains("at least seven days"), "{found:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("channels.toml");
    let kept = |store: &str| {
        let website = "[channel.website]\nkind = \"website\"\ntargets = [\"file:x\"]\n";
        std::fs::write(&file, format!("{P}{store}{website}")).unwrap();
        let keep = configure(&file, &dir.path().join("data")).unwrap().0.store.keep;
        keep.map(|keep| keep.as_secs() / 86_400)
    };
    assert_eq!(kept(""), Some(90));
    assert_eq!(kept("[store]\nkeep = \"365d\"\n"), Some(365));
    assert_eq!(kept("[store]\nkeep = \"forever\"\n"), None);
}

#[test]
fn all_faults_are_told_at_once() {
    let toml =
        format!("{P}[site]\nulr = \"x\"\n[serve]\nlisten = \"x\"\n[channel.a]\nkind = \"emial\"\nrate = \"x\"\n");
    let found: Vec<_> = problems(toml.as_bytes()).iter().map(|p| p.line).collect();
    assert_eq!(found, [Some(3), Some(5), Some(7), Some(8)]);
}

#[test]
fn two_files_with_one_channel_are_both_named() {
    let dir = tempfile::tempdir().unwrap();
    let channel = "[channel.sms]\nkind = \"website\"\ntargets = [\"file:x\"]\n";
    std::fs::write(dir.path().join("channels.toml"), format!("{P}{channel}")).unwrap();
    std::fs::create_dir(dir.path().join("channels.d")).unwrap();
    std::fs::write(dir.path().join("channels.d/sms.toml"), channel).unwrap();
    let found = refused(&dir.path().join("channels.toml"), dir.path());
    let line = found[0].line_for(false);
    assert!(
        line.contains("channels.toml:2") && line.contains("channels.d/sms.toml:1"),
        "{line}"
    );
}

#[test]
fn files_beyond_all_measure() {
    let huge = vec![b'#'; 10 << 20];
    assert!(problems(&huge)[0].what.en.contains("larger than 1 MB"));
    let deep = format!("{P}[site]\nurl = {}{}\n", "[".repeat(1_000), "]".repeat(1_000));
    assert_eq!(problems(deep.as_bytes())[0].line, Some(3));
    let dotted = format!("{}x = 1\n", "a.".repeat(1_000));
    assert!(!problems(dotted.as_bytes()).is_empty());
    let latin1 = b"publisher.stadt.name = \"Stadt\"\n[site]\n# M\xfcnchen\n";
    assert_eq!(problems(latin1)[0].line, Some(3));
    assert!(!problems(b"\0\0\0").is_empty());
    assert!(!problems(b"").is_empty());
}

#[test]
fn a_file_that_is_not_there_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let found = refused(&dir.path().join("nowhere.toml"), dir.path());
    assert!(found[0].remedy.en.contains("--config"), "{found:?}");
}

#[test]
fn the_default_file_starts() {
    let dir = tempfile::tempdir().unwrap();
    let (settings, channels) = configure(&root().join("channels.toml"), dir.path()).unwrap();
    assert_eq!(settings.publishers.len(), 1);
    assert_eq!(channels.len(), 1);
    // Whatever is commented out is right too.
    let text = std::fs::read_to_string(root().join("channels.toml")).unwrap();
    for key in rundruf::settings::COMMON {
        assert!(
            text.contains(key) || *key == "publishers",
            "{key} is not in channels.toml"
        );
    }
}
