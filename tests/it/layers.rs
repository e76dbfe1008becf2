//! The floors of the house (ARCHITECTURE.md): a module imports only from floors below its own, and on its own floor never in
//! a circle. Read from the sources: every path that begins at the crate's root, whether by `use`, in a group, or in the middle
//! of an expression, and `super::super::` that climbs there.

mod source;

use super::house::{files, name};
use super::support::root;
use source::{Token, tokens};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The modules of each floor, from the ground up. A new module gets its place here.
const FLOORS: &[&[&str]] = &[
    &["text", "clock", "ids", "secret", "processor", "metrics"],
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

/// The names of the `macro_rules!` that a source defines. An exported one is called by the crate's root, wherever it stands;
/// it counts as its module.
fn macros(source: &str) -> Vec<String> {
    let word = |name: &str| Token::Word(name.to_owned());
    tokens(source)
        .windows(3)
        .filter(|w| w[0].1 == word("macro_rules") && w[1].1 == Token::Mark('!'))
        .filter_map(|w| match &w[2].1 {
            Token::Word(name) => Some(name.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn no_module_imports_from_above_or_in_a_circle() {
    let src = root().join("src");
    let (mut all, mut said, mut homes) = (Vec::new(), Vec::new(), BTreeMap::new());
    for file in files(&src, &["rs"]) {
        let path = module_path(file.strip_prefix(&src).unwrap());
        if path == ["lib"] {
            continue;
        }
        if floor(&path[0]).is_none() {
            said.push(format!(
                "{}: module `{}` has no floor yet; give it one in FLOORS",
                name(&file),
                path[0]
            ));
        }
        let source = fs::read_to_string(&file).unwrap();
        homes.extend(macros(&source).into_iter().map(|m| (m, path[0].clone())));
        all.extend(imports(&path, &name(&file), &source));
    }
    for import in &mut all {
        if let Some(home) = homes.get(&import.to).filter(|_| floor(&import.to).is_none()) {
            import.to.clone_from(home);
        }
    }
    said.extend(complaints(&all));
    assert!(said.is_empty(), "\n{}", said.join("\n"));
}

/// The modules that a source of the module `path` names from the crate's root.
fn seen(path: &[&str], source: &str) -> Vec<String> {
    let path: Vec<String> = path.iter().map(ToString::to_string).collect();
    imports(&path, "x.rs", source).into_iter().map(|i| i.to).collect()
}

#[test]
fn paths_are_found_wherever_they_stand() {
    assert_eq!(seen(&["lane"], "use crate::store::Store;"), ["store"]);
    assert_eq!(seen(&["lane"], "pub(crate) use crate::store as s;"), ["store"]);
    assert_eq!(
        seen(
            &["lane"],
            "use crate::{\n    clock::{Clock, web}, store,\n    domain as d, self,\n};"
        ),
        ["clock", "store", "domain"]
    );
    assert_eq!(
        seen(
            &["lane"],
            "fn f(x: &crate::web::Page) { crate::text::len(\"crate::app\") }"
        ),
        ["web", "text"]
    );
    assert_eq!(
        seen(&["lane"], "macro_rules! m { () => { $crate::clock::now() } }"),
        ["clock"]
    );
    assert_eq!(seen(&["lane"], "use crate::*;"), ["*"]);
    assert_eq!(
        seen(&["main"], "fn main() { ::rundruf::cli::run(); rundruf::app::x() }"),
        ["cli", "app"]
    );
}

#[test]
fn an_exported_macro_is_found_in_its_module() {
    assert_eq!(
        macros("// macro_rules! no\n#[macro_export]\nmacro_rules! said { () => {} }"),
        ["said"]
    );
}

#[test]
fn super_counts_when_it_climbs_out_of_the_module() {
    assert_eq!(seen(&["lane", "claim"], "use super::super::web::Page;"), ["web"]);
    assert_eq!(seen(&["lane"], "use super::web;"), ["web"]);
    assert!(seen(&["lane", "claim"], "use super::gate; use self::parts::x;").is_empty());
    assert!(seen(&["lane"], "mod tests { use super::*; fn f() {} }").is_empty());
    assert_eq!(
        seen(
            &["lane"],
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
    assert_eq!(seen(&["lane"], source), ["text"]);
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
