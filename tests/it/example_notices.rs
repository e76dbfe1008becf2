//! The examples, and the two of the contract, read and resolve as they should, in order, from an empty store.

use rundruf::domain::incident::{Change, IncidentView, Overtaken, preview_changes};
use rundruf::domain::notice::Scope;
use rundruf::domain::words::{ContactState, IncidentState, Kind};

use crate::notices::{Desk, file, lines, publisher};

/// Every example with the moment it is published at.
const EXAMPLES: &[(&str, &str)] = &[
    ("a-potsdam/1-2023-01-16.toml", "2023-01-16T15:05:00+01:00"),
    ("a-potsdam/2-2023-01-24.toml", "2023-01-24T18:05:00+01:00"),
    ("a-potsdam/3-2023-01-31.toml", "2023-01-31T12:05:00+01:00"),
    ("b-schwerin/1-2021-10-16.toml", "2021-10-16T11:05:00+02:00"),
    ("c-soest/00-0815-soest.toml", "2023-10-30T08:15:30+01:00"),
    ("c-soest/01-0834-region.toml", "2023-10-30T08:34:30+01:00"),
    ("c-soest/02-0932-lippetal.toml", "2023-10-30T09:32:30+01:00"),
    ("c-soest/03-0956-kreis.toml", "2023-10-30T09:56:30+01:00"),
    ("c-soest/04-1008-werl.toml", "2023-10-30T10:08:30+01:00"),
    ("c-soest/05-1016-ense.toml", "2023-10-30T10:16:10+01:00"),
    ("c-soest/06-1016-soest.toml", "2023-10-30T10:16:30+01:00"),
    ("c-soest/07-1204-warstein.toml", "2023-10-30T12:04:30+01:00"),
    ("c-soest/08-1258-wickede.toml", "2023-10-30T12:58:30+01:00"),
    ("c-soest/09-1313-region.toml", "2023-10-30T13:13:30+01:00"),
    ("c-soest/10-1555-region.toml", "2023-10-30T15:55:30+01:00"),
    ("c-soest/11-2000-soest.toml", "2023-10-30T20:00:30+01:00"),
    ("d-sit/1-2023-11-20.toml", "2023-11-20T12:05:00+01:00"),
    ("d-sit/2-gemeinde-2023-11-21.toml", "2023-11-21T09:05:00+01:00"),
];

/// All examples published in order.
fn desk() -> Desk {
    let mut desk = Desk::of(&["potsdam", "schwerin", "soest", "provider", "gemeinde"]);
    for (name, now) in EXAMPLES {
        let bytes = std::fs::read(file("examples").join(name)).unwrap();
        let resolved = desk
            .publish(name, &bytes, now)
            .unwrap_or_else(|p| panic!("{}", lines(&p)));
        assert!(resolved.warnings.is_empty(), "{name}: {:#?}", resolved.warnings);
    }
    desk
}

fn view(desk: &Desk, index: usize, now: &str) -> IncidentView {
    let incident = &desk.incidents[index];
    IncidentView::fold(
        &publisher(&incident.publisher),
        &incident.notices,
        None,
        now.parse().unwrap(),
    )
    .unwrap()
}

