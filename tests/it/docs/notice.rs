//! The reference of the notice file is what its reader knows: every key and field with its kind, words, limit and an example, each of which the
//! reader takes. `RUNDRUF_WRITE=1 tests/run the_reference` writes it anew.

use std::fmt::Write;

use rundruf::domain::draft::{
    MAX_ADDRESS, MAX_BYTES, MAX_DEPTH, MAX_FACTS, MAX_HEADLINE, MAX_KEY, MAX_LIST, MAX_PHONE, MAX_SUMMARY, MAX_TEXT,
    read,
};
use rundruf::domain::schema::{COMMON, Field, Shape, TOP, Table, TopKey};
use rundruf::text::contact::MAX_MAIL;

use crate::support::root;

const HEAD: &str = "# The notice file

Everything that may stand in a notice, made from the program itself. A notice is a TOML file (or JSON with the same keys, times in RFC 3339);
five lines are enough, and `rundruf new` prints them to fill in:

```toml
headline = \"Die IT der Stadtverwaltung ist abgeschaltet\"
since    = \"06:00\"
summary  = \"Das Bürgerbüro ist offen, kann aber nur beraten. Bitte rufen Sie vor einem Besuch an.\"
contact.zentrale.phone = \"115\"
next     = \"10:00\"
```

`rundruf preview` says what is filled in, and shows every channel's text, before anything goes out. Unknown keys are errors that name the
nearest known one, with file and line.

";

const TIMES: &str = "## Kinds of values

- **line**: a text without line breaks. **text**: one of any number of lines. **flag**: `true` or `false`. **ids**: small letters, digits and
  `-`, in quotation marks.
- **moment**: a TOML date or time (`2023-01-24`, `2023-01-24T10:00:00`, with or without offset), or a string (`\"10:00\"`, `\"2023-01-24 10:00\"`).
  Without an offset the publisher's zone counts, a bare clock time is today, a bare date is in the course of that day.
- **vague moment**: `{ words = \"seit Freitagmorgen\", from = 2021-10-15 }`, or with `before`.
- **end**: a moment, a vague one, `\"further-notice\"`, or `{ words = \"zunächst bis Montagmittag\", at = 2021-10-18T12:00:00, confirm = true }`, which
  then shows as unconfirmed.

";

#[test]
fn the_reference_of_the_notice_is_what_the_reader_knows() {
    let file = root().join("docs/notice.md");
    let wanted = reference();
    if std::env::var_os("RUNDRUF_WRITE").is_some() {
        std::fs::write(&file, &wanted).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == wanted,
        "docs/notice.md is out of date: RUNDRUF_WRITE=1 tests/run the_reference writes it"
    );
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains("(docs/notice.md)"), "the README leads there");
}

fn reference() -> String {
    let mut out = format!("{HEAD}{TIMES}");
    writeln!(
        out,
        "## Top level\n\n| key | holds | allowed | example |\n|---|---|---|---|"
    )
    .unwrap();
    for key in TOP {
        row(
            &mut out,
            key.name,
            &format!("{}{}", key.holds, most_of_top(key)),
            &words(key.words),
            key.example,
        );
    }
    writeln!(
        out,
        "\n## Facts\n\nNamed tables; the id carries a fact through the incident: it stays until a later notice gives the same id (replaced field by \
         field), sets `ended = true`, or its `until` passes. Words in a further language stand in `[TABLE.ID.text.LANG]`.\n\n\
         ### Every fact\n\n| field | holds | allowed | example |\n|---|---|---|---|"
    )
    .unwrap();
    for field in COMMON {
        fact_row(&mut out, *field);
    }
    for table in Table::ALL {
        writeln!(out, "\n### `[{}.ID]`\n", table.name()).unwrap();
        match table.needs() {
            [] => {}
            [one] => writeln!(out, "A new one needs `{one}`.\n").unwrap(),
            several => writeln!(out, "A new one needs `{}`.\n", several.join("` or `")).unwrap(),
        }
        writeln!(out, "| field | holds | allowed | example |\n|---|---|---|---|").unwrap();
        for field in table.fields() {
            fact_row(&mut out, *field);
        }
    }
    writeln!(
        out,
        "\n## Limits\n\n- {} kB a file, {MAX_DEPTH} levels of tables and lists, {MAX_FACTS} facts, {MAX_LIST} entries a list.\n- {MAX_TEXT} characters \
         a text, {MAX_HEADLINE} a headline or title, {MAX_SUMMARY} a summary, {MAX_KEY} a key.\n- {MAX_PHONE} characters a phone number, {MAX_MAIL} a mail \
         address, {MAX_ADDRESS} a link.",
        MAX_BYTES / 1_024
    )
    .unwrap();
    out
}

