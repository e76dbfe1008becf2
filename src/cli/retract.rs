//! `rundruf retract N`: a notice is taken back by a notice of its own; `--redact` removes a field of the old one everywhere.

use clap::Args;
use serde_json::json;

use super::output::{Failure, Output};
use super::{Globals, confirm, incident, publish};
use crate::app::{App, Open};
use crate::domain::draft;
use crate::publication::Wishes;
use crate::publication::redact::{Mark, redact};
use crate::said;
use crate::store::{Act, IncidentRow, Notices, Redaction};

/// Arguments of `retract`.
#[derive(Debug, Args)]
pub struct RetractArgs {
    /// Number of the notice.
    pub number: u32,
    /// The incident; needed where more than one is open.
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    /// Also remove this field of it everywhere (`summary`, `contact.zentrale.phone`, …).
    #[arg(long, value_name = "FIELD")]
    pub redact: Option<String>,
    /// Why; the public reads it.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// Runs the command.
pub async fn run(globals: &Globals, args: RetractArgs, out: &Output) -> Result<u8, Failure> {
    let Ok(open) = App::load(&globals.config, &globals.data)?.open_existing().await? else {
        return Err(Failure::Refused(said!(
            "Noch nichts veröffentlicht, also auch nichts zurückzuziehen.",
            "Nothing published yet, so there is nothing to take back."
        )));
    };
    let all = open.store.incidents(None).await?;
    let row = match &args.incident {
        Some(name) => incident::find(&all, name)?,
        None => the_open_one(&all)?,
    };
    let notices = open.store.notices(row.id).await?;
    let number = args.number;
    let slug = format!("{}/{}", row.publisher, row.slug);
    let Some(old) = notices.iter().find(|n| n.notice.number == number) else {
        return Err(Failure::Refused(said!(
            "In {slug} gibt es keine Meldung {number}. Die Meldungen zeigt: rundruf incident show {slug}",
            "There is no notice {number} in {slug}. See the notices with: rundruf incident show {slug}"
        )));
    };
    // What cannot be removed is said before anything is published.
    let zone = open
        .office
        .publisher(&row.publisher)
        .map_or(jiff::tz::TimeZone::UTC, |p| p.timezone.clone());
    let now = open.office.clock.now_ms();
    let mark = Mark::of(crate::clock::timestamp(now).to_zoned_datetime(zone).date());
    let redacted = match &args.redact {
        Some(field) => Some((field, redact(&old.notice, field, &mark).map_err(Failure::Refused)?)),
        None => None,
    };
    let headline = &old
        .notice
        .words
        .values()
        .next()
        .map(|w| w.headline.clone())
        .unwrap_or_default();
    confirm::ask(
        out,
        &said!(
            "Meldung {number} „{headline}“ wird auf allen Kanälen zurückgezogen. Wo sich nichts löschen lässt (SMS), folgt eine weitere Nachricht an alle, die sie bekommen haben.",
            "Notice {number} “{headline}” is taken back on all channels. Where nothing can be deleted (SMS), another message follows to everybody who got it."
        ),
        args.yes,
    )?;
    let file = json!({
        "publisher": row.publisher, "incident": row.slug, "kind": "retraction", "corrects": [number],
        "headline": format!("Meldung {number} ist zurückgenommen"), "summary": args.reason,
        "text": english(&open, row, number, &args.reason),
    });
    let draft = draft::read("retract", file.to_string().as_bytes()).map_err(Failure::Notice)?;
    let wishes = Wishes {
        actor: Open::actor(None),
        ..Wishes::default()
    };
    let done = open.office.publish(open.store.as_ref(), &draft, &wishes).await?;
    if let Some((field, redacted)) = redacted {
        let variants = open.office.rerender(open.store.as_ref(), &redacted.notice).await?;
        let hash = crate::secret::salted_hash(&open.office.settings.store.key_file, redacted.removed.as_bytes())?;
        let act = Act {
            at_ms: now,
            actor: Open::actor(None),
            action: "redact".to_owned(),
            object: format!("{slug}/{number}"),
            details: json!({ "field": field, "hash": hash }),
        };
        open.store
            .redact(
                &Redaction {
                    notice: old.seq,
                    redacted: redacted.notice,
                    hash,
                    variants,
                },
                &act,
            )
            .await?;
        out.say(&said!(
            "{field} ist aus Meldung {number} entfernt.",
            "{field} is removed from notice {number}."
        ));
    }
    publish::report(&open, done, false, out).await
}

/// The retraction's words in English, where the publisher writes English beside its first language.
fn english(open: &Open, row: &IncidentRow, number: u32, reason: &str) -> serde_json::Value {
    use crate::text::lang::Lang;
    let languages = open
        .office
        .publisher(&row.publisher)
        .map(|p| p.languages.clone())
        .unwrap_or_default();
    if languages.iter().skip(1).any(|l| *l == Lang::En) {
        json!({ "en": { "headline": format!("Notice {number} is taken back"), "summary": reason } })
    } else {
        json!({})
    }
}

fn the_open_one(all: &[IncidentRow]) -> Result<&IncidentRow, Failure> {
    let mut live = all.iter().filter(|i| i.closed_at_ms.is_none());
    match (live.next(), live.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Failure::Refused(said!(
            "Es gibt keinen offenen Vorfall.",
            "There is no open incident."
        ))),
        (Some(_), Some(_)) => {
            let list = all
                .iter()
                .filter(|i| i.closed_at_ms.is_none())
                .map(|i| format!("{}/{}", i.publisher, i.slug))
                .collect::<Vec<_>>()
                .join(", ");
            Err(Failure::Usage(said!(
                "Mehrere Vorfälle sind offen: {list}. Bitte einen mit --incident nennen.",
                "Several incidents are open: {list}. Please name one with --incident."
            )))
        }
    }
}
