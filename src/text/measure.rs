//! One text measured as one service measures it, in the JSON that `rundruf measure` and others print (DESIGN section 6).
//! Imports the length units of this floor.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{bluesky, mastodon, sms, telegram, threads, xweight};

/// Whose unit and default limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Platform {
    /// Septets or UTF-16 units; the limit is what ten parts carry: 1530 or 670.
    Sms,
    /// Weighted characters, at most 280.
    X,
    /// Grapheme clusters with shortened links and mentions, at most 500.
    Mastodon,
    /// Grapheme clusters, at most 300 (and 3000 bytes).
    Bluesky,
    /// Characters, emoji by their bytes, at most 500.
    Threads,
    /// UTF-16 units, at most 4096.
    Telegram,
}

/// What is wrong with a line of input.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// Not the JSON object that is asked for.
    #[error("{found}; a line looks like {{\"text\": \"…\"}} or {{\"text\": \"…\", \"spoiler\": \"…\"}}")]
    Json {
        /// What the JSON reader says.
        found: String,
    },
}

impl MeasureError {
    /// The same words in German; what the JSON reader found stays in its English.
    pub fn in_german(&self) -> String {
        let Self::Json { found } = self;
        format!("{found}; eine Zeile sieht so aus: {{\"text\": \"…\"}} oder {{\"text\": \"…\", \"spoiler\": \"…\"}}")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    text: String,
    spoiler: Option<String>,
}

/// Measures one line of JSON, `{"text": "…"}` with an optional `"spoiler"`, the warning above a post on Mastodon. The other
/// services have none and never count it, so that one file can be measured for all.
///
/// # Errors
/// When the line is no such object.
pub fn measure_line(platform: Platform, json_line: &str) -> Result<Value, MeasureError> {
    let line: Line = serde_json::from_str(json_line).map_err(|error| MeasureError::Json { found: plain(&error) })?;
    Ok(measure(
        platform,
        &line.text,
        line.spoiler.as_deref().unwrap_or_default(),
    ))
}

/// The reader's words without its "at line 1 column 9": every input is one line.
fn plain(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let words = words
        .rsplit_once(" at line ")
        .map_or(words.as_str(), |(words, _)| words);
    if error.column() > 0 {
        format!("{words} at column {}", error.column())
    } else {
        words.to_owned()
    }
}

/// Measures a text: `length`, `limit`, `fits`, and what else the service makes one want to know.
pub fn measure(platform: Platform, text: &str, spoiler: &str) -> Value {
    let simple = |length: usize, limit: usize| answer(length, limit, length <= limit);
    let answer = match platform {
        Platform::Sms => sms_answer(text),
        Platform::X => {
            let weight = xweight::weigh(text);
            answer(weight.length, xweight::LIMIT, weight.valid)
        }
        Platform::Mastodon => simple(mastodon::length(spoiler, text), mastodon::LIMIT),
        Platform::Bluesky => bluesky_answer(text),
        Platform::Threads => simple(threads::length(text), threads::LIMIT),
        Platform::Telegram => simple(telegram::length(text), telegram::LIMIT),
    };
    Value::Object(answer)
}

fn answer(length: usize, limit: usize, fits: bool) -> Map<String, Value> {
    let mut answer = Map::new();
    answer.insert("length".into(), length.into());
    answer.insert("limit".into(), limit.into());
    answer.insert("fits".into(), fits.into());
    answer
}

fn sms_answer(text: &str) -> Map<String, Value> {
    let sms = sms::measure(text);
    let mut answer = answer(sms.length, sms.encoding.limit(), sms.fits());
    answer.insert("encoding".into(), sms.encoding.name().into());
    answer.insert("segments".into(), sms.segments.into());
    answer.insert("costly".into(), sms.costly.iter().map(char::to_string).collect());
    answer
}

fn bluesky_answer(text: &str) -> Map<String, Value> {
    let mut answer = answer(bluesky::length(text), bluesky::LIMIT, bluesky::fits(text));
    let facets = bluesky::facets(text).into_iter().map(|facet| {
        json!({
            "start": facet.start,
            "end": facet.end,
            "kind": facet.feature.kind(),
            "value": facet.feature.value(),
        })
    });
    answer.insert("bytes".into(), text.len().into());
    answer.insert("facets".into(), facets.collect());
    answer
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use proptest::prelude::*;

    use super::*;

    fn line(platform: Platform, json: &str) -> String {
        measure_line(platform, json).unwrap().to_string()
    }

    #[test]
    fn the_contract() {
        let text = r#"{"text": "„Störung“"}"#;
        assert_eq!(
            line(Platform::Sms, text),
            r#"{"length":9,"limit":670,"fits":true,"encoding":"ucs2","segments":1,"costly":["„","“"]}"#
        );
        assert_eq!(line(Platform::X, text), r#"{"length":9,"limit":280,"fits":true}"#);
        assert_eq!(
            line(Platform::Mastodon, r#"{"text":"b","spoiler":"a"}"#),
            r#"{"length":2,"limit":500,"fits":true}"#
        );
        assert_eq!(line(Platform::Threads, text), r#"{"length":9,"limit":500,"fits":true}"#);
        assert_eq!(
            line(Platform::Telegram, text),
            r#"{"length":9,"limit":4096,"fits":true}"#
        );
        assert_eq!(
            line(Platform::Bluesky, r#"{"text":"ä #b"}"#),
            r#"{"length":4,"limit":300,"fits":true,"bytes":5,"facets":[{"start":3,"end":5,"kind":"tag","value":"b"}]}"#
        );
    }

    #[test]
    fn bad_lines_say_what_a_line_looks_like() {
        for bad in [
            "",
            "text",
            "[]",
            "{}",
            r#"{"text": 1}"#,
            r#"{"text":"a","x":1}"#,
            "{\"text\":\"a",
        ] {
            let error = measure_line(Platform::X, bad).unwrap_err().to_string();
            assert!(error.contains("a line looks like {\"text\""), "{error}");
            assert!(!error.contains("at line"), "{error}");
        }
    }

    #[test]
    fn a_spoiler_counts_on_mastodon_only() {
        let both = r#"{"text":"a","spoiler":"bc"}"#;
        assert_eq!(measure_line(Platform::Mastodon, both).unwrap()["length"], 3);
        assert_eq!(measure_line(Platform::X, both).unwrap()["length"], 1);
        assert_eq!(
            measure_line(Platform::X, r#"{"text":"a","spoiler":null}"#).unwrap()["length"],
            1
        );
    }

    proptest! {
        #[test]
        fn any_line_is_taken(text in any::<String>()) {
            for platform in Platform::value_variants() {
                let _ = measure_line(*platform, &text);
                let line = json!({ "text": text }).to_string();
                prop_assert!(measure_line(*platform, &line).is_ok());
            }
        }
    }
}
