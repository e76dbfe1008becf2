//! `rundruf status [INCIDENT] [--watch]`: per incident one sentence per channel, from stored counters alone.

use std::io::IsTerminal;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::output::{Failure, Output, table_rows};
use super::{Globals, host, incident};
use crate::app::{App, Open};
use crate::publication::Office;
use crate::publication::board::{self, Light, Line};
use crate::publication::suppressed;
use crate::said;
use crate::store::owner::Changes;
use crate::store::{Board, BroadcastRow, Consent, IncidentRow, LaneRow, Lanes, Notices};
use crate::text::said::Said;

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Only this incident (`2023-01-it` or `potsdam/2023-01-it`); else every open one.
    pub incident: Option<String>,
    /// Show it again whenever something changes, until interrupted.
    #[arg(long)]
    pub watch: bool,
}

/// Runs the command.
pub async fn run(globals: &Globals, args: StatusArgs, out: &Output) -> Result<u8, Failure> {
    let Ok(open) = App::load_existing(&globals.config, &globals.data).await? else {
        out.say(&said!(
            "Noch nichts veröffentlicht. Beginnen Sie mit: rundruf publish meldung.toml",
            "Nothing published yet. Begin with: rundruf publish notice.toml"
        ));
        out.answer(&json!({ "incidents": [], "channels": [] }));
        return Ok(0);
    };
    if !args.watch {
        show(&open, args.incident.as_deref(), out).await?;
        return Ok(0);
    }
    let mut changes = Changes::from_now(Arc::clone(&open.store)).await;
    // One listener for the whole time: an interruption while something is being shown counts too.
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        if std::io::stdout().is_terminal() && !out.json {
            out.text("\u{1b}[2J\u{1b}[H");
        }
        show(&open, args.incident.as_deref(), out).await?;
        tokio::select! {
            () = changes.changed() => {}
            _ = &mut interrupted => return Ok(0),
        }
    }
}

/// The incidents asked for: the named one, else every open one, else the newest.
async fn chosen(open: &Open, name: Option<&str>) -> Result<Vec<IncidentRow>, Failure> {
    let all = open.store.incidents(None).await?;
    match name {
        Some(name) => Ok(vec![incident::find(&all, name)?.clone()]),
        None => {
            let live: Vec<_> = all.iter().filter(|i| i.closed_at_ms.is_none()).cloned().collect();
            Ok(if live.is_empty() {
                all.into_iter().take(1).collect()
            } else {
                live
            })
        }
    }
}

async fn show(open: &Open, name: Option<&str>, out: &Output) -> Result<(), Failure> {
    let now = open.office.clock.now_ms();
    let lanes = open.store.lane_rows().await?;
    let mut incidents = Vec::new();
    for row in chosen(open, name).await? {
        let mut rows = open.store.broadcasts(Some(row.id)).await?;
        rows.sort_by_key(|b| (std::cmp::Reverse(b.number), b.channel.clone()));
        let lines = lines(&open.office, &row.publisher, &rows, &lanes, now);
        let title = row.title.clone().unwrap_or_else(|| row.slug.clone());
        out.title(&format!("{}/{} {title}", row.publisher, row.slug));
        let newest: Vec<Line> = newest_of_each(&lines);
        out.text(&table(&newest, out));
        incidents.push(json!({
            "publisher": row.publisher, "incident": row.slug, "title": row.title, "closed": row.closed_at_ms.is_some(),
            "exercise": row.exercise, "notices": row.last_number, "sum": board::sum(&rows),
            "broadcasts": broadcasts_json(&rows, &lines),
        }));
    }
    let owner = crate::store::owner::is_running(&open.office.settings.data);
    let moved = open.store.identity().await?.moved;
    if moved {
        out.say(&said!(
            "Dieser Speicher ist umgezogen (backup --move): Hier wird nichts mehr gesendet.",
            "This store has moved (backup --move): nothing more is sent from here."
        ));
    } else if !owner {
        out.say(&said!(
            "Es läuft kein rundruf serve: Gerade wird nichts gesendet. Weiter mit: rundruf serve",
            "No rundruf serve is running: nothing is being sent now. To go on: rundruf serve"
        ));
    }
    let troubles = host::troubles(open).await?;
    for trouble in &troubles {
        out.say(trouble);
    }
    let suppressed = open.store.suppressed().await?;
    for count in &suppressed {
        let (channel, Said { de, en }) = (&count.channel, suppressed::counted(count));
        out.say(&said!(
            "{channel}: {de}. Welche: rundruf suppression list",
            "{channel}: {en}. Which: rundruf suppression list"
        ));
    }
    let doubted = open.store.doubted(now).await?;
    for domain in &doubted {
        out.say(&suppressed::doubted(domain));
    }
    out.answer(&json!({
        "as_of": crate::clock::timestamp(now), "serving": owner, "moved": moved, "incidents": incidents, "channels": lanes,
        "machine": troubles, "suppressed": suppressed, "doubted": doubted,
    }));
    Ok(())
}

/// The newest notice's line of each channel, and every older line that still needs something.
fn newest_of_each(lines: &[Line]) -> Vec<Line> {
    let mut seen = std::collections::HashSet::new();
    lines
        .iter()
        .filter(|l| seen.insert(l.channel.clone()) || !matches!(l.light, Light::Done | Light::Superseded))
        .cloned()
        .collect()
}

/// The board's lines for some broadcasts.
pub fn lines(office: &Office, publisher: &str, rows: &[BroadcastRow], lanes: &[LaneRow], now: i64) -> Vec<Line> {
    let zone = office
        .publisher(publisher)
        .map_or(jiff::tz::TimeZone::UTC, |p| p.timezone.clone());
    rows.iter()
        .filter_map(|row| board::line(row, lanes, now, &zone))
        .collect()
}

/// Broadcast rows with their line, for `--json`.
pub fn broadcasts_json(rows: &[BroadcastRow], lines: &[Line]) -> Vec<Value> {
    rows.iter()
        .map(|row| {
            let line = lines.iter().find(|l| l.id == row.id);
            let mut value = serde_json::to_value(row).unwrap_or_default();
            if let (Some(object), Some(line)) = (value.as_object_mut(), line) {
                object.insert("light".to_owned(), json!(line.light));
                object.insert("text".to_owned(), json!(line.text.en));
            }
            value
        })
        .collect()
}

/// The lines as a table that fits 80 columns.
pub fn table(lines: &[Line], out: &Output) -> String {
    let head = if out.german {
        ["Kanal", "Nr.", "Sendung", "Stand"]
    } else {
        ["channel", "no.", "id", "state"]
    };
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|l| {
            vec![
                l.channel.clone(),
                l.number.to_string(),
                format!("b{}", l.id),
                l.text.in_german(out.german).to_owned(),
            ]
        })
        .collect();
    let mut blocks = table_rows(&head, &rows);
    // Colour goes on after the layout, so that it takes no width.
    for (block, line) in blocks.iter_mut().skip(1).zip(lines) {
        let code = match line.light {
            Light::Done => 32,
            Light::Look => 31,
            Light::Waiting | Light::Held => 33,
            Light::Superseded => continue,
        };
        *block = block.lines().map(|text| out.coloured(text, code) + "\n").collect();
    }
    blocks.concat()
}
