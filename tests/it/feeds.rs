//! The feeds: the same notices in three formats, read back by readers that know nothing of ours, and held against their schemas.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::support::{self, fixture};
use fixture::{CASE_C, UGLY_NOW, publisher, site, source, text, ugly};
use rundruf::formats::Site;

const AFTER_C: &str = "2023-10-30T10:00:00Z";

fn case_c() -> Site {
    site(&[source(&publisher("soest", "Kreis Soest"), &CASE_C, AFTER_C)], AFTER_C)
}

fn ugly_site() -> Site {
    site(&[ugly()], UGLY_NOW)
}

/// Every feed of a site by its ending.
fn feeds<'a>(site: &'a Site, ending: &'a str) -> impl Iterator<Item = (&'a String, &'a [u8])> {
    site.files
        .iter()
        .filter(move |(path, _)| path.ends_with(ending))
        .map(|(path, file)| (path, &file.bytes[..]))
}

#[test]
fn feed_rs_reads_the_same_entries_in_all_three_formats() {
    for (site, folder) in [
        (case_c(), "soest/"),
        (case_c(), "soest/2023-10-it/"),
        (ugly_site(), "potsdam/"),
    ] {
        let read = |kind: &str| {
            let feed = feed_rs::parser::parse(text(&site, &format!("{folder}feed.{kind}")).as_bytes()).unwrap();
            feed.entries
                .into_iter()
                .map(|e| {
                    (
                        e.id,
                        e.title.map(|t| t.content),
                        e.links.first().map(|l| l.href.clone()),
                        e.published,
                    )
                })
                .collect::<Vec<_>>()
        };
        let atom = read("atom");
        assert_eq!(atom, read("rss"), "{folder}");
        assert_eq!(atom, read("json"), "{folder}");
        assert!(!atom.is_empty());
    }
}

#[test]
fn one_entry_a_notice_newest_first_and_what_is_overtaken_says_so() {
    let site = case_c();
    let feed = feed_rs::parser::parse(text(&site, "soest/feed.atom").as_bytes()).unwrap();
    let titles: Vec<_> = feed.entries.iter().map(|e| e.title.clone().unwrap().content).collect();
    assert_eq!(titles.len(), 4);
    assert!(titles[0].starts_with("Soest: Bürgerbüro geschlossen"));
    assert_eq!(titles[3], "Überholt: Alle Ämter der Stadt Soest sind geöffnet");
    let (first, newest) = (&feed.entries[3], &feed.entries[0]);
    assert_eq!(first.updated, newest.published, "an overtaken notice shows again");
    assert!(
        first
            .content
            .as_ref()
            .unwrap()
            .body
            .as_ref()
            .unwrap()
            .contains("Überholt seit 10:16 Uhr:")
    );
    let lippetal = feed_rs::parser::parse(text(&site, "soest/place/lippetal/feed.rss").as_bytes()).unwrap();
    assert_eq!(lippetal.entries.len(), 1, "a place's feed has what concerns it");
}

#[test]
fn ids_do_not_change_when_a_later_notice_arrives() {
    let soest = publisher("soest", "Kreis Soest");
    let ids = |count: usize| {
        let site = site(&[source(&soest, &CASE_C[..count], AFTER_C)], AFTER_C);
        let feed = feed_rs::parser::parse(text(&site, "soest/feed.rss").as_bytes()).unwrap();
        feed.entries.into_iter().rev().map(|e| e.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(2), ids(4)[..2]);
    assert_eq!(ids(1), ["tag:info.potsdam.example,2023-10-30:soest/2023-10-it/1"]);
}

#[test]
fn ugly_feeds_are_snapshots() {
    let site = ugly_site();
    for kind in ["rss", "atom", "json"] {
        insta::assert_snapshot!(format!("ugly_{kind}"), text(&site, &format!("potsdam/feed.{kind}")));
    }
}

#[test]
fn atom_and_json_feeds_pass_their_schemas() {
    let Some(cases) = support::cases() else { return };
    let folder = tempfile::tempdir().unwrap();
    let quiet = site(&[source(&publisher("potsdam", "Potsdam"), &[], AFTER_C)], AFTER_C);
    let (mut atoms, mut jsons) = (Vec::new(), Vec::new());
    for (name, site) in [("c", case_c()), ("ugly", ugly_site()), ("quiet", quiet)] {
        fixture::write(&site, &folder.path().join(name));
        atoms.extend(feeds(&site, ".atom").map(|(path, _)| folder.path().join(name).join(path)));
        jsons.extend(feeds(&site, "feed.json").map(|(path, _)| folder.path().join(name).join(path)));
        for (path, bytes) in feeds(&site, ".rss") {
            let channel = rss::Channel::read_from(bytes).unwrap();
            assert!(
                channel
                    .items
                    .iter()
                    .all(|i| i.guid.as_ref().is_some_and(|g| !g.permalink)),
                "{path}"
            );
        }
    }
    assert_valid(&cases, &atoms, &jsons);
}

/// Holds files against the schemas of `../shared/cases`.
pub(super) fn assert_valid(cases: &Path, atoms: &[PathBuf], jsons: &[PathBuf]) {
    let schema = cases.join("feeds/rfc4287.rng");
    match Command::new("xmllint")
        .args(["--noout", "--nonet", "--relaxng"])
        .arg(schema)
        .args(atoms)
        .output()
    {
        Err(_) => support::skipped("xmllint not installed"),
        Ok(done) => assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr)),
    }
    python("import jsonschema", "jsonschema", |python| {
        for json in jsons {
            let schema = cases.join("feeds/feed-1.1.schema.json");
            let script = "import json,sys,jsonschema,referencing
s,old,feed=[json.load(open(f)) for f in sys.argv[1:]]
old=referencing.Resource.from_contents(old)
r=referencing.Registry().with_resource('https://json.schemastore.org/feed-1',old)
jsonschema.Draft7Validator(s,registry=r).validate(feed)";
            let done = Command::new(python)
                .args(["-c", script])
                .arg(schema)
                .arg(cases.join("feeds/feed-1.schema.json"))
                .arg(json)
                .output()
                .unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
    });
}

#[test]
fn feedparser_reads_them_like_feed_rs() {
    let folder = tempfile::tempdir().unwrap();
    let site = case_c();
    fixture::write(&site, folder.path());
    python("import feedparser", "feedparser", |python| {
        let script = "import json,sys,feedparser\nf=feedparser.parse(sys.argv[1])\nassert not f.bozo, f.bozo_exception\nprint(json.dumps([[e.id,e.title,e.link] for e in f.entries]))";
        for kind in ["rss", "atom"] {
            let file = format!("soest/feed.{kind}");
            let done = Command::new(python)
                .args(["-c", script])
                .arg(folder.path().join(&file))
                .output()
                .unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            let theirs: Vec<[String; 3]> = serde_json::from_slice(&done.stdout).unwrap();
            let ours: Vec<[String; 3]> = feed_rs::parser::parse(text(&site, &file).as_bytes())
                .unwrap()
                .entries
                .into_iter()
                .map(|e| [e.id, e.title.unwrap().content, e.links[0].href.clone()])
                .collect();
            assert_eq!(theirs, ours, "{kind}");
        }
    });
}

/// Runs with the Python that has this package, or says aloud that nothing was looked at.
pub(super) fn python(import: &str, package: &str, look: impl FnOnce(&Path)) {
    let python = support::python();
    let there = Command::new(&python)
        .args(["-c", import])
        .stderr(Stdio::null())
        .status();
    if there.is_ok_and(|s| s.success()) {
        look(&python);
    } else {
        support::skipped(&format!("{package} not installed"));
    }
}
