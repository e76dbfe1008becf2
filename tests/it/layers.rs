//! The floors of the house (ARCHITECTURE.md): a module imports only from floors below its own, and on its own floor never in
//! a circle. Read from the sources: every path that begins at the crate's root, whether by `use`, in a group, or in the middle
//! of an expression, and `super::super::` that climbs there.

use super::house::{files, name};
use super::support::root;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The modules of each floor, from the ground up. A new module gets its place here.
const FLOORS: &[&[&str]] = &[
    &["text", "clock", "ids", "secret", "metrics"],
    &["domain", "lane_core"],
    &["store", "render", "formats", "settings", "net"],
    &["channel"],
    &["lane", "publication"],
    &["relay", "web", "sandbox"],
    &["failure", "app", "cli", "main"],
];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

/// A module that names another at one line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Import {
    from: String,
    to: String,
    place: String,
}

/// What is wrong with these imports, one sentence each.
fn complaints(imports: &[Import]) -> Vec<String> {
    let mut said = Vec::new();
    let mut beside: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for Import { from, to, place } in imports {
        match (floor(from), floor(to)) {
            (None, _) => said.push(format!("{place}: `{from}` has no floor yet; give it one in FLOORS")),
            (_, None) => said.push(format!("{place}: `crate::{to}` is no module with a floor")),
            (Some(a), Some(b)) if b > a => {
                said.push(format!(
                    "{place}: `{from}` (floor {a}) imports `{to}` (floor {b}), which is above it"
                ));
            }
            (Some(a), Some(b)) if a == b && from != to => {
                beside.entry(from).or_default().entry(to).or_insert(place);
            }
            _ => {}
        }
    }
    for (from, targets) in &beside {
        for (to, place) in targets {
            if reaches(&beside, to, from) {
                said.push(format!(
                    "{place}: `{from}` and `{to}` (same floor) import each other in a circle"
                ));
            }
        }
    }
    said
}

/// Does `start` import `goal`, directly or by others of its floor?
fn reaches(beside: &BTreeMap<&str, BTreeMap<&str, &str>>, start: &str, goal: &str) -> bool {
    let (mut open, mut seen) = (vec![start], BTreeSet::new());
    while let Some(module) = open.pop() {
        if module == goal {
            return true;
        }
        if seen.insert(module) {
            open.extend(beside.get(module).into_iter().flat_map(BTreeMap::keys));
        }
    }
    false
}

/// The module path of a file under `src`: `text/gsm7.rs` is `[text, gsm7]`, `text/mod.rs` is `[text]`.
fn module_path(file: &Path) -> Vec<String> {
    let mut path: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|p| p.to_string_lossy().into_owned())
        .collect();
    if path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

/// Every import from the crate's root that a source makes, the file's own module included.
fn imports(path: &[String], place: &str, source: &str) -> Vec<Import> {
    let tokens = tokens(source);
    let word = |i: usize| match tokens.get(i) {
        Some((_, Token::Word(w))) => w.as_str(),
        _ => "",
    };
    let is = |i: usize, token: &Token| tokens.get(i).is_some_and(|(_, t)| t == token);
    let mut found = Vec::new();
    // Inline modules around the place, each with the depth of braces at which it ends.
    let (mut inline, mut depth): (Vec<(usize, &str)>, usize) = (Vec::new(), 0);
    for i in 0..tokens.len() {
        match &tokens[i].1 {
            Token::Mark('{') => {
                if i >= 2 && word(i - 2) == "mod" {
                    inline.push((depth, word(i - 1)));
                }
                depth += 1;
            }
            Token::Mark('}') => {
                depth = depth.saturating_sub(1);
                inline.pop_if(|(at, _)| *at == depth);
            }
            _ => {}
        }
        if !is(i + 1, &Token::Path) || (i > 0 && is(i - 1, &Token::Path) && word(i) != "rundruf") {
            continue;
        }
        let mut next = i + 2;
        match word(i) {
            "crate" => {}
            // The binary sees the library as a crate of this name.
            "rundruf" if path == ["main"] => {}
            "super" | "self" => {
                let mut left = path.len() + inline.len();
                let mut at = i;
                while matches!(word(at), "super" | "self") && is(at + 1, &Token::Path) {
                    left = left.saturating_sub(usize::from(word(at) == "super"));
                    at += 2;
                }
                if left > 0 {
                    continue;
                }
                next = at;
            }
            _ => continue,
        }
        let mut to: Vec<(usize, String)> = Vec::new();
        if is(next, &Token::Mark('{')) {
            let mut level = 0;
            for (j, (line, token)) in tokens.iter().enumerate().skip(next) {
                match token {
                    Token::Mark('{') => level += 1,
                    Token::Mark('}') => level -= 1,
                    Token::Word(w) if level == 1 && w != "self" => {
                        if matches!(tokens[j - 1].1, Token::Mark('{' | ',')) {
                            to.push((*line, w.clone()));
                        }
                    }
                    _ => {}
                }
                if level == 0 {
                    break;
                }
            }
        } else if is(next, &Token::Mark('*')) {
            to.push((tokens[next].0, "*".to_owned()));
        } else if !word(next).is_empty() {
            to.push((tokens[next].0, word(next).to_owned()));
        }
        let from = path.first().cloned().unwrap_or_default();
        found.extend(to.into_iter().map(|(line, to)| Import {
            from: from.clone(),
            to,
            place: format!("{place}:{line}"),
        }));
    }
    found
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Path,
    Mark(char),
}

