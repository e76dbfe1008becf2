//! The rules of the house that a compiler does not know: how long a file may be, which words stand in no template.

use super::support::root;
use std::fs;
use std::path::{Path, PathBuf};

/// A file says one thing; past this many lines it says several.
const LONGEST: usize = 400;

/// Files that may be longer, each with its reason (a table, say).
const LONGER: &[(&str, &str)] = &[
    (
        "tests/it/lane_runner.rs",
        "the model behind the trait, and what runs on it",
    ),
    (
        "tests/it/model/mod.rs",
        "the model's rows; its duties have files of their own",
    ),
    (
        "tests/proof/sequences.rs",
        "one random history and its comparison, read together",
    ),
];

/// Words that promise or frighten more than a city can know. They stand in no template.
const BANNED: &[&str] = &["Entwarnung", "Warnung", "Alarm", "Gefahr"];

/// Every file under `folder` with one of these endings, in order; none when there is no folder.
pub fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if endings.is_empty() || endings.iter().any(|e| path.extension().is_some_and(|x| x == *e)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The path as it is written in the project: `src/text/mod.rs`.
pub fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

#[test]
fn no_source_file_is_longer_than_400_lines() {
    let mut complaints = Vec::new();
    let mut excused: Vec<&str> = LONGER.iter().map(|(file, _)| *file).collect();
    let folders = ["src", "tests", "benches"].map(|folder| files(&root().join(folder), &["rs"]));
    for path in folders.into_iter().flatten() {
        let (name, lines) = (name(&path), fs::read_to_string(&path).unwrap().lines().count());
        let excuse = excused.iter().position(|file| *file == name);
        match (lines > LONGEST, excuse) {
            (true, None) => complaints.push(format!("{name} has {lines} lines: which duty wants a room of its own?")),
            (true, Some(i)) => drop(excused.remove(i)),
            (false, _) => {}
        }
    }
    complaints.extend(
        excused
            .iter()
            .map(|file| format!("{file} needs no excuse in LONGER any more")),
    );
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<String> = files(&root().join("src"), &["rs"])
        .into_iter()
        .filter(|path| !fs::read_to_string(path).unwrap().trim_start().starts_with("//!"))
        .map(|path| name(&path))
        .collect();
    assert!(
        silent.is_empty(),
        "without a module head (//! what it is for, what it may import): {silent:?}"
    );
}

#[test]
fn no_template_promises_or_frightens() {
    let complaints: Vec<String> = files(&root().join("templates"), &[])
        .iter()
        .flat_map(|path| {
            let text = fs::read(path)
                .map(|b| String::from_utf8_lossy(&b).into_owned())
                .unwrap();
            banned(&text)
                .into_iter()
                .map(move |(line, word)| format!("{}:{line}: {word}", name(path)))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(
        complaints.is_empty(),
        "words that stand in no template:\n{}",
        complaints.join("\n")
    );
}

#[test]
fn every_standing_word_stands_somewhere() {
    let mut source = String::new();
    for (folder, ending) in [("src", "rs"), ("templates", "hbs")] {
        for path in files(&root().join(folder), &[ending]) {
            source += &fs::read_to_string(path).unwrap();
        }
    }
    let words = fs::read_to_string(root().join("templates/de/words.toml")).unwrap();
    let words: toml::Table = words.parse().unwrap();
    let mut idle = Vec::new();
    for (table, keys) in &words {
        for key in keys.as_table().unwrap().keys() {
            // By its whole name, or by the second half, where the first names a list.
            let said = [format!("\"{table}.{key}\""), format!("\"{key}\"")];
            if !said.iter().any(|said| source.contains(said)) {
                idle.push(format!("{table}.{key}"));
            }
        }
    }
    // Put together from a list and a kind of their own: of a language's name, of a notice that corrects nothing named.
    idle.retain(|key| !key.starts_with("language.in-") && !key.ends_with("-bare"));
    assert!(idle.is_empty(), "nothing says {idle:?}");
}

/// The banned words of a text with their lines, also as part of a compound: Warnungen, Unwetterwarnung, Gefahrenlage. A
/// participle like "heruntergefahren" is none.
pub fn banned(text: &str) -> Vec<(usize, String)> {
    let is_banned = |word: &str| {
        BANNED.iter().any(|b| {
            word.starts_with(b) || word.to_lowercase().ends_with(&b.to_lowercase()) || word == b.to_uppercase()
        })
    };
    text.lines()
        .enumerate()
        .flat_map(|(i, line)| {
            line.split(|c: char| !c.is_alphabetic())
                .filter(|w| is_banned(w))
                .map(move |w| (i + 1, w.to_owned()))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn banned_words_are_found_in_compounds_and_not_in_participles() {
    let words = |text: &str| banned(text).into_iter().map(|(_, word)| word).collect::<Vec<_>>();
    assert_eq!(words("Es gibt Entwarnung."), ["Entwarnung"]);
    assert_eq!(
        words("Warnungen, Unwetterwarnung, Gefahrenlage, Lebensgefahr, ALARM, alarm"),
        [
            "Warnungen",
            "Unwetterwarnung",
            "Gefahrenlage",
            "Lebensgefahr",
            "ALARM",
            "alarm"
        ]
    );
    assert!(words("Die Server sind heruntergefahren; gefahren wird nach Plan.").is_empty());
    assert_eq!(banned("a\nb Gefahr")[0].0, 2);
}

#[test]
fn no_standing_word_is_unused() {
    let words: toml::Table = fs::read_to_string(root().join("templates/de/words.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let text = |folder: &str, endings: &[&str]| -> String {
        let files = files(&root().join(folder), endings);
        files.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
    };
    let used = text("templates", &["hbs"]) + &text("src", &["rs"]);
    // Tables of closed lists are read by the words of the domain (`render::words` has the test for those).
    let mut unused = Vec::new();
    for table in [
        "page", "quiet", "wall", "archive", "feed", "as-of", "next", "fate", "places",
    ] {
        for key in words[table].as_table().unwrap().keys() {
            if !used.contains(&format!("\"{table}.{key}\"")) && !used.contains(&format!("\"{key}\"")) {
                unused.push(format!("{table}.{key}"));
            }
        }
    }
    assert!(unused.is_empty(), "{unused:?}");
}
