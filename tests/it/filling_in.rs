//! What is filled in and what follows from earlier notices (NOTICE.md, LANES 2).

use proptest::prelude::*;
use rundruf::domain::draft::{Resolved, read};
use rundruf::domain::incident::{Change, IncidentView, Overtaken};
use rundruf::domain::notice::{Notice, Scope};
use rundruf::domain::words::{IncidentState, Kind};

use crate::notices::{Desk, file, lines, publisher};

const NOW: &str = "2026-11-23T12:00:00+01:00";
const HEAD: &str = "headline = \"Die IT ist aus\"\nsummary = \"Das Bürgerbüro ist offen.\"\n";

fn publish(desk: &mut Desk, rest: &str) -> Resolved {
    publish_at(desk, rest, NOW)
}

fn publish_at(desk: &mut Desk, rest: &str, now: &str) -> Resolved {
    let text = format!("{HEAD}{rest}");
    desk.publish("n.toml", text.as_bytes(), now)
        .unwrap_or_else(|p| panic!("{}", lines(&p)))
}

fn refused(desk: &Desk, rest: &str) -> String {
    let text = format!("{HEAD}{rest}");
    lines(&desk.preview("n.toml", text.as_bytes(), NOW).expect_err(rest))
}

fn warnings(resolved: &Resolved) -> String {
    resolved.warnings.iter().map(|w| format!("{w}\n")).collect()
}

fn fold(desk: &Desk, now: &str) -> IncidentView {
    let notices: &[Notice] = &desk.incidents[0].notices;
    IncidentView::fold(&publisher("potsdam"), notices, None, now.parse().unwrap()).unwrap()
}

#[test]
fn the_incident_is_the_given_the_only_open_or_a_new_one() {
    let mut desk = Desk::of(&["potsdam"]);
    assert_eq!(publish(&mut desk, "").notice.incident, "2026-11-23-it");
    let second = publish(&mut desk, "state = \"restored\"");
    assert_eq!(
        (
            second.notice.incident.as_str(),
            second.notice.number,
            second.new_incident
        ),
        ("2026-11-23-it", 2, false)
    );
    desk.incidents[0].closed = true;
    assert!(
        refused(&desk, "incident = \"2026-11-23-it\"\nstate = \"confirmed\"").contains("incident reopen 2026-11-23-it")
    );
    assert_eq!(publish(&mut desk, "urgent = true").notice.incident, "2026-11-23-it-2");
    publish(&mut desk, "incident = \"wasser\"");
    let said = refused(&desk, "");
    assert!(said.contains("open are: 2026-11-23-it-2, wasser"), "{said}");
    let near = publish(&mut desk, "incident = \"waser\"");
    assert!(near.new_incident && warnings(&near).contains("open incident wasser"));
}

#[test]
fn several_publishers_want_a_name() {
    let said = refused(&Desk::of(&["potsdam", "soest"]), "");
    assert!(said.contains("configured are: potsdam, soest"), "{said}");
    assert!(refused(&Desk::of(&[]), "").contains("[publisher.city]"));
}

#[test]
fn the_same_file_is_the_same_notice_also_after_it_closed_the_incident() {
    let mut desk = Desk::of(&["potsdam"]);
    publish(&mut desk, "");
    assert_eq!(publish(&mut desk, "").existing, Some(1));
    publish(&mut desk, "state = \"closed\"");
    desk.incidents[0].closed = true;
    assert_eq!(publish(&mut desk, "state = \"closed\"").existing, Some(2));
    assert_eq!(
        publish(&mut desk, "state = \"closed\"\nincident = \"2026-11-23-it\"").existing,
        Some(2)
    );
    assert_eq!(desk.incidents[0].notices.len(), 2);
    // A year later the same words begin a new incident.
    let later = publish_at(&mut desk, "state = \"closed\"", "2027-11-23T12:00:00+01:00");
    assert_eq!((later.existing, later.new_incident), (None, true));
}

