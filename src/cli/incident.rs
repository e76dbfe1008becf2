//! `rundruf incident list|show|close|reopen`.

use clap::Subcommand;
use serde_json::json;

use super::output::{Failure, Output, table};
use super::{Globals, confirm};
use crate::app::{App, Open};
use crate::domain::incident::IncidentView;
use crate::publication::board::clock_time;
use crate::render::words::Words;
use crate::said;
use crate::store::{Act, IncidentRow, Notices};
use crate::text::lang::Lang;
use crate::text::said::Said;

/// What to do with incidents.
#[derive(Debug, Subcommand)]
pub enum IncidentCommand {
    /// Every incident, newest first.
    List,
    /// One incident: its notices and its facts as they stand.
    Show {
        /// `2023-01-it` or `potsdam/2023-01-it`.
        incident: String,
    },
    /// Close it: nothing follows without `reopen`; private contacts leave the archive.
    Close {
        /// `2023-01-it` or `potsdam/2023-01-it`.
        incident: String,
        /// Why no second person was asked (noted in the log).
        #[arg(long = "override", value_name = "REASON")]
        override_reason: Option<String>,
    },
    /// Open it again.
    Reopen {
        /// `2023-01-it` or `potsdam/2023-01-it`.
        incident: String,
    },
}

/// Runs the command.
pub async fn run(globals: &Globals, command: IncidentCommand, out: &Output) -> Result<u8, Failure> {
    let Ok(open) = App::load_existing(&globals.config, &globals.data).await? else {
        if matches!(command, IncidentCommand::List) {
            out.say(&said!("Noch kein Vorfall.", "No incident yet."));
            out.answer(&json!({ "incidents": [] }));
            return Ok(0);
        }
        return Err(Failure::Refused(said!("Noch kein Vorfall.", "No incident yet.")));
    };
    let all = open.store.incidents(None).await?;
    match command {
        IncidentCommand::List => list(&open, &all, out),
        IncidentCommand::Show { incident } => return show(&open, find(&all, &incident)?, out).await,
        IncidentCommand::Close {
            incident,
            override_reason,
        } => {
            let row = find(&all, &incident)?;
            let slug = format!("{}/{}", row.publisher, row.slug);
            if row.closed_at_ms.is_some() {
                return Ok(unchanged(
                    &all,
                    &said!("{slug} ist schon geschlossen.", "{slug} is closed already."),
                    out,
                ));
            }
            let actor = set_closed(&open, row, true, override_reason).await?;
            out.say(&said!(
                "{slug} ist geschlossen. Es folgt keine Meldung ohne rundruf incident reopen {slug}.",
                "{slug} is closed. No notice follows without rundruf incident reopen {slug}."
            ));
            out.say(&confirm::alone(&actor));
        }
        IncidentCommand::Reopen { incident } => {
            let row = find(&all, &incident)?;
            let slug = format!("{}/{}", row.publisher, row.slug);
            if row.closed_at_ms.is_none() {
                return Ok(unchanged(
                    &all,
                    &said!("{slug} ist schon offen.", "{slug} is open already."),
                    out,
                ));
            }
            set_closed(&open, row, false, None).await?;
            out.say(&said!("{slug} ist wieder offen.", "{slug} is open again."));
        }
    }
    let rows = open.store.incidents(None).await?;
    out.answer(&json!({ "incidents": rows }));
    Ok(0)
}

/// It stands as asked for already.
fn unchanged(all: &[IncidentRow], said: &Said, out: &Output) -> u8 {
    out.say(said);
    out.answer(&json!({ "incidents": all }));
    0
}

/// The incident of this name: `slug` where it is unique, or `publisher/slug`.
pub fn find<'a>(all: &'a [IncidentRow], name: &str) -> Result<&'a IncidentRow, Failure> {
    let mut found = all.iter().filter(|i| match name.split_once('/') {
        Some((publisher, slug)) => i.publisher == publisher && i.slug == slug,
        None => i.slug == name,
    });
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Failure::Usage(said!(
            "{name} gibt es bei mehreren Herausgebern. Bitte schreiben: herausgeber/{name}",
            "{name} exists at several publishers. Please write: publisher/{name}"
        ))),
        (None, _) => {
            let list = all
                .iter()
                .map(|i| format!("{}/{}", i.publisher, i.slug))
                .collect::<Vec<_>>()
                .join(", ");
            Err(Failure::Refused(said!(
                "Einen Vorfall {name} gibt es nicht. Vorhanden: {list}",
                "There is no incident {name}. There are: {list}"
            )))
        }
    }
}

