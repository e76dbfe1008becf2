//! `rundruf measure` against conformance data from elsewhere: twitter-text, Bluesky, GSM 03.38, Twilio. Read from the shared
//! cases where they lie beside the project; their rows are not ours to keep.

use std::io::Write;
use std::process::{Command, Stdio};

use rundruf::text::gsm7;
use serde_json::{Value, json};

use super::support::cases;

/// The file, or `None` (said aloud) where the shared cases are not there.
fn shared(path: &str) -> Option<String> {
    Some(std::fs::read_to_string(cases()?.join(path)).unwrap())
}

/// What the program answers for each of these texts.
fn measured<T: AsRef<str>>(service: &str, texts: &[T]) -> Vec<Value> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rundruf"))
        .args(["measure", "--as", service])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String = texts
        .iter()
        .map(|text| json!({ "text": text.as_ref() }).to_string() + "\n")
        .collect();
    let mut stdin = child.stdin.take().unwrap();
    // Beside the reading: answers come while texts are still being written.
    let writing = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(output.status.success());
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), texts.len());
    answers
}

/// One test of twitter-text's `validate.yml`.
#[derive(Default, Clone)]
struct Row {
    section: String,
    text: String,
    expected: Option<bool>,
    weighted_length: Option<u64>,
    valid: Option<bool>,
}

/// Reads the few shapes that the file has; no YAML reader is needed for them.
fn validate_yml(yaml: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut section = String::new();
    for line in yaml.lines() {
        let trimmed = line.trim();
        let indent = line.len() - line.trim_start().len();
        if indent == 2 && trimmed.ends_with(':') {
            section = trimmed.trim_end_matches(':').to_owned();
        } else if trimmed.starts_with("- description:") {
            rows.push(Row {
                section: section.clone(),
                ..Row::default()
            });
        } else if let (Some(row), Some((key, value))) = (rows.last_mut(), trimmed.split_once(':')) {
            let value = value.trim();
            match key {
                "text" => row.text = quoted(value),
                "expected" => row.expected = value.parse().ok(),
                "weightedLength" => row.weighted_length = value.parse().ok(),
                "valid" => row.valid = value.parse().ok(),
                _ => {}
            }
        }
    }
    rows
}

/// A double-quoted YAML string; beside JSON's escapes it has `\U0001f431`.
fn quoted(value: &str) -> String {
    let mut text = String::new();
    let mut chars = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value)
        .chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        let digits = match chars.next() {
            Some('u') => 4,
            Some('U') => 8,
            Some('n') => {
                text.push('\n');
                continue;
            }
            other => {
                text.extend(other);
                continue;
            }
        };
        let hex: String = chars.by_ref().take(digits).collect();
        text.extend(u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32));
    }
    text
}

#[test]
fn weighted_length_of_twitter_text() {
    let Some(yaml) = shared("twitter-text/validate.yml") else {
        return;
    };
    let mut rows = validate_yml(&yaml);
    // The plain WeightedTweetsCounterTest is configuration v2, which takes emoji apart; v3 is what X uses.
    rows.retain(|row| {
        matches!(
            row.section.as_str(),
            "WeightedTweetsWithDiscountedEmojiCounterTest" | "UnicodeDirectionalMarkerCounterTest"
        )
    });
    assert!(rows.len() >= 20, "{}", rows.len());
    for (row, answer) in rows.iter().zip(measured("x", &texts(&rows))) {
        assert_eq!(answer["length"].as_u64(), row.weighted_length, "{}", row.text);
        assert_eq!(answer["fits"].as_bool(), row.valid, "{}", row.text);
    }
}

#[test]
fn valid_posts_and_addresses_of_twitter_text() {
    let Some(yaml) = shared("twitter-text/validate.yml") else {
        return;
    };
    let mut rows = validate_yml(&yaml);
    rows.retain(|row| match row.section.as_str() {
        // "Invalid" rows of this section mean 140 characters, except the empty one.
        "tweets" => row.expected == Some(true) || row.text.is_empty(),
        section => section == "urls_without_protocol",
    });
    assert!(rows.len() >= 10, "{}", rows.len());
    for (row, answer) in rows.iter().zip(measured("x", &texts(&rows))) {
        match row.section.as_str() {
            "tweets" => assert_eq!(answer["fits"].as_bool(), row.expected, "{}", row.text),
            _ => assert_eq!(answer["length"], 23, "{}", row.text),
        }
    }
}

fn texts(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.text.as_str()).collect()
}

