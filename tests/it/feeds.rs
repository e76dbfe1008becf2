//! The feeds: the same notices in three formats, read back by readers that know nothing of ours, and held against their schemas.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::contract::tree;
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

/// An entry as a reader sees it: id, title, link, published and updated in seconds.
pub(super) type Read = (String, String, String, i64, Option<i64>);

/// The entries of the three feeds of a folder, once feed-rs and the readers in Python (feedparser for RSS and Atom, which is all it
/// reads; plain JSON for JSON Feed) agree on all of them in all three. RSS has one time only.
pub(super) fn read_alike(folder: &Path) -> Vec<Read> {
    let files = ["rss", "atom", "json"].map(|kind| folder.join(format!("feed.{kind}")));
    let ours = files.each_ref().map(|file| {
        let feed = feed_rs::parser::parse(&std::fs::read(file).unwrap()[..]).unwrap();
        let read = |e: feed_rs::model::Entry| -> Read {
            let has_updated = !file.ends_with("feed.rss");
            (
                e.id,
                e.title.unwrap().content,
                e.links[0].href.clone(),
                e.published.unwrap().timestamp(),
                e.updated.filter(|_| has_updated).map(|at| at.timestamp()),
            )
        };
        feed.entries.into_iter().map(read).collect::<Vec<Read>>()
    });
    let [rss, atom, json] = &ours;
    assert_eq!(atom, json, "{}", folder.display());
    let without = |entries: &[Read]| -> Vec<Read> {
        let bare = |e: &Read| Read::clone(e);
        entries.iter().map(bare).map(|e| (e.0, e.1, e.2, e.3, None)).collect()
    };
    assert_eq!(&without(atom), rss, "{}", folder.display());
    let args = files.each_ref().map(|file| file.as_os_str());
    if let Some(told) = python("feedparser", &[&["entries".as_ref()], &args[..]].concat()) {
        let theirs: Vec<Vec<Read>> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(theirs, ours, "{}", folder.display());
    }
    ours.into_iter().nth(1).unwrap()
}

#[test]
fn every_reader_reads_the_same_entries_in_all_three_formats() {
    let folder = tempfile::tempdir().unwrap();
    for (name, site, feeds) in [
        ("c", case_c(), &["soest", "soest/2023-10-it", "en/soest"][..]),
        ("ugly", ugly_site(), &["potsdam"]),
    ] {
        let folder = folder.path().join(name);
        fixture::write(&site, &folder);
        for feed in feeds {
            assert!(!read_alike(&folder.join(feed)).is_empty(), "{feed}");
        }
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
fn feeds_pass_their_schemas() {
    let folder = tempfile::tempdir().unwrap();
    let quiet = site(&[source(&publisher("potsdam", "Potsdam"), &[], AFTER_C)], AFTER_C);
    for (name, site) in [("c", case_c()), ("ugly", ugly_site()), ("quiet", quiet)] {
        fixture::write(&site, &folder.path().join(name));
        assert_valid(&folder.path().join(name), fixture::SITE);
    }
}

/// Holds every feed of a site against the schemas of `../shared/cases`; RSS, which has none, against RSS 2.0 as
/// `support/feeds.py` knows it.
pub(super) fn assert_valid(folder: &Path, address: &str) {
    let Some(cases) = support::cases() else { return };
    let all = tree(folder);
    let files = |ending: &str| -> Vec<PathBuf> {
        let paths = all.iter().filter(|(path, _)| path.ends_with(ending));
        paths.map(|(path, _)| folder.join(path)).collect()
    };
    let (rss, atoms, jsons) = (files("feed.rss"), files("feed.atom"), files("feed.json"));
    assert!(!rss.is_empty() && rss.len() == atoms.len() && rss.len() == jsons.len());
    match Command::new("xmllint")
        .args(["--noout", "--nonet", "--relaxng"])
        .arg(cases.join("feeds/rfc4287.rng"))
        .args(atoms)
        .output()
    {
        Err(_) => support::skipped("xmllint not installed"),
        Ok(done) => assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr)),
    }
    let mut args: Vec<OsString> = vec!["json".into()];
    args.extend(["feed-1.1.schema.json", "feed-1.schema.json"].map(|name| cases.join("feeds").join(name).into()));
    args.extend(jsons.into_iter().map(OsString::from));
    python("jsonschema", &args);
    let mut args: Vec<OsString> = vec!["rss".into()];
    for file in rss {
        let path = file.strip_prefix(folder).unwrap();
        args.push(format!("{address}/{}", path.display()).into());
        args.push(file.into());
    }
    python("json", &args);
}

#[test]
fn the_rss_check_finds_planted_faults() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("feed.rss");
    let sound = text(&case_c(), "soest/feed.rss");
    let url = format!("{}/soest/feed.rss", fixture::SITE);
    let check = |feed: &str| {
        std::fs::write(&file, feed).unwrap();
        run(&["rss".as_ref(), url.as_ref(), file.as_os_str()])
    };
    assert!(check(&sound).status.success());
    let guid = sound
        .split("<guid")
        .nth(1)
        .unwrap()
        .split("</guid>")
        .next()
        .unwrap()
        .to_owned();
    let second = sound
        .split("<guid")
        .nth(2)
        .unwrap()
        .split("</guid>")
        .next()
        .unwrap()
        .to_owned();
    for (from, to, says) in [
        ("isPermaLink=\"false\"", "", "is no address"),
        (second.as_str(), guid.as_str(), "guid twice"),
        ("<pubDate>Mon, ", "<pubDate>Tue, ", "weekday"),
        (" +0100</pubDate>", " CET</pubDate>", "RFC 822"),
        (" 2023 ", " 23 ", "RFC 822"),
        ("rel=\"self\"", "rel=\"alternate\"", "does not say that it is at"),
        ("<ttl>", "<tttl>5</tttl><ttl>", "has <tttl>"),
        ("<ttl>", "<ttl>5</ttl><ttl>", "twice"),
        ("<link>https:", "<link>javascript:", "is no address"),
        ("version=\"2.0\"", "version=\"0.91\"", "no <rss"),
    ] {
        let faulty = sound.replace(from, to);
        assert_ne!(faulty, sound, "{from} is not in the feed");
        let done = check(&faulty);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success() && said.contains(says), "{from} -> {to}: {said}");
    }
}

/// `support/feeds.py` with these arguments.
fn run<A: AsRef<OsStr>>(args: &[A]) -> Output {
    let script = support::root().join("tests/it/support/feeds.py");
    Command::new(support::python()).arg(script).args(args).output().unwrap()
}

/// What `support/feeds.py` prints; panics with what it finds. `None`, said aloud, where there is no Python with this package.
fn python<A: AsRef<OsStr>>(package: &str, args: &[A]) -> Option<String> {
    let there = Command::new(support::python())
        .args(["-c", &format!("import {package}")])
        .stderr(Stdio::null())
        .status();
    if !there.is_ok_and(|status| status.success()) {
        support::skipped(&format!("{package} not installed"));
        return None;
    }
    let done = run(args);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(String::from_utf8(done.stdout).unwrap())
}