/// The words and marks of a source with their lines; comments, strings, characters and lifetimes left out.
fn tokens(source: &str) -> Vec<(usize, Token)> {
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut i, mut line, mut found) = (0, 1, Vec::new());
    while i < chars.len() {
        let began = i;
        match at(i) {
            '/' if at(i + 1) == '/' => i += chars[i..].iter().take_while(|c| **c != '\n').count(),
            '/' if at(i + 1) == '*' => {
                let mut open = 0;
                loop {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (open, i) = (open + 1, i + 2),
                        ('*', '/') => (open, i) = (open - 1, i + 2),
                        _ => i += 1,
                    }
                    if open == 0 || i >= chars.len() {
                        break;
                    }
                }
            }
            '"' => i = after_string(&chars, i),
            // 'x' and '\n' are characters, 'x without an end is a lifetime.
            '\'' if at(i + 1) == '\\' => {
                i += 3;
                while i < chars.len() && chars[i] != '\'' {
                    i += 1;
                }
                i += 1;
            }
            '\'' if at(i + 2) == '\'' => i += 3,
            'r' | 'b' | 'c' if raw_start(&chars, i).is_some() => i = after_raw(&chars, i),
            ':' if at(i + 1) == ':' => {
                found.push((line, Token::Path));
                i += 2;
            }
            c if c.is_alphanumeric() || c == '_' => {
                i += chars[i..]
                    .iter()
                    .take_while(|c| c.is_alphanumeric() || **c == '_')
                    .count();
                found.push((line, Token::Word(chars[began..i].iter().collect())));
            }
            c => {
                if !c.is_whitespace() {
                    found.push((line, Token::Mark(c)));
                }
                i += 1;
            }
        }
        line += chars[began..i.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    found
}

