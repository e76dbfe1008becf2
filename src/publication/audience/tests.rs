//! What is read of audience files, and how they are known again.

use std::path::PathBuf;

use super::*;
use crate::store::{LeftOut, List};

fn as_written(address: &str) -> (String, bool) {
    (address.to_owned(), address.starts_with('+'))
}

/// The file with this content, in a folder that lives as long.
fn written(content: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("presse.csv");
    std::fs::write(&path, content).unwrap();
    (dir, path)
}

fn parse(content: &str) -> Result<Vec<Person>, Vec<Problem>> {
    let (_dir, path) = written(content);
    let file = AudienceFile::open(&path)?;
    let checked = file.check(&as_written)?;
    let mut pages = file.pages(&checked, &as_written)?;
    let mut people = Vec::new();
    while let Some((person, _)) = pages.next_one().unwrap() {
        people.push(person);
    }
    Ok(people)
}

#[test]
fn whoever_stands_there_twice_is_one_and_follows_the_places_of_both_lines() {
    let csv = "\u{feff}address,name,language,places\n+491713920001,Redaktion,de,lippetal werl\n+491713920002,,,\n+491713920001,,,soest werl\n";
    let people = parse(csv).unwrap();
    assert_eq!((people.len(), people[0].name.as_deref()), (2, Some("Redaktion")));
    assert_eq!(people[0].places, ["lippetal", "werl", "soest"]);
    let everything = format!("{csv}+491713920001,,,\n");
    let people = parse(&everything).unwrap();
    assert_eq!((people.len(), people[0].places.len()), (2, 0));
}

#[test]
fn whoever_stands_on_two_pages_is_one() {
    let mut csv = "address,places\n+1,lippetal\n".to_owned();
    for n in 100_000..105_000 {
        csv.push_str(&format!("+{n},\n"));
    }
    csv.push_str("+1,werl\n");
    let (_dir, path) = written(&csv);
    let file = AudienceFile::open(&path).unwrap();
    let checked = file.check(&as_written).unwrap();
    let mut pages = file.pages(&checked, &as_written).unwrap();
    let first = pages.page().unwrap();
    assert_eq!((first[0].address.as_str(), first[0].places.len()), ("+1", 2));
    let mut all = first.len();
    loop {
        let page = pages.page().unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.iter().all(|person| person.address != "+1"));
        all += page.len();
    }
    assert_eq!(all, 5_001);
}

#[test]
fn names_line_and_field_of_a_fault() {
    let problems = parse("address,language\n+491713920001,klingon\n,de\n").unwrap_err();
    assert_eq!(problems.len(), 2);
    assert_eq!(
        (problems[0].line, problems[0].field.as_deref()),
        (Some(2), Some("language"))
    );
    assert_eq!(
        (problems[1].line, problems[1].field.as_deref()),
        (Some(3), Some("address"))
    );
}

#[test]
fn asks_for_the_head_line() {
    let problems = parse("+491713920001\n").unwrap_err();
    assert!(problems[0].remedy.en.contains("address,name"));
}

#[test]
fn what_is_written_while_it_is_read_is_no_list() {
    let (_dir, path) = written("address\n+1\n+2\n");
    let file = AudienceFile::open(&path).unwrap();
    let checked = file.check(&as_written).unwrap();
    std::fs::write(&path, "address\n+1\n").unwrap();
    let mut pages = file.pages(&checked, &as_written).unwrap();
    assert!(
        pages.page().is_err(),
        "the second one is missing, and nobody is told that they left"
    );
}

#[test]
fn a_stamp_tells_a_copy_with_the_same_time_apart() {
    let (dir, path) = written("address\n+1\n");
    let before = Stamp::of(&path).unwrap();
    assert_eq!(Stamp::of(&path).unwrap(), before);
    let time = std::fs::metadata(&path).unwrap().modified().unwrap();
    let copy = dir.path().join("copy");
    std::fs::write(&copy, "address\n+2\n").unwrap();
    std::fs::File::open(&copy).unwrap().set_modified(time).unwrap();
    std::fs::rename(&copy, &path).unwrap();
    assert_ne!(Stamp::of(&path).unwrap(), before);
    // What has just changed may do so again in the same moment.
    let now = before.settled(i64::MAX).is_some();
    assert!(now && before.settled(0).is_none());
}

#[test]
fn a_census_counts_as_the_list_itself() {
    let (_dir, path) =
        written("address,places\n+1,lippetal werl\n+2,werl\n+3,\n+4,soest\n0171,werl\n0172,soest\n0173,\n");
    let file = AudienceFile::open(&path).unwrap();
    let checked = file.check(&as_written).unwrap();
    let mut pages = file.pages(&checked, &as_written).unwrap();
    assert_eq!(pages.page().unwrap().len(), 7);
    assert!(pages.page().unwrap().is_empty());
    let census: Census = serde_json::from_str(&pages.mark().unwrap().census.unwrap()).unwrap();
    let places = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let werl = Scope::Named {
        places: places(&["werl"]),
        services: Vec::new(),
    };
    let nobody = LeftOut::default();
    assert_eq!(census.concerned(&werl, &nobody), (3, places(&["0171", "0173"])));
    assert_eq!(census.concerned(&Scope::All, &nobody).0, 4);
    let out = LeftOut {
        by_places: vec![(places(&["werl"]), 1), (places(&["soest"]), 1)],
        named: places(&["0171"]),
    };
    assert_eq!(census.concerned(&werl, &out), (2, places(&["0173"])));
    assert_eq!(census.apart(), places(&["0171", "0172", "0173"]));
}
