//! `rundruf measure` against conformance data from elsewhere: twitter-text, Bluesky, GSM 03.38, Twilio. Read from the shared
//! cases where they lie beside the project; their rows are not ours to keep.

use std::{fs, path::PathBuf};

use rundruf::text::{
    gsm7,
    measure::{Platform, measure_line},
};
use serde_json::{Value, json};

/// The file, or `None` (said aloud) where the shared cases are not there.
fn shared(path: &str) -> Option<String> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/cases")
        .join(path);
    let found = fs::read_to_string(file).ok();
    if found.is_none() {
        println!("skipped: no shared cases");
    }
    found
}

fn measured(platform: Platform, text: &str) -> Value {
    measure_line(platform, &json!({ "text": text }).to_string()).unwrap()
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
    let mut counted = 0;
    for row in validate_yml(&yaml) {
        // The plain WeightedTweetsCounterTest is configuration v2, which takes emoji apart; v3 is what X uses.
        let counts = matches!(
            row.section.as_str(),
            "WeightedTweetsWithDiscountedEmojiCounterTest" | "UnicodeDirectionalMarkerCounterTest"
        );
        if !counts {
            continue;
        }
        let answer = measured(Platform::X, &row.text);
        assert_eq!(answer["length"].as_u64(), row.weighted_length, "{}", row.text);
        assert_eq!(answer["fits"].as_bool(), row.valid, "{}", row.text);
        counted += 1;
    }
    assert!(counted >= 20, "{counted}");
}

#[test]
fn valid_posts_and_addresses_of_twitter_text() {
    let Some(yaml) = shared("twitter-text/validate.yml") else {
        return;
    };
    for row in validate_yml(&yaml) {
        match row.section.as_str() {
            // "Invalid" rows of this section mean 140 characters, except the empty one.
            "tweets" if row.expected == Some(true) || row.text.is_empty() => {
                assert_eq!(
                    measured(Platform::X, &row.text)["fits"].as_bool(),
                    row.expected,
                    "{}",
                    row.text
                );
            }
            "urls_without_protocol" => assert_eq!(measured(Platform::X, &row.text)["length"], 23, "{}", row.text),
            _ => {}
        }
    }
}

#[test]
fn facets_of_bluesky() {
    let Some(vectors) = shared("bluesky/link_vectors.json") else {
        return;
    };
    let vectors: Value = serde_json::from_str(&vectors).unwrap();
    let rows = vectors["links_mentions"].as_array().unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        let answer = measured(Platform::Bluesky, row["text"].as_str().unwrap());
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
fn segments_of_twilio() {
    let Some(cases) = shared("sms/twilio_segments.json") else {
        return;
    };
    let cases: Value = serde_json::from_str(&cases).unwrap();
    for case in cases["cases"].as_array().unwrap() {
        let answer = measured(Platform::Sms, case["body"].as_str().unwrap());
        if let Some(encoding) = case["encoding"].as_str() {
            assert_eq!(
                answer["encoding"],
                if encoding == "GSM-7" { "gsm7" } else { "ucs2" },
                "{case}"
            );
            assert_eq!(answer["segments"], case["segments"], "{case}");
        }
        if let Some(bits) = case["messageSizeBits"].as_u64() {
            let unit = if answer["encoding"] == "gsm7" { 7 } else { 16 };
            assert_eq!(answer["length"].as_u64().unwrap() * unit, bits, "{case}");
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