#[test]
fn the_hash_is_of_what_was_written() {
    let desk = Desk::of(&["potsdam"]);
    let hash = |text: &str, now: &str| {
        desk.preview("n", text.as_bytes(), now)
            .unwrap_or_else(|p| panic!("{}", lines(&p)))
            .content_hash
    };
    let base = "headline = \"a\"\nsummary = \"b\"\nsince = \"06:00\"\n[service.x]\nname = \"c\"\nstate = \"off\"\n";
    let other = "# so\nsince=\"6:00\"\nsummary = 'b'\nheadline =   \"a\"\nincident = \"2026-11-23-it\"\nkey = \"k\"\n[service.x]\nstate = \"off\"\nname = \"c\"\n";
    let json = "{\"service\": {\"x\": {\"state\": \"off\", \"name\": \"c\"}}, \"since\": \"2026-11-23T06:00:00+01:00\", \"headline\": \"a\", \"summary\": \"b\"}";
    let one = hash(base, NOW);
    assert_eq!(one, hash(other, "2026-11-23T23:00:00+01:00"));
    assert_eq!(one, hash(json, NOW));
    assert_ne!(one, hash(base, "2026-11-24T12:00:00+01:00"), "another day");
    assert_ne!(one, hash(&base.replace("off", "works"), NOW));
    // Earlier releases stored it as the key by which a notice is known again.
    let stored = "urgent = true\nheadline = '„Müll“ \"ab\" C:\\'\nsummary = \"\"\"a\nb\tc\"\"\"\n";
    assert_eq!(
        hash(stored, NOW),
        "7a09347dc1ae9d67905f69cf630b8bc77d18023ddc8cd3cf22875213ea446e60"
    );
}

#[test]
fn corrections_and_retractions_name_what_they_are_about() {
    let mut desk = Desk::of(&["potsdam"]);
    publish(
        &mut desk,
        "state = \"confirmed\"\n[service.a]\nname = \"A\"\nstate = \"off\"",
    );
    publish(
        &mut desk,
        "state = \"emergency\"\n[service.a]\nstate = \"works\"\n[service.b]\nname = \"B\"",
    );
    let correction = publish(&mut desk, "corrects = [1]");
    assert_eq!(
        (correction.notice.kind, correction.notice.state),
        (Kind::Correction, IncidentState::Emergency)
    );
    assert!(refused(&desk, "kind = \"retraction\"").contains("corrects = [1]"));
    assert!(refused(&desk, "kind = \"notice\"\ncorrects = [1]").contains("contradict"));
    assert!(refused(&desk, "replaces = [1]\ntakes_back = [1]").contains("two fields"));
    assert!(refused(&desk, "corrects = [4]").contains("There are 1 to 3"));
    let retraction = publish(&mut desk, "kind = \"retraction\"\ncorrects = [2, 3]");
    assert_eq!(
        retraction.notice.state,
        IncidentState::Confirmed,
        "what is retracted never was"
    );
    let view = fold(&desk, NOW);
    assert_eq!(view.facts.service["a"].fact.state.unwrap().word(), "off");
    assert!(!view.facts.service.contains_key("b"));
    assert_eq!(view.notices[1].fate.as_ref().unwrap().how, Overtaken::Retracted);
    assert_eq!(view.notices[0].fate, None, "corrected by a notice that was retracted");
}

#[test]
fn facts_carry_over_field_by_field_until_they_end() {
    let mut desk = Desk::of(&["potsdam"]);
    publish(
        &mut desk,
        "[service.a]\nname = \"A\"\nstate = \"off\"\n[place.p]\nname = \"P\"\nuntil = { words = \"bis Mittag\", at = \"13:00\", confirm = true }\n[unknown.u]\ntext = \"x\"\nuntil = \"14:00\"",
    );
    let second = publish(
        &mut desk,
        "urgent = true\n[service.a]\nstate = \"limited\"\n[service.gone]\nended = true",
    );
    assert!(warnings(&second).contains("service.gone is to end"));
    let view = fold(&desk, "2026-11-23T13:30:00+01:00");
    let a = &view.facts.service["a"];
    assert_eq!(
        (a.fact.name.as_deref(), a.fact.state.unwrap().word(), a.first, a.touched),
        (Some("A"), "limited", 1, 2)
    );
    assert!(view.facts.place["p"].unconfirmed && view.facts.unknown.contains_key("u"));
    assert_eq!(view.changes_at, Some("2026-11-23T14:00:00+01:00".parse().unwrap()));
    let later = fold(&desk, "2026-11-23T14:00:00+01:00");
    assert!(later.facts.unknown.is_empty() && later.expired.len() == 1 && later.changes_at.is_none());
    publish(&mut desk, "[service.a]\nended = true");
    let ended = fold(&desk, NOW);
    assert!(ended.facts.service.is_empty());
    let changes = &ended.notices[2].changes;
    assert_eq!(
        (changes.len(), changes[0].change, changes[0].name.as_str()),
        (1, Change::Ended, "A")
    );
}

