//! `rundruf retract N`: a notice is taken back by a notice of its own; `--redact` removes a field of the old one everywhere.

use clap::Args;
use serde_json::json;

use super::output::{Failure, Output};
use super::price::{self, Cost};
use super::{Globals, confirm, incident, publish};
use crate::app::{App, Open};
use crate::domain::delivery::DeliveryState;
use crate::domain::draft;
use crate::ids::NoticeSeq;
use crate::publication::redact::{Mark, redact};
use crate::publication::{Office, Prepared, Wishes, known_incidents};
use crate::said;
use crate::store::{Act, Board, IncidentRow, Notices, Redaction, StillThere};
use crate::text::lang::Lang;
use crate::text::said::Said;

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
    /// Why no second person was asked (noted in the log).
    #[arg(long = "override", value_name = "REASON")]
    pub override_reason: Option<String>,
}

/// Runs the command.
pub async fn run(globals: &Globals, args: RetractArgs, out: &Output) -> Result<u8, Failure> {
    let Ok(open) = App::load_existing(&globals.config, &globals.data).await? else {
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
    let headline = old.notice.words.values().next().map_or("", |w| &w.headline);
    let draft = draft::read("retract", file(&open, row, number, &args.reason).to_string().as_bytes())
        .map_err(Failure::Notice)?;
    let actor = Open::actor(None);
    let wishes = Wishes {
        actor: actor.clone(),
        override_reason: args.override_reason,
        ..Wishes::default()
    };
    let known = known_incidents(open.store.as_ref(), draft.incident_named(), now).await?;
    let prepared = open.office.prepare(&draft, &known, &wishes, now)?;
    let costs = costs(&open, &prepared, old.seq).await?;
    if !costs.is_empty() && !Office::is_known(&prepared, &wishes, &known) {
        let Said { de, en } = price::list(&costs);
        confirm::ask(
            out,
            &said!(
                "Meldung {number} „{headline}“ wird zurückgezogen. Wer sie schon hat, bekommt darüber eine Nachricht, die nicht zurückzuholen ist: {de}.",
                "Notice {number} “{headline}” is taken back. Whoever has it gets a message about that, which cannot be called back: {en}."
            ),
            globals.yes,
        )?;
    }
    let done = open
        .office
        .publish(open.store.as_ref(), &draft, &wishes, Some(prepared))
        .await?;
    let mut there = Vec::new();
    if let Some((field, redacted)) = redacted {
        let rendered = open
            .office
            .rerender(open.store.as_ref(), &redacted.notice, &mark)
            .await?;
        let hash = crate::secret::salted_hash(&open.office.settings.store.key_file, redacted.removed.as_bytes())?;
        let act = Act {
            at_ms: now,
            actor,
            action: "redact".to_owned(),
            object: format!("{slug}/{number}"),
            details: json!({ "field": field, "hash": hash }),
        };
        let redaction = Redaction {
            notice: old.seq,
            redacted: redacted.notice,
            hash,
            texts: rendered.texts,
            unrendered: rendered.unrendered,
            looks_up: open.office.looking_up(),
        };
        there = open.store.redact(&redaction, &act).await?;
        out.say(&said!(
            "{field} ist aus Meldung {number} entfernt.",
            "{field} is removed from notice {number}."
        ));
    }
    for place in &there {
        out.say(&still(place));
    }
    let more = json!({ "still_there": there.iter().map(place_json).collect::<Vec<_>>() });
    publish::report(&open, done, &wishes, false, more, out).await
}

/// Where removed words still stand, and what ends that.
fn still(place: &StillThere) -> Said {
    let StillThere { channel, number, .. } = place;
    match place.delivery {
        None => said!(
            "Noch gespeichert sind die Worte im Text von Meldung {number} für {channel}: Der Kanal steht nicht mehr in der Konfiguration. Gelöscht werden sie mit rundruf channel drop {channel}, oder sobald er dort wieder steht",
            "The words are still stored in the text of notice {number} for {channel}: the channel is not configured any more. They are deleted with rundruf channel drop {channel}, or as soon as it is configured again"
        ),
        Some((id, DeliveryState::Unknown)) => said!(
            "Noch gespeichert sind die Worte zu Meldung {number} auf {channel}: Ob sie dort angekommen ist, weiß niemand, und an ihrem Text findet rundruf sie wieder. Gelöscht werden sie, sobald das feststeht, oder wenn Sie es entscheiden: rundruf decide {id} there oder drop",
            "The words are still stored with notice {number} on {channel}: nobody knows whether it is there, and rundruf finds it again by its text. They are deleted as soon as that is known, or when you decide it: rundruf decide {id} there or drop"
        ),
        Some((id, DeliveryState::Waiting)) => said!(
            "Noch gespeichert sind die Worte zu Meldung {number} auf {channel}: Ein Versuch ist dort vielleicht angekommen, und sie wird noch einmal gesendet, ohne diese Worte. Gelöscht werden sie, sobald das gelungen ist, oder mit rundruf decide {id} drop",
            "The words are still stored with notice {number} on {channel}: an attempt may have arrived there, and it is sent once more, without these words. They are deleted as soon as that has worked, or with rundruf decide {id} drop"
        ),
        Some(_) => said!(
            "Noch gespeichert sind die Worte zu Meldung {number} auf {channel}: Sie ist gerade unterwegs dorthin. Gelöscht werden sie, sobald die Antwort da ist.",
            "The words are still stored with notice {number} on {channel}: it is on its way there. They are deleted as soon as the answer has come."
        ),
    }
}

fn place_json(place: &StillThere) -> serde_json::Value {
    json!({
        "channel": place.channel, "notice": place.number,
        "delivery": place.delivery.map(|(id, _)| id), "state": place.delivery.map(|(_, state)| state),
    })
}

/// The retraction as a notice file, in the publisher's first language; in the others a page says that they are missing.
fn file(open: &Open, row: &IncidentRow, number: u32, reason: &str) -> serde_json::Value {
    let publisher = open.office.publisher(&row.publisher);
    let headline = if publisher.is_some_and(|p| p.first_language() == Lang::En) {
        format!("Notice {number} is taken back")
    } else {
        format!("Meldung {number} ist zurückgenommen")
    };
    json!({
        "publisher": row.publisher, "incident": row.slug, "kind": "retraction", "corrects": [number],
        "headline": headline, "summary": reason,
    })
}

/// What cannot be taken back: a message to everybody who got the notice over a channel where nothing can be deleted.
async fn costs(open: &Open, prepared: &Prepared, old: NoticeSeq) -> Result<Vec<Cost>, Failure> {
    let rows = open.store.broadcasts_of(old).await?;
    let mut costs = Vec::new();
    for rendered in prepared.rendered.iter().filter(|r| r.final_once_sent) {
        let of_channel = rows.iter().filter(|row| row.channel == rendered.channel);
        let people = of_channel
            .map(|row| &row.counters)
            .map(|c| c.started + c.accepted + c.delivered + c.unknown)
            .sum();
        if people > 0 {
            costs.push(Cost::of(&open.office, &rendered.channel, people, &rendered.variants));
        }
    }
    Ok(costs)
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
