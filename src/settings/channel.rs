//! `[channel.NAME]`: what all kinds have in common. The kind's own keys stay raw for floor 3.

use std::collections::BTreeMap;

use super::publisher::languages;
use super::quoted::quoted;
use super::raw::RawTable;
use super::reader::Reader;
use super::{ChannelSettings, Common, release};
use crate::domain::delivery::{CatchUp, Gate, UnknownPolicy};
use crate::domain::problem::Problem;
use crate::domain::publisher::Publisher;
use crate::said;

/// Keys common to all kinds; a kind's own reader takes them as known.
pub const COMMON: &[&str] = &[
    "kind",
    "publisher",
    "publishers",
    "languages",
    "gate",
    "release",
    "catch_up",
    "expires",
    "rate",
    "concurrency",
    "timeout",
    "unknown",
    "order_wait",
    "failover",
    "exercises",
    "audience",
    "verify",
    "allow_private",
];

/// Reads the common part of one channel.
pub fn read(name: &str, table: &RawTable, publishers: &BTreeMap<String, Publisher>) -> (ChannelSettings, Vec<Problem>) {
    let mut reader = Reader::new(table, &[]);
    let kind = reader.required(
        "kind",
        said!(
            "Schreiben Sie zum Beispiel kind = \"website\".",
            "Write kind = \"website\", for example."
        ),
    );
    let spoken_for = spoken_for(&mut reader, publishers);
    let languages = reader
        .has("languages")
        .then(|| languages(&mut reader))
        .flatten()
        .unwrap_or_default();
    let common = Common {
        languages,
        gate: reader.word("gate", &[("open", Gate::Open), ("held", Gate::Held)]),
        release: release::read(&mut reader, table),
        catch_up: reader.word(
            "catch_up",
            &[
                ("every", CatchUp::Every),
                ("latest", CatchUp::Latest),
                ("digest", CatchUp::Digest),
            ],
        ),
        expires: reader.duration("expires"),
        rate: reader.rate("rate"),
        concurrency: reader.whole("concurrency", 1, 1_024),
        timeout: reader.duration("timeout"),
        unknown: reader.word(
            "unknown",
            &[
                ("repeat", UnknownPolicy::Repeat),
                ("ask", UnknownPolicy::Ask),
                ("drop", UnknownPolicy::Drop),
            ],
        ),
        order_wait: reader.duration("order_wait"),
        failover: reader.text("failover"),
        exercises: reader.flag("exercises").unwrap_or(false),
        audience: audience(&mut reader, table),
        verify: reader.flag("verify").unwrap_or(false),
        allow_private: reader.flag("allow_private").unwrap_or(false),
    };
    if let Some(timeout) = common.timeout
        && timeout.as_secs() > 600
    {
        reader.problem(
            "timeout",
            said!(
                "Länger als 10 Minuten wartet keine Anfrage.",
                "no request waits longer than 10 minutes."
            ),
            said!("Üblich sind 10s bis 60s.", "Usual are 10s to 60s."),
        );
    }
    let settings = ChannelSettings {
        name: name.to_owned(),
        kind: kind.unwrap_or_default(),
        publishers: spoken_for,
        common,
        own: table.clone(),
    };
    // Keys of the kind are not known here; the kind reports what nobody asked for.
    (settings, reader.into_problems())
}

fn spoken_for(reader: &mut Reader<'_>, publishers: &BTreeMap<String, Publisher>) -> Vec<String> {
    let both = reader.has("publisher") && reader.has("publishers");
    if both {
        reader.problem(
            "publishers",
            said!(
                "publisher und publishers stehen beide da.",
                "publisher and publishers are both there."
            ),
            said!(
                "Bitte lassen Sie nur eine der beiden Angaben stehen.",
                "Keep one of the two."
            ),
        );
    }
    let key = if reader.has("publisher") {
        "publisher"
    } else {
        "publishers"
    };
    let known: Vec<&str> = publishers.keys().map(String::as_str).collect();
    let names: Vec<String> = if key == "publisher" {
        reader.text("publisher").into_iter().collect()
    } else {
        let written = reader.texts("publishers");
        if written.as_ref().is_some_and(Vec::is_empty) {
            let list = known.join(", ");
            reader.problem(
                "publishers",
                said!(
                    "Die Liste der Herausgeber ist leer.",
                    "the list of publishers is empty."
                ),
                said!(
                    "Nennen Sie mindestens einen von: {list}; gibt es nur einen, kann die Zeile weg.",
                    "Name at least one of: {list}; where there is only one, the line can go."
                ),
            );
        }
        written.unwrap_or_default().into_iter().map(|(name, _)| name).collect()
    };
    let mut out = Vec::new();
    for name in names {
        if publishers.contains_key(&name) {
            if !out.contains(&name) {
                out.push(name);
            }
        } else {
            reader.unknown_word(key, &name, &known);
        }
    }
    if out.is_empty() && !reader.has("publisher") && !reader.has("publishers") {
        if publishers.len() > 1 {
            let list = known.join(", ");
            reader.missing(
                "publisher",
                said!(
                    "Es gibt mehrere Herausgeber; schreiben Sie publisher = \"…\" mit einem von: {list}.",
                    "There are several publishers; write publisher = \"…\" with one of: {list}."
                ),
            );
        } else {
            out.extend(publishers.keys().cloned());
        }
    }
    out
}

fn audience(reader: &mut Reader<'_>, table: &RawTable) -> Option<std::path::PathBuf> {
    let remedy = || {
        said!(
            "Schreiben Sie audience = {{ file = \"presse.csv\" }}.",
            "Write audience = {{ file = \"press.csv\" }}."
        )
    };
    if !reader.has("audience") {
        return None;
    }
    if let Some(super::raw::Value::Text(word)) = table.entries.get("audience").map(|n| &n.value)
        && !word.trim_start().starts_with('{')
    {
        let found = quoted(word);
        reader.problem(
            "audience",
            said!("{found} gibt es hier noch nicht.", "there is no {found} here yet."),
            remedy(),
        );
        return None;
    }
    let inner = reader.table("audience")?;
    let mut inner = Reader::new(&inner, &[]);
    let file = inner.has("file").then(|| inner.path("file")).flatten();
    if !inner.has("file") {
        inner.missing("file", remedy());
    }
    if let Some(file) = &file
        && !file.is_file()
    {
        let shown = file.display();
        inner.problem("file", said!("Die Datei {shown} gibt es nicht.", "there is no file {shown}."), said!("Relative Pfade zählen ab dieser Konfiguration. Die Datei ist CSV mit der Kopfzeile address,name,language,places.", "Relative paths count from this configuration. The file is CSV with the head line address,name,language,places."));
    }
    reader.absorb(inner.finish());
    file
}