#[test]
fn what_ran_out_begins_anew_when_it_is_given_again() {
    let mut desk = Desk::of(&["potsdam"]);
    publish(&mut desk, "[assured.strom]\nname = \"Strom\"\nas_of = \"11:00\"");
    assert!(
        fold(&desk, "2026-11-24T10:59:00+01:00")
            .facts
            .assured
            .contains_key("strom")
    );
    assert!(fold(&desk, "2026-11-24T11:00:00+01:00").facts.assured.is_empty());
    publish_at(
        &mut desk,
        "[assured.strom]\nname = \"Strom\"",
        "2026-11-25T08:00:00+01:00",
    );
    let view = fold(&desk, "2026-11-25T09:00:00+01:00");
    assert_eq!(view.notices[1].changes[0].change, Change::New);
    assert_eq!(view.facts.assured["strom"].first, 2);
    let stale = publish_at(
        &mut desk,
        "[assured.gas]\nname = \"Gas\"\nas_of = 2026-11-20",
        "2026-11-25T08:00:00+01:00",
    );
    assert!(warnings(&stale).contains("assured.gas has run out"));
}

#[test]
fn an_exercise_is_one_from_first_to_last() {
    let mut desk = Desk::of(&["potsdam"]);
    assert!(
        publish(&mut desk, "incident = \"uebung\"\nexercise = true")
            .notice
            .exercise
    );
    assert!(
        publish(&mut desk, "incident = \"uebung\"\nurgent = true")
            .notice
            .exercise
    );
    assert!(refused(&desk, "incident = \"uebung\"\nexercise = false").contains("is an exercise"));
}

#[test]
fn what_is_real_never_becomes_part_of_an_exercise_by_itself() {
    let mut desk = Desk::of(&["potsdam"]);
    publish(&mut desk, "incident = \"uebung\"\nexercise = true");
    let real = publish(&mut desk, "urgent = true");
    assert!(real.new_incident && !real.notice.exercise, "{}", real.notice.incident);
    assert!(
        warnings(&real).contains("The exercise uebung is open"),
        "{}",
        warnings(&real)
    );
    let slug = real.notice.incident;
    assert_eq!(publish(&mut desk, "state = \"confirmed\"").notice.incident, slug);
    let practised = publish(&mut desk, "exercise = true\nstate = \"emergency\"");
    assert_eq!(
        (practised.notice.incident.as_str(), practised.new_incident),
        ("uebung", false)
    );
    assert!(warnings(&practised).is_empty());
}