/// Closes or reopens; who stands in the log.
async fn set_closed(
    open: &Open,
    row: &IncidentRow,
    closed: bool,
    override_reason: Option<String>,
) -> Result<String, Failure> {
    let actor = Open::actor(None);
    let act = Act {
        at_ms: open.office.clock.now_ms(),
        actor: actor.clone(),
        action: if closed { "close" } else { "reopen" }.to_owned(),
        object: format!("{}/{}", row.publisher, row.slug),
        details: json!({ "second_person": false, "override": override_reason }),
    };
    open.store.set_closed(row.id, closed, &act).await?;
    crate::store::owner::wake(&open.office.settings.data);
    Ok(actor)
}

fn list(open: &Open, all: &[IncidentRow], out: &Output) {
    let now = open.office.clock.now_ms();
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|i| {
            let zone = open
                .office
                .publisher(&i.publisher)
                .map_or(jiff::tz::TimeZone::UTC, |p| p.timezone.clone());
            let state = match (i.closed_at_ms, out.german) {
                (Some(at), true) => format!("geschlossen {}", clock_time(at, now, &zone)),
                (Some(at), false) => format!("closed {}", clock_time(at, now, &zone)),
                (None, true) => format!("offen seit {}", clock_time(i.opened_at_ms, now, &zone)),
                (None, false) => format!("open since {}", clock_time(i.opened_at_ms, now, &zone)),
            };
            let title = i.title.clone().unwrap_or_default();
            vec![
                format!("{}/{}", i.publisher, i.slug),
                i.last_number.to_string(),
                format!("{state}  {title}"),
            ]
        })
        .collect();
    if rows.is_empty() {
        out.say(&said!("Noch kein Vorfall.", "No incident yet."));
    } else {
        let head = if out.german {
            ["Vorfall", "Meldungen", "Stand"]
        } else {
            ["incident", "notices", "state"]
        };
        out.text(table(&head, &rows).trim_end());
    }
}

async fn show(open: &Open, row: &IncidentRow, out: &Output) -> Result<u8, Failure> {
    let now = open.office.clock.now_ms();
    let stored = open.store.notices(row.id).await?;
    let notices: Vec<_> = stored.iter().map(|n| n.notice.clone()).collect();
    let Some(publisher) = open.office.publisher(&row.publisher) else {
        let name = &row.publisher;
        return Err(Failure::Usage(said!(
            "Der Herausgeber {name} steht nicht mehr in der Konfiguration.",
            "The publisher {name} is not in the configuration any more."
        )));
    };
    let closed = row.closed_at_ms.map(crate::clock::timestamp);
    let Some(view) = IncidentView::fold(publisher, &notices, closed, crate::clock::timestamp(now)) else {
        return Ok(0);
    };
    let state = match out.german {
        true => Words::of(Lang::De).of_list("state", view.state.word()),
        false => Words::of(Lang::En).of_list("state", view.state.word()),
    };
    out.title(&format!("{}/{} {} [{state}]", row.publisher, row.slug, view.title));
    let rows: Vec<Vec<String>> = view
        .notices
        .iter()
        .rev()
        .map(|n| {
            let at = clock_time(n.notice.published.as_millisecond(), now, &publisher.timezone);
            let headline = n
                .notice
                .words
                .get(&publisher.first_language())
                .map(|w| w.headline.clone())
                .unwrap_or_default();
            let fate = n.fate.as_ref().map(|f| {
                let by = f.by;
                said!(" [überholt durch {by}]", " [superseded by {by}]")
                    .in_german(out.german)
                    .to_owned()
            });
            vec![
                n.notice.number.to_string(),
                at,
                format!("{headline}{}", fate.unwrap_or_default()),
            ]
        })
        .collect();
    let head = if out.german {
        ["Nr.", "Zeit", "Meldung"]
    } else {
        ["no.", "time", "notice"]
    };
    out.text(table(&head, &rows).trim_end());
    out.answer(&json!({ "incident": row, "view": view }));
    Ok(0)
}