#[test]
fn facets_of_bluesky() {
    let Some(vectors) = shared("bluesky/link_vectors.json") else {
        return;
    };
    let vectors: Value = serde_json::from_str(&vectors).unwrap();
    let rows = vectors["links_mentions"].as_array().unwrap();
    assert!(!rows.is_empty());
    let texts: Vec<&str> = rows.iter().map(|row| row["text"].as_str().unwrap()).collect();
    for (row, answer) in rows.iter().zip(measured("bluesky", &texts)) {
        let found: Vec<Value> = answer["facets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|facet| match facet["kind"].as_str().unwrap() {
                "mention" => json!({
                    "byteStart": facet["start"],
                    "byteEnd": facet["end"],
                    "mention": format!("did:fake:{}", facet["value"].as_str().unwrap()),
                }),
                kind => json!({ "byteStart": facet["start"], "byteEnd": facet["end"], kind: facet["value"] }),
            })
            .collect();
        assert_eq!(Value::from(found), row["facets"], "{}", row["text"]);
    }
}

#[test]
fn limits_of_bluesky() {
    let Some(vectors) = shared("bluesky/link_vectors.json") else {
        return;
    };
    let limits = &serde_json::from_str::<Value>(&vectors).unwrap()["limits"];
    let limit = |name: &str| usize::try_from(limits[name].as_u64().unwrap()).unwrap();
    let (graphemes, bytes) = (limit("maxGraphemes"), limit("maxLength"));
    // One grapheme of 25 bytes.
    let family = "👨‍👩‍👧‍👦";
    let fill = bytes / family.len();
    let answers = measured(
        "bluesky",
        &[
            "ä".repeat(graphemes),
            "ä".repeat(graphemes + 1),
            family.repeat(fill),
            family.repeat(fill + 1),
        ],
    );
    let of = |key: &str| answers.iter().map(|answer| answer[key].clone()).collect::<Vec<_>>();
    assert_eq!(
        of("length"),
        [graphemes, graphemes + 1, fill, fill + 1].map(Value::from)
    );
    assert_eq!(of("fits"), [true, false, true, false].map(Value::from), "{answers:?}");
    assert!(answers.iter().all(|answer| answer["limit"] == graphemes));
    assert_eq!(answers[3]["bytes"], (fill + 1) * family.len());
}

#[test]
fn segments_of_twilio() {
    let Some(cases) = shared("sms/twilio_segments.json") else {
        return;
    };
    let cases: Value = serde_json::from_str(&cases).unwrap();
    let rows = cases["cases"].as_array().unwrap();
    let bodies: Vec<&str> = rows.iter().map(|case| case["body"].as_str().unwrap()).collect();
    for (case, answer) in rows.iter().zip(measured("sms", &bodies)) {
        if let Some(encoding) = case["encoding"].as_str() {
            assert_eq!(
                answer["encoding"],
                if encoding == "GSM-7" { "gsm7" } else { "ucs2" },
                "{case}"
            );
            assert_eq!(answer["segments"], case["segments"], "{case}");
        }
        let segments = answer["segments"].as_u64().unwrap();
        let unit = if answer["encoding"] == "gsm7" { 7 } else { 16 };
        let length = answer["length"].as_u64().unwrap() * unit;
        if let Some(bits) = case["messageSizeBits"].as_u64() {
            assert_eq!(length, bits, "{case}");
        }
        if let Some(bits) = case["totalSizeBits"].as_u64() {
            // Each of several segments begins with six bytes of its own.
            let heads = if segments > 1 { segments * 48 } else { 0 };
            assert_eq!(length + heads, bits, "{case}");
        }
        if let Some(last) = case["lastSegmentText"].as_str() {
            let body = case["body"].as_str().unwrap();
            let without = measured("sms", &[body.strip_suffix(last).unwrap()]);
            assert_eq!(without[0]["segments"], segments - 1, "{case}");
        }
        if case["nonGsm"].is_array() {
            assert_eq!(answer["costly"], case["nonGsm"], "{case}");
        }
    }
}

#[test]
fn the_alphabet_of_gsm_03_38() {
    let Some(table) = shared("sms/GSM0338.TXT") else {
        return;
    };
    let mut rows = 0;
    for line in table.lines().filter(|line| line.starts_with("0x")) {
        let mut columns = line.split_whitespace();
        let hex = |column: Option<&str>| u32::from_str_radix(column.unwrap().trim_start_matches("0x"), 16).unwrap();
        let (code, character) = (hex(columns.next()), char::from_u32(hex(columns.next())).unwrap());
        let price = match code {
            // The escape itself, which the table shows as a no-break space, is no character to send.
            0x1b => None,
            0..=0xff => Some(1),
            _ => Some(2),
        };
        assert_eq!(gsm7::septets(character), price, "{line}");
        rows += 1;
    }
    assert!(rows >= 137, "{rows}");
}