#[test]
fn words_that_want_consent_are_warned_of() {
    let mut desk = Desk::of(&["potsdam"]);
    let guarded = "[finding.a]\ntext = \"Die Gruppe LockBit 3.0 fordert Lösegeld.\"\n[finding.b]\ntext = \"Es sind keine Daten abgeflossen.\"\n[finding.c]\ntext = \"Ein Exchange 2016 war betroffen.\"";
    let said = warnings(&publish(&mut desk, guarded));
    for word in [
        "finding.a: \"lockbit\"",
        "finding.a: \"lösegeld\"",
        "finding.b: a claim about data",
        "finding.c: \"exchange 2016\"",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let cleared = publish(&mut desk, &format!("cleared_with = \"LKA\"\n{guarded}"));
    assert!(cleared.warnings.is_empty(), "{:?}", cleared.warnings);
    let quoted = publish(
        &mut desk,
        "[said.x]\nwho = \"Presse\"\ntext = \"LockBit fordert Lösegeld.\"",
    );
    assert!(quoted.warnings.is_empty(), "quoted as said, never as own words");
    let assured = publish(
        &mut desk,
        "cleared_with = \"LKA\"\n[assured.a]\ntext = \"Kein Anzeichen für einen Abfluss.\"",
    );
    assert!(warnings(&assured).contains("no-sign-so-far"));
}

#[test]
fn texts_of_facts_come_in_both_forms() {
    let mut desk = Desk::of(&["potsdam"]);
    let notice = publish(
        &mut desk,
        "[finding.a.text]\nde = \"Befund\"\nen = \"Finding\"\n[unknown.b.text.de]\ntext = \"Offen\"\n[unknown.b.text.en]\ntext = \"Open\"\n[service.c]\nname = \"Dienst\"\n[service.c.text.en]\nname = \"Service\"\n",
    )
    .notice;
    let json = serde_json::to_value(&notice.facts).unwrap();
    assert_eq!(json["finding"]["a"]["text"], "Befund");
    assert_eq!(json["finding"]["a"]["translations"]["en"]["text"], "Finding");
    assert_eq!(json["unknown"]["b"]["text"], "Offen");
    assert_eq!(json["unknown"]["b"]["translations"]["en"]["text"], "Open");
    assert_eq!(json["service"]["c"]["translations"]["en"]["name"], "Service");
}

#[test]
fn a_language_the_publisher_does_not_have_is_refused() {
    let mut desk = Desk::of(&["potsdam"]);
    desk.publishers[0].languages.truncate(1);
    let said = refused(
        &desk,
        "[text.en]\nheadline = \"x\"\nsummary = \"y\"\n[service.a.text.en]\nname = \"z\"",
    );
    assert!(
        said.contains("n.toml:3: text.en: The publisher potsdam does not have the language en"),
        "{said}"
    );
    assert!(said.contains("service.a.text.en"), "{said}");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_well() {
    let text = "\u{feff}headline = \"x\"\r\nsummary = \"\"\"\r\neins\r\nzwei\"\"\"\r\n";
    let draft = read("n.toml", text.as_bytes()).unwrap();
    assert_eq!(draft.words.summary, "eins\nzwei");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Desk::of(&["potsdam"]).preview("x", &bytes, NOW);
    }

    #[test]
    fn any_text_of_the_right_letters_is_read_or_refused(text in "[{\\[\\]}=.,:\"'a-c0-9T\\n# -]{0,200}") {
        let _ = Desk::of(&["potsdam"]).preview("x", text.as_bytes(), NOW);
        let _ = Desk::of(&["potsdam"]).preview("x", format!("{{{text}").as_bytes(), NOW);
    }

    #[test]
    fn a_damaged_example_is_read_or_refused_with_a_reason(cut in 0_usize..6_000, put in any::<char>(), remove in 0_usize..40) {
        let text = std::fs::read_to_string(file("tests/fixtures/notices/full.toml")).unwrap();
        let mut chars: Vec<char> = text.chars().collect();
        let at = cut.min(chars.len());
        let end = (at + remove).min(chars.len());
        chars.splice(at..end, [put]);
        let damaged: String = chars.into_iter().collect();
        if let Err(problems) = Desk::of(&["potsdam"]).preview("x", damaged.as_bytes(), NOW) {
            prop_assert!(!problems.is_empty());
            prop_assert!(problems.iter().all(|p| !p.remedy.en.is_empty()));
        }
    }

    #[test]
    fn any_clock_time_and_date_resolves_or_names_candidates(day in 1_u8..=31, month in 1_u8..=12, hour in 0_u8..24, minute in 0_u8..60) {
        let text = format!("{HEAD}since = \"2023-{month:02}-{day:02} {hour:02}:{minute:02}\"");
        if let Err(problems) = Desk::of(&["potsdam"]).preview("x", text.as_bytes(), NOW) {
            prop_assert_eq!(problems[0].line, Some(3));
        }
    }
}

/// The error went to Werl: so does its correction, unless its author says otherwise.
#[test]
fn a_correction_concerns_whom_the_corrected_notice_concerned() {
    let mut desk = Desk::of(&["potsdam"]);
    let places = |list: &str| format!("scope = {{ places = [{list}] }}");
    let first = publish(&mut desk, &places("\"werl\""));
    publish(&mut desk, &places("\"soest\", \"werl\""));
    publish(&mut desk, "urgent = true");
    let correction = publish(&mut desk, "corrects = [1]");
    assert_eq!(correction.notice.scope, first.notice.scope);
    let filled: String = correction.filled.iter().map(|f| format!("{f}\n")).collect();
    assert!(
        filled.contains("Scope: werl, as of the notice it is about."),
        "{filled}"
    );
    let both = publish(&mut desk, "kind = \"retraction\"\ncorrects = [1, 2]");
    assert_eq!(both.notice.scope, desk.incidents[0].notices[1].scope);
    let all = publish(&mut desk, "corrects = [3]");
    assert_eq!(all.notice.scope, Scope::All);
    let given = publish(&mut desk, "corrects = [2]\nscope = \"all\"");
    assert_eq!(given.notice.scope, Scope::All);
}