fn after_string(chars: &[char], start: usize) -> usize {
    let mut i = start + 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// For `r"`, `r##"`, `br#"` and their like: where the quote stands and how many `#` precede it.
fn raw_start(chars: &[char], start: usize) -> Option<(usize, usize)> {
    if start > 0 && (chars[start - 1].is_alphanumeric() || chars[start - 1] == '_') {
        return None;
    }
    let r = chars[start..].iter().take(2).position(|c| *c == 'r')? + start;
    let hashes = chars[r + 1..].iter().take_while(|c| **c == '#').count();
    (chars.get(r + 1 + hashes) == Some(&'"')).then_some((r + 1 + hashes, hashes))
}

fn after_raw(chars: &[char], start: usize) -> usize {
    let Some((quote, hashes)) = raw_start(chars, start) else {
        return start + 1;
    };
    let mut i = quote + 1;
    while i < chars.len()
        && !(chars[i] == '"' && chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes)
    {
        i += 1;
    }
    i + 1 + hashes
}

#[test]
fn no_module_imports_from_above_or_in_a_circle() {
    let src = root().join("src");
    let mut all = Vec::new();
    for file in files(&src, &["rs"]) {
        let path = module_path(file.strip_prefix(&src).unwrap());
        if path == ["lib"] {
            continue;
        }
        assert!(
            floor(&path[0]).is_some(),
            "{}: module `{}` has no floor yet; give it one in FLOORS",
            name(&file),
            path[0]
        );
        all.extend(imports(&path, &name(&file), &fs::read_to_string(&file).unwrap()));
    }
    let said = complaints(&all);
    assert!(said.is_empty(), "\n{}", said.join("\n"));
}

/// The modules that a source of the module `path` names from the crate's root.
fn seen(path: &[&str], source: &str) -> Vec<String> {
    let path: Vec<String> = path.iter().map(ToString::to_string).collect();
    imports(&path, "x.rs", source).into_iter().map(|i| i.to).collect()
}

#[test]
fn paths_are_found_wherever_they_stand() {
    assert_eq!(seen(&["lane", "publication"], "use crate::store::Store;"), ["store"]);
    assert_eq!(
        seen(&["lane", "publication"], "pub(crate) use crate::store as s;"),
        ["store"]
    );
    assert_eq!(
        seen(
            &["lane", "publication"],
            "use crate::{\n    clock::{Clock, web}, store,\n    domain as d, self,\n};"
        ),
        ["clock", "store", "domain"]
    );
    assert_eq!(
        seen(
            &["lane", "publication"],
            "fn f(x: &crate::web::Page) { crate::text::len(\"crate::app\") }"
        ),
        ["web", "text"]
    );
    assert_eq!(
        seen(
            &["lane", "publication"],
            "macro_rules! m { () => { $crate::clock::now() } }"
        ),
        ["clock"]
    );
    assert_eq!(seen(&["lane", "publication"], "use crate::*;"), ["*"]);
    assert_eq!(
        seen(&["main"], "fn main() { ::rundruf::cli::run(); rundruf::app::x() }"),
        ["cli", "app"]
    );
}

#[test]
fn super_counts_when_it_climbs_out_of_the_module() {
    assert_eq!(seen(&["lane", "claim"], "use super::super::web::Page;"), ["web"]);
    assert_eq!(seen(&["lane", "publication"], "use super::web;"), ["web"]);
    assert!(seen(&["lane", "claim"], "use super::gate; use self::parts::x;").is_empty());
    assert!(seen(&["lane", "publication"], "mod tests { use super::*; fn f() {} }").is_empty());
    assert_eq!(
        seen(
            &["lane", "publication"],
            "mod tests { use super::super::web; } use super::{app, cli::x};"
        ),
        ["web", "app", "cli"]
    );
}

#[test]
fn words_in_comments_and_strings_are_no_imports() {
    let source = r###"
        //! See `crate::web`.
        /* crate::web /* crate::web */ crate::web */
        const A: &str = "crate::web \" crate::web"; const B: &str = r#"crate::web " crate::web"#; const C: &[u8] = br"crate::web";
        const D: char = '"'; const E: char = '\''; fn f<'a>(x: &'a str) {} // crate::web
        use other::crate_like::web; use crate::text;
    "###;
    assert_eq!(seen(&["lane", "publication"], source), ["text"]);
}

#[test]
fn upward_circular_and_unknown_imports_are_named_with_their_place() {
    let import = |from: &str, to: &str| Import {
        from: from.into(),
        to: to.into(),
        place: format!("src/{from}.rs:7"),
    };
    assert!(
        complaints(&[
            import("web", "store"),
            import("lane_core", "domain"),
            import("store", "store")
        ])
        .is_empty()
    );
    let up = complaints(&[import("store", "lane")]);
    assert_eq!(
        up,
        ["src/store.rs:7: `store` (floor 2) imports `lane` (floor 4), which is above it"]
    );
    let circle = complaints(&[
        import("render", "formats"),
        import("formats", "settings"),
        import("settings", "render"),
    ]);
    assert_eq!(circle.len(), 3, "{circle:?}");
    assert!(complaints(&[import("web", "utils")])[0].contains("`crate::utils` is no module with a floor"));
    assert!(complaints(&[import("utils", "text")])[0].contains("`utils` has no floor yet"));
}
