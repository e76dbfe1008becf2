//! Notice files with a fault each: every one is refused with its place and a remedy. [`FILES`] is a table, so that the same
//! files can go through the binary (exit code 1 or 2, nothing written).

use std::fmt::Write;

use rundruf::domain::draft::{MAX_BYTES, MAX_PROBLEMS, read};
use rundruf::domain::problem::Problem;

use crate::notices::{Desk, file, lines};

/// A file of `tests/fixtures/bad_notices` and what its fault says.
pub struct Bad {
    pub file: &'static str,
    /// From 1; 0 where the file as a whole is at fault.
    pub line: usize,
    /// Empty: no field.
    pub field: &'static str,
    /// Words of what was found or of the remedy, in English.
    pub phrase: &'static str,
}

const fn bad(file: &'static str, line: usize, field: &'static str, phrase: &'static str) -> Bad {
    Bad {
        file,
        line,
        field,
        phrase,
    }
}

/// The files, each to be published by the only publisher `potsdam` (de, de-simple, en) on an empty store.
pub const FILES: &[Bad] = &[
    bad("empty.toml", 0, "", "file is empty"),
    bad("only-bom.toml", 0, "", "file is empty"),
    bad("only-comment.toml", 0, "headline", "headline is missing"),
    bad("latin1.toml", 1, "", "encoding UTF-8"),
    bad("utf16.toml", 1, "", "encoding UTF-8"),
    bad("curly-quotes.toml", 1, "", "straight quotation marks"),
    bad("no-quotes.toml", 1, "", "straight quotation marks"),
    bad("unclosed-text.toml", 1, "", "ends with \""),
    bad("unclosed-list.toml", 4, "", "Not valid TOML"),
    bad("colon-like-yaml.toml", 1, "", "field = \"text\""),
    bad("duplicate-key.toml", 3, "", "only once"),
    bad("duplicate-table.toml", 5, "", "only once"),
    bad("value-then-table.toml", 4, "", "only once"),
    bad("json-comma.json", 4, "", "no comma after the last entry"),
    bad("json-duplicate.json", 4, "headline", "Remove one"),
    bad("json-wrong-type.json", 2, "headline", "Found a list"),
    bad("json-null.json", 3, "summary", "Found null"),
    bad("json-cut-off.json", 4, "", "Not valid JSON"),
    bad("json-unknown-key.json", 4, "servce", "\"service\""),
    bad("no-headline.toml", 0, "headline", "headline is missing"),
    bad("no-summary.toml", 0, "summary", "summary is missing"),
    bad("summary-in-table.toml", 4, "service.a.summary", "no field \"summary\""),
    bad("empty-headline.toml", 1, "headline", "field is empty"),
    bad("headline-too-long.toml", 1, "headline", "shorten it by 1"),
    bad("summary-too-long.toml", 2, "summary", "Allowed are 600"),
    bad("headline-two-lines.toml", 1, "headline", "Only one line"),
    bad("body-too-long.toml", 3, "body", "Allowed are 20000"),
    bad("one-letter-off.toml", 3, "sumary", "Did you mean \"summary\""),
    bad("unknown-key.toml", 3, "zebra", "Allowed are: publisher"),
    bad("headline-number.toml", 1, "headline", "Found the number 115"),
    bad("unknown-state.toml", 3, "state", "Did you mean \"restricted\""),
    bad("german-state.toml", 3, "state", "Allowed are: reported, confirmed"),
    bad("unknown-kind.toml", 3, "kind", "notice, correction, retraction"),
    bad("flag-as-text.toml", 3, "urgent", "without quotation marks"),
    bad("unknown-publisher.toml", 3, "publisher", "Did you mean \"potsdam\""),
    bad("publisher-not-an-id.toml", 3, "publisher", "small letters"),
    bad("incident-umlaut.toml", 3, "incident", "no umlauts"),
    bad("incident-reserved.toml", 3, "incident", "reserved word"),
    bad("parent-without-slash.toml", 3, "parent", "publisher/incident"),
    bad("unknown-reference.toml", 3, "replaces", "has no notice yet"),
    bad("reference-not-a-list.toml", 3, "corrects", "[1]"),
    bad("reference-zero.toml", 3, "replaces", "from 1 on"),
    bad("correction-of-nothing.toml", 3, "kind", "corrects = [1]"),
    bad("scope-word.toml", 3, "scope", "Allowed are: all"),
    bad("scope-empty.toml", 3, "scope", "scope = \"all\""),
    bad("scope-key.toml", 3, "scope.place", "\"places\""),
    bad(
        "clock-twice.toml",
        3,
        "since",
        "2023-10-29T02:30:00+02:00 or 2023-10-29T02:30:00+01:00",
    ),
    bad(
        "clock-missing.toml",
        3,
        "as_of",
        "2023-03-26T01:30:00+01:00 or 2023-03-26T03:30:00+02:00",
    ),
    bad("time-in-words.toml", 3, "since", "a time like \"10:00\""),
    bad("day-that-is-not.toml", 3, "", "expected day between 01 and 28"),
    bad("hour-25.toml", 3, "next", "a time like \"10:00\""),
    bad("year-typo.toml", 3, "at", "check the year"),
    bad("vague-without-words.toml", 3, "since", "words is missing"),
    bad("vague-backwards.toml", 3, "since", "Swap the two"),
    bad("next-without-at.toml", 3, "next", "at is missing"),
    bad("service-without-id.toml", 4, "service.name", "[service.id]"),
    bad("fact-id-capital.toml", 3, "service.Online", "small letters"),
    bad("fact-field-off.toml", 4, "contact.a.phon", "Did you mean \"phone\""),
    bad("phone-number.toml", 4, "contact.a.phone", "\"115\""),
    bad("phone-in-words.toml", 4, "contact.a.phone", "+49 30 23125100"),
    bad("link-javascript.toml", 4, "contact.a.url", "http:// or https://"),
    bad("link-password.toml", 4, "contact.a.url", "without name and password"),
    bad("mail-in-words.toml", 4, "contact.a.email", "address alone"),
    bad("unknown-way.toml", 5, "service.a.ways", "\"phone\""),
    bad("until-words.toml", 5, "place.a.until", "\"further-notice\""),
    bad("confirm-without-words.toml", 5, "place.a.until", "words is missing"),
    bad("exception-half.toml", 5, "place.a.exceptions", "closed = true"),
    bad("finding-empty.toml", 3, "finding.a", "text = "),
    bad("sure-word.toml", 5, "finding.a.sure", "\"no-sign-so-far\""),
    bad("ended-text.toml", 4, "service.a.ended", "true or false"),
    bad("nul.toml", 3, "body", "U+0000"),
    bad("bidi-override.toml", 3, "body", "U+202E"),
    bad("unknown-language.toml", 3, "text.fr", "de, de-simple, en"),
    bad("language-half.toml", 3, "text.en", "no text here"),
    bad("language-first-twice.toml", 3, "text.de", "Remove [text.de]"),
    bad("fact-language.toml", 6, "service.a.text.en.state", "Allowed are: name"),
    bad("nine-levels.toml", 3, "", "8 levels"),
];