fn fact_row(out: &mut String, (name, shape): Field) {
    let most = most(shape).map_or_else(String::new, |most| format!(", at most {most} characters"));
    row(
        out,
        name,
        &format!("{}{most}", kind(shape)),
        &allowed(shape),
        example(name, shape),
    );
}

fn row(out: &mut String, name: &str, holds: &str, allowed: &str, example: &str) {
    writeln!(out, "| `{name}` | {holds} | {allowed} | `{example}` |").unwrap();
}

fn words(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(" · ")
}

fn allowed(shape: Shape) -> String {
    match shape {
        Shape::Word(known) | Shape::Words(known) => words(known),
        _ => String::new(),
    }
}

fn kind(shape: Shape) -> &'static str {
    match shape {
        Shape::Line => "line",
        Shape::Text => "text",
        Shape::TextOrTime => "text, or a date or time",
        Shape::Phone => "phone or fax number, in quotation marks",
        Shape::Mail => "mail address",
        Shape::Link => "http or https address",
        Shape::Word(_) => "one word",
        Shape::Words(_) => "list of words",
        Shape::Flag => "flag",
        Shape::When => "moment, or a vague one",
        Shape::Time => "moment",
        Shape::Until => "end",
        Shape::Source => "who says it: `who`, `function`, `link`",
        Shape::Ids => "ids of places",
        Shape::Exceptions => "days with other hours: `date`, and `hours` or `closed`",
    }
}

fn most(shape: Shape) -> Option<usize> {
    match shape {
        Shape::Line | Shape::Text | Shape::TextOrTime => Some(MAX_TEXT),
        Shape::Phone => Some(MAX_PHONE),
        Shape::Mail => Some(MAX_MAIL),
        Shape::Link => Some(MAX_ADDRESS),
        _ => None,
    }
}

fn top_limit(key: &TopKey) -> Option<usize> {
    match key.name {
        "headline" | "title" => Some(MAX_HEADLINE),
        "summary" => Some(MAX_SUMMARY),
        "key" => Some(MAX_KEY),
        "body" | "short" | "cleared_with" => Some(MAX_TEXT),
        _ => None,
    }
}

fn most_of_top(key: &TopKey) -> String {
    top_limit(key).map_or_else(String::new, |most| format!("; at most {most} characters"))
}