#[test]
fn every_example_file_is_in_the_list_and_resolves_without_a_warning() {
    let mut files: Vec<String> = Vec::new();
    for folder in std::fs::read_dir(file("examples")).unwrap().filter_map(Result::ok) {
        for entry in std::fs::read_dir(folder.path())
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
        {
            let folder = folder.file_name().into_string().unwrap();
            files.push(format!("{folder}/{}", entry.file_name().into_string().unwrap()));
        }
    }
    files.sort();
    assert_eq!(files, EXAMPLES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    assert_eq!(desk().incidents.len(), 5);
}

#[test]
fn case_a_is_rolled_back_and_its_facts_carry_over() {
    let desk = desk();
    let view = view(&desk, 0, "2023-01-31T13:00:00+01:00");
    assert_eq!((view.notices.len(), view.state), (3, IncidentState::RolledBack));
    let fate = view.notices[0].fate.as_ref().unwrap();
    assert_eq!((fate.by, fate.how), (2, Overtaken::TakenBack));
    let mail = &view.facts.contact["email"];
    assert_eq!(
        (mail.fact.receives, mail.fact.sends, mail.first, mail.touched),
        (Some(false), Some(false), 1, 3)
    );
    // Given on 24 January, not touched since, as of then.
    assert_eq!(view.facts.finding["schadsoftware"].touched, 2);
    assert_eq!(
        view.facts.finding["schadsoftware"].as_of.to_string(),
        "2023-01-24T17:00:00Z"
    );
    let changes = preview_changes(&view);
    let of = |table: &str, id: &str| {
        changes
            .iter()
            .find(|c| c.table == table && c.id == id)
            .map(|c| c.change)
    };
    assert_eq!(of("question", "wohngeld"), Some(Change::New));
    assert_eq!(of("contact", "email"), Some(Change::Changed));
    assert_eq!(of("service", "online"), Some(Change::Carried));
}

#[test]
fn case_b_a_number_from_monday_works_from_monday_and_assured_runs_out() {
    let desk = desk();
    let saturday = view(&desk, 1, "2021-10-16T12:00:00+02:00");
    assert_eq!(
        saturday.facts.contact["buergeranliegen"].fact.state,
        Some(ContactState::From)
    );
    assert_eq!(saturday.facts.assured.len(), 6);
    assert_eq!(saturday.changes_at, Some("2021-10-17T11:00:00+02:00".parse().unwrap()));
    let monday = view(&desk, 1, "2021-10-18T00:00:00+02:00");
    assert_eq!(
        monday.facts.contact["buergeranliegen"].fact.state,
        Some(ContactState::Works)
    );
    assert!(monday.facts.assured.is_empty() && monday.overdue);
    assert_eq!(monday.expired.len(), 6);
    assert_eq!(monday.facts.unaffected.len(), 3);
}

#[test]
fn case_c_is_one_incident_in_which_1016_supersedes_0815() {
    let desk = desk();
    let view = view(&desk, 2, "2023-10-30T20:30:00+01:00");
    assert_eq!((view.notices.len(), view.slug.as_str()), (12, "2023-10-30-it"));
    let fate = view.notices[0].fate.as_ref().unwrap();
    assert_eq!((fate.by, fate.how), (7, Overtaken::Replaced));
    assert_eq!(fate.since.to_string(), "2023-10-30T09:16:00Z");
    let scopes = view.notices.iter().filter(|n| n.notice.scope == Scope::All).count();
    assert_eq!(scopes, 4);
    assert!(view.facts.place["soest-buergerbuero"].unconfirmed);
    assert_eq!(view.facts.contact["kreis-mail"].fact.receives, Some(true));
    assert_eq!(view.facts.contact["kreis-mail"].fact.sends, Some(false));
}

#[test]
fn the_five_lines_work_on_an_empty_store_at_any_hour() {
    let bytes = std::fs::read(file("tests/fixtures/notices/five-lines.toml")).unwrap();
    for hour in 0..24 {
        let now = format!("2026-11-23T{hour:02}:30:00+01:00");
        let resolved = Desk::of(&["potsdam"])
            .preview("five.toml", &bytes, &now)
            .unwrap_or_else(|p| panic!("{}", lines(&p)));
        let notice = &resolved.notice;
        assert_eq!((notice.incident.as_str(), notice.number), ("2026-11-23-it", 1));
        assert_eq!((notice.kind, notice.state), (Kind::Notice, IncidentState::Restricted));
        assert_eq!(notice.as_of, now.parse().unwrap());
        assert_eq!(notice.facts.contact["zentrale"].phone.as_deref(), Some("115"));
        assert!(
            resolved.new_incident && resolved.filled.len() >= 5,
            "{:?}",
            resolved.filled
        );
    }
}

#[test]
fn the_full_example_is_notice_2_of_its_incident() {
    let mut desk = Desk::of(&["potsdam"]);
    let first = "incident = \"2023-01-it\"\nheadline = \"Erste\"\nsummary = \"Erste Meldung.\"";
    desk.publish("first.toml", first.as_bytes(), "2026-11-23T10:00:00+01:00")
        .unwrap();
    let bytes = std::fs::read(file("tests/fixtures/notices/full.toml")).unwrap();
    let resolved = desk
        .publish("full.toml", &bytes, "2026-11-23T10:05:00+01:00")
        .unwrap_or_else(|p| panic!("{}", lines(&p)));
    let notice = &resolved.notice;
    assert_eq!(
        (notice.number, notice.state, notice.takes_back.as_slice()),
        (2, IncidentState::RolledBack, &[1][..])
    );
    assert_eq!(notice.words.len(), 3);
    assert_eq!(notice.facts.event.len(), 4);
    assert_eq!(notice.as_of, "2023-01-24T18:00:00+01:00".parse().unwrap());
    // What the author should know: nothing was restored before, the promise has passed.
    assert_eq!(resolved.warnings.len(), 2, "{:#?}", resolved.warnings);
    // The file takes nothing for new that it has said.
    assert_eq!(
        desk.preview("full.toml", &bytes, "2026-11-24T10:00:00+01:00")
            .unwrap()
            .existing,
        Some(2)
    );
    // On an empty store it names a notice that does not exist.
    let problems = Desk::of(&["potsdam"])
        .preview("full.toml", &bytes, "2026-11-23T10:00:00+01:00")
        .unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(
        (problems[0].line, problems[0].field.as_deref()),
        (Some(5), Some("takes_back"))
    );
}