const NOW: &str = "2026-11-23T12:00:00+01:00";

fn problems(name: &str, bytes: &[u8]) -> Vec<Problem> {
    Desk::of(&["potsdam"]).preview(name, bytes, NOW).expect_err(name)
}

#[test]
fn every_bad_file_is_refused_with_place_and_remedy() {
    let mut faults = String::new();
    for Bad {
        file: name,
        line,
        field,
        phrase,
    } in FILES
    {
        let bytes = std::fs::read(file("tests/fixtures/bad_notices").join(name)).unwrap();
        let problems = problems(name, &bytes);
        let hit = problems.iter().any(|p| {
            p.file.as_deref() == Some(name)
                && p.line == (*line > 0).then_some(*line)
                && p.field.as_deref().unwrap_or("") == *field
                && p.line_for(false).contains(phrase)
                && [&p.what.de, &p.what.en, &p.remedy.de, &p.remedy.en]
                    .iter()
                    .all(|words| !words.is_empty())
                && p.what.de != p.what.en
                && p.remedy.de != p.remedy.en
        });
        if !hit || phrase.is_empty() {
            write!(faults, "{name} ({line}, {field}, {phrase}):\n{}", lines(&problems)).unwrap();
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn every_fixture_is_in_the_table() {
    let found = std::fs::read_dir(file("tests/fixtures/bad_notices")).unwrap().count();
    assert_eq!(found, FILES.len());
    assert!(found >= 60);
}

#[test]
fn ten_megabytes_are_refused_by_their_size() {
    let mut big = b"headline = \"x\"\nsummary = \"".to_vec();
    big.resize(10 * 1024 * 1024, b'a');
    assert!(lines(&problems("big.toml", &big)).contains("10240 kB"));
    let mut exact = b"headline = \"x\"\nsummary = \"y\"\n#".to_vec();
    exact.resize(MAX_BYTES, b'a');
    assert!(read("exact.toml", &exact).is_ok());
}

#[test]
fn depth_is_refused_before_anything_recurses() {
    for depth in [1_000, 60_000] {
        for text in [
            format!("x = {}", "[".repeat(depth)),
            format!("x = {}1{}", "[".repeat(depth), "]".repeat(depth)),
            format!("x = {}1{}", "{a=".repeat(depth), "}".repeat(depth)),
            format!("[a{}]\nb = 1", ".a".repeat(depth)),
            format!("headline = \"x\"\na{} = 1", ".a".repeat(depth)),
            format!("x = {{ a{} = 1 }}", ".a".repeat(depth)),
            format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)),
            format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth)),
        ] {
            let said = lines(&problems("deep", &text.as_bytes()[..text.len().min(MAX_BYTES)]));
            assert!(said.contains("8 levels") || said.contains("Not valid JSON"), "{said}");
        }
    }
}

#[test]
fn the_501st_fact_is_too_many() {
    let mut text = String::from("headline = \"x\"\nsummary = \"y\"\n");
    for n in 0..500 {
        writeln!(text, "unknown.u{n}.text = \"z\"").unwrap();
    }
    assert!(read("500.toml", text.as_bytes()).is_ok());
    text.push_str("service.s.name = \"z\"\n");
    let problems = problems("501.toml", text.as_bytes());
    assert_eq!(problems[0].line, Some(503));
    assert!(lines(&problems).contains("at most 500 facts"));
}

#[test]
fn all_faults_come_at_once_in_the_order_of_the_file_and_not_too_many() {
    let text = "headline = 1\nsummary = \"x\"\nstate = \"of\"\n[service.A]\n[contact.b]\nphone = 1\n";
    let found: Vec<_> = problems("four.toml", text.as_bytes()).iter().map(|p| p.line).collect();
    assert_eq!(found, [Some(1), Some(3), Some(4), Some(6)]);
    let many: String = (0..50).fold(String::new(), |all, n| all + &format!("x{n} = 1\n"));
    let problems = problems("many.toml", many.as_bytes());
    assert_eq!(problems.len(), MAX_PROBLEMS + 1);
    assert!(
        problems[MAX_PROBLEMS].what.en.starts_with("32 more"),
        "{}",
        lines(&problems)
    );
}