/// As it may stand in a file; a test holds each against the reader.
fn example(name: &str, shape: Shape) -> &'static str {
    match (name, shape) {
        ("name", _) => "\"Bürgerservice im Rathaus\"",
        ("stops_at", _) => "\"Übermittlung der Daten\"",
        ("because", _) => "\"Vorsorglich abgeschaltet.\"",
        ("do", _) => "\"Schicken Sie Ihren Antrag bitte mit der Post.\"",
        ("by", _) => "\"Das Bürgeramt der Nachbarstadt hilft aus.\"",
        ("payment", _) => "\"Nur bar.\"",
        ("hours", _) => "\"Mo bis Fr 8 bis 16 Uhr\"",
        ("sender_sees", _) => "\"Sie bekommen eine Fehlermeldung.\"",
        ("afterwards", _) => "\"Bitte senden Sie Ihre Nachricht dann noch einmal.\"",
        ("note", _) => "\"Wir verbinden Sie weiter.\"",
        ("address", _) => "\"Marktplatz 1, 14467 Potsdam\"",
        ("entrance", _) => "\"Seiteneingang, Hofstraße\"",
        ("pickup", _) => "\"Fertige Ausweise werden ausgegeben.\"",
        ("ask", _) => "\"Komme ich an meinen Ausweis?\"",
        ("answer", _) => "\"Ja, fertige Ausweise geben wir aus.\"",
        ("who", _) => "\"Der Oberbürgermeister\"",
        ("function", _) => "\"Leiter des Krisenstabs\"",
        ("phone", _) => "\"+49 30 23125100\"",
        ("fax", _) => "\"+49 30 23125101\"",
        (_, Shape::Line | Shape::Text) => "\"Die Zentrale ist besetzt.\"",
        (_, Shape::TextOrTime) => "2023-02-28",
        (_, Shape::Phone) => "\"115\"",
        (_, Shape::Mail) => "\"notfall@potsdam.example\"",
        (_, Shape::Link) => "\"https://info.potsdam.example/\"",
        (_, Shape::Word(words)) => quoted(words[0]),
        (_, Shape::Words(words)) => quoted_list(words[0]),
        (_, Shape::Flag) => "true",
        (_, Shape::When | Shape::Time) => "2023-01-24T18:00:00",
        (_, Shape::Until) => "\"further-notice\"",
        (_, Shape::Source) => "{ who = \"Polizei\", function = \"Pressestelle\" }",
        (_, Shape::Ids) => "[\"rathaus\"]",
        (_, Shape::Exceptions) => "[{ date = 2023-01-28, closed = true }]",
    }
}

fn quoted(word: &str) -> &'static str {
    format!("\"{word}\"").leak()
}

fn quoted_list(word: &str) -> &'static str {
    format!("[\"{word}\"]").leak()
}

/// A notice with these lines at its top and below.
fn notice(top: &[(&str, &str)], below: &str) -> String {
    let mut keys = vec![("headline", "\"Lage\""), ("summary", "\"Bitte rufen Sie an.\"")];
    keys.retain(|(name, _)| top.iter().all(|(given, _)| given != name));
    keys.extend(top);
    let lines: String = keys.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    format!("{lines}{below}")
}

fn takes(file: &str) -> bool {
    read("meldung.toml", file.as_bytes()).is_ok()
}

/// What each limit says holds: so many characters, and not one more. Addresses are made up to their length.
fn of_length(shape: Option<Shape>, most: usize) -> String {
    match shape {
        Some(Shape::Phone) => format!("\"+{}\"", "1".repeat(most - 1)),
        Some(Shape::Link) => format!("\"https://a.example/{}\"", "x".repeat(most - 18)),
        Some(Shape::Mail) => format!("\"{}@a.example\"", "x".repeat(most - 10)),
        _ => format!("\"{}\"", "x".repeat(most)),
    }
}

#[test]
fn the_reader_takes_every_example_of_the_reference_and_keeps_every_limit() {
    for key in TOP {
        let file = notice(&[(key.name, key.example)], "");
        assert!(takes(&file), "{file}");
        for word in key.words {
            assert!(takes(&notice(&[(key.name, &format!("\"{word}\""))], "")), "{word}");
        }
        let strange = notice(&[(key.name, "\"gibt-es-nicht\"")], "");
        assert!(key.words.is_empty() || !takes(&strange), "{strange}");
        if let Some(most) = top_limit(key) {
            assert!(
                takes(&notice(&[(key.name, &of_length(None, most))], "")),
                "{}",
                key.name
            );
            assert!(
                !takes(&notice(&[(key.name, &of_length(None, most + 1))], "")),
                "{}",
                key.name
            );
        }
    }
    for table in Table::ALL {
        for (name, shape) in table.fields().iter().chain(COMMON) {
            let with = |value: &str| notice(&[], &format!("[{}.x]\n{name} = {value}\n", table.name()));
            let file = with(example(name, *shape));
            assert!(takes(&file), "{file}");
            let Some(most) = most(*shape) else { continue };
            assert!(!takes(&with(&of_length(Some(*shape), most + 1))), "{name}: {most}");
            if !matches!(shape, Shape::Mail | Shape::Phone) {
                assert!(takes(&with(&of_length(Some(*shape), most))), "{name}: {most}");
            }
        }
    }
}
