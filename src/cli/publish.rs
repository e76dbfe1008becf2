//! `rundruf publish NOTICE|-`: one transaction, then, with `--wait`, how it went.

use std::io::Read;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::output::{Failure, Output};
use super::{Globals, confirm, preview, status};
use crate::app::{App, Lanes, Open};
use crate::channel::registry::Configured;
use crate::domain::delivery::Gate;
use crate::domain::draft;
use crate::domain::words::{IncidentState, Kind};
use crate::publication::{Done, Office, Prepared, Wishes, audience, known_incidents};
use crate::said;
use crate::settings::raw::Value;
use crate::store::{Board, BroadcastRow, LaneRow, Lanes as _, Published};
use crate::text::said::Said;

/// A notice file may be 256 kB (NOTICE.md); one byte more proves that it is too large without reading 10 MB.
const MAX_NOTICE: u64 = 256 * 1024 + 1;

/// How long `--wait` waits at most.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Arguments of `publish`.
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// The notice file; `-` reads standard input.
    pub notice: String,
    /// Idempotency key: the same key publishes the same notice once.
    #[arg(long)]
    pub key: Option<String>,
    /// The last notice you have seen: refused where a newer one is there.
    #[arg(long, value_name = "N")]
    pub after: Option<u32>,
    /// Only this channel (may be given several times).
    #[arg(long, value_name = "NAME")]
    pub channel: Vec<String>,
    /// Show what would go out; publish nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Wait until every channel has ended, is held or waits for a later try; at most 30 s.
    #[arg(long)]
    pub wait: bool,
    /// Do not ask before what cannot be undone.
    #[arg(long)]
    pub yes: bool,
    /// In whose name (noted in the log beside the operating system's user).
    #[arg(long = "as", value_name = "NAME")]
    pub as_name: Option<String>,
    /// Why no second person was asked (noted in the log).
    #[arg(long = "override", value_name = "REASON")]
    pub override_reason: Option<String>,
}

/// Reads a notice file or standard input, at most as much as a notice may have and one byte more.
pub fn read_notice(name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if name == "-" {
        std::io::stdin().lock().take(MAX_NOTICE).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(name).and_then(|file| file.take(MAX_NOTICE).read_to_end(&mut bytes))
    };
    match read {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Failure::Usage(said!(
            "{name} lässt sich nicht lesen: {error}. Bitte den Namen der Datei prüfen.",
            "{name} cannot be read: {error}. Please check the name of the file."
        ))),
    }
}

/// Runs the command.
pub async fn run(globals: &Globals, args: PublishArgs, out: &Output) -> Result<u8, Failure> {
    let bytes = read_notice(&args.notice)?;
    let draft = draft::read(&args.notice, &bytes).map_err(Failure::Notice)?;
    let wishes = Wishes {
        key: args.key,
        after: args.after,
        channels: args.channel,
        actor: Open::actor(args.as_name.as_deref()),
        override_reason: args.override_reason,
    };
    let app = App::load(&globals.config, &globals.data)?;
    let (app, known, lanes) = match app.open_existing().await? {
        Ok(open) => {
            let known = known_incidents(open.store.as_ref(), &draft, open.office.clock.now_ms()).await?;
            let lanes = open.store.lane_rows().await?;
            (App { office: open.office }, known, lanes)
        }
        Err(app) => (app, Vec::new(), Vec::new()),
    };
    let now = app.office.clock.now_ms();
    let prepared = app.office.prepare(&draft, &known, &wishes, now)?;
    if args.dry_run {
        return preview::show(&app.office, &prepared, None, now, out);
    }
    for said in &prepared.resolved.warnings {
        preview::bullet(out, "!", said.in_german(out.german));
    }
    // Asked before the store is opened: who says no has changed nothing, and made nothing.
    if prepared.rendered.iter().any(|r| r.final_once_sent) && !Office::is_known(&prepared, &wishes, &known) {
        confirm::ask(out, &price(&app.office, &prepared, &lanes)?, args.yes)?;
    }
    let open = app.open().await?;
    let done = open.office.publish(open.store.as_ref(), &draft, &wishes).await?;
    report(&open, done, args.wait, out).await
}

/// Prints the answer of a publication, after waiting where asked; the exit code.
pub async fn report(open: &Open, done: Done, wait: bool, out: &Output) -> Result<u8, Failure> {
    let notice = &done.prepared.resolved.notice;
    match &done.published {
        Published::KeyTaken { number } => {
            return Err(Failure::Refused(said!(
                "Der Schlüssel gehört schon zu Meldung {number} mit anderem Inhalt. Nehmen Sie einen anderen --key, oder veröffentlichen Sie eine Berichtigung.",
                "The key belongs to notice {number} with other content. Use another --key, or publish a correction."
            )));
        }
        Published::CameBetween { numbers } => {
            let list = numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            return Err(Failure::Refused(said!(
                "Inzwischen ist erschienen: Meldung {list}. Lesen Sie sie (rundruf incident show), dann noch einmal mit der neuen Nummer bei --after.",
                "Published meanwhile: notice {list}. Read it (rundruf incident show), then again with the new number at --after."
            )));
        }
        Published::New { .. } | Published::Existing { .. } => {}
    }
    let Some((number, seq, incident)) = done.place() else {
        return Ok(1);
    };
    for faulty in &done.faulty {
        out.say(&faulty.said());
    }
    let created = matches!(done.published, Published::New { .. });
    crate::store::owner::wake(&open.office.settings.data);
    let slug = format!("{}/{}", notice.publisher, notice.incident);
    let link = format!("{}/{slug}/{number}/", open.office.settings.site_url);
    if created {
        out.say(&said!(
            "Meldung {number} von {slug} ist veröffentlicht: {link}",
            "Notice {number} of {slug} is published: {link}"
        ));
        if needs_second_person(notice.kind, notice.state) {
            out.say(&said!(
                "Es gibt noch keine Konten: Eine zweite Person wurde nicht gefragt. Im Protokoll steht Ihr Benutzername.",
                "There are no accounts yet: no second person was asked. The log has your user name."
            ));
        }
    } else {
        out.say(&said!(
            "Diese Meldung gibt es schon: Nummer {number} von {slug}. Nichts wurde doppelt gesendet.",
            "This notice is there already: number {number} of {slug}. Nothing was sent twice."
        ));
    }
    if wait {
        wait_for(open, seq).await?;
    }
    let rows = open.store.broadcasts_of(seq).await?;
    let lanes = open.store.lane_rows().await?;
    let now = open.office.clock.now_ms();
    let lines = status::lines(&open.office, &notice.publisher, &rows, &lanes, now);
    if wait || !created {
        out.text(status::table(&lines, out).trim_end());
    } else {
        out.say(&said!("Wie es steht: rundruf status", "How it stands: rundruf status"));
    }
    out.answer(&json!({
        "publisher": notice.publisher, "incident": notice.incident, "incident_row": incident, "number": number, "created": created,
        "link": link, "broadcasts": status::broadcasts_json(&rows, &lines),
        "filled": done.prepared.resolved.filled.iter().map(|s| &s.en).collect::<Vec<_>>(),
        "warnings": done.prepared.resolved.warnings.iter().map(|s| &s.en).collect::<Vec<_>>(),
    }));
    Ok(0)
}

/// DESIGN section 8: these need a second person once there are accounts.
fn needs_second_person(kind: Kind, state: IncidentState) -> bool {
    kind == Kind::Retraction || matches!(state, IncidentState::Restored | IncidentState::Closed)
}

/// Who gets what at what price, of all that cannot be called back.
fn price(office: &Office, prepared: &Prepared, lanes: &[LaneRow]) -> Result<Said, Failure> {
    let (mut de, mut en) = (Vec::new(), Vec::new());
    for rendered in prepared.rendered.iter().filter(|r| r.final_once_sent) {
        let Some(configured) = office.channels.iter().find(|c| c.settings.name == rendered.channel) else {
            continue;
        };
        let people = match &configured.settings.common.audience {
            Some(file) => match audience::read(file) {
                Ok(people) => audience::concerned(&people, &prepared.resolved.notice.scope),
                // With a fault in it the list stays as it was last right; a list that never was is refused.
                Err(problems) => {
                    let lane = lanes.iter().find(|lane| lane.name == rendered.channel);
                    let kept = lane.map_or(0, |lane| usize::try_from(lane.audience).unwrap_or(usize::MAX));
                    if kept == 0 {
                        return Err(Failure::Configuration(problems));
                    }
                    kept
                }
            },
            None => 1,
        };
        let parts = rendered
            .variants
            .values()
            .filter_map(|v| v.fit.segments)
            .max()
            .unwrap_or(1);
        let name = &rendered.channel;
        let (mut line_de, mut line_en) = (
            format!("{name}: {people} Empfänger, je {parts} SMS"),
            format!("{name}: {people} recipients, {parts} SMS each"),
        );
        if let Some(price) = price_per_part(configured) {
            // Whole recipients times whole parts: exact far beyond any audience.
            let sum = format!("{:.2}", price * (people * parts) as f64);
            line_de.push_str(&format!(", zusammen höchstens {}", sum.replace('.', ",")));
            line_en.push_str(&format!(", {sum} in all at most"));
        }
        de.push(line_de);
        en.push(line_en);
    }
    let (de, en) = (de.join("; "), en.join("; "));
    Ok(said!("Nicht zurückzuholen: {de}.", "Cannot be called back: {en}."))
}

/// `price` of the SMS kinds, in the currency of the contract with the gateway.
fn price_per_part(configured: &Configured) -> Option<f64> {
    match &configured.settings.own.entries.get("price")?.value {
        Value::Whole(whole) => u32::try_from(*whole).ok().map(f64::from),
        Value::Broken(amount) => Some(*amount),
        Value::Text(text) => text.replace(',', ".").parse().ok(),
        _ => None,
    }
}

/// True where nothing more is to be expected now: ended, held, or waiting for a later try.
fn settled(row: &BroadcastRow, gate: Gate, now: i64) -> bool {
    let c = &row.counters;
    let unopened = row.state == crate::domain::delivery::BroadcastState::Open && c.expected > c.opened;
    let waiting = c.waiting + u64::from(unopened);
    c.started == 0
        && (waiting == 0
            || gate == Gate::Held
            || row
                .next_due_ms
                .is_some_and(|due| due > now + 250 && row.last_text.is_some()))
}

/// Becomes the owner where the lock is free, else watches; until everything is settled or 30 s are over.
async fn wait_for(open: &Open, seq: crate::ids::NoticeSeq) -> Result<(), Failure> {
    let mut lanes = None;
    let end = Instant::now() + MAX_WAIT;
    let mut changes = crate::store::owner::Changes::new(std::sync::Arc::clone(&open.store));
    loop {
        // The owner may be another waiting `publish` that ends before this notice is out.
        if lanes.is_none()
            && let Some(owner) = crate::store::owner::Owner::try_take(&open.office.settings.data)?
        {
            lanes = Some(Lanes::start(open, owner).await?);
        }
        let rows = open.store.broadcasts_of(seq).await?;
        let gates = open.store.lane_rows().await?;
        let now = open.office.clock.now_ms();
        let gate = |row: &BroadcastRow| gates.iter().find(|l| l.id == row.lane).map_or(Gate::Open, |l| l.gate);
        if rows.iter().all(|row| settled(row, gate(row), now)) || Instant::now() >= end {
            break;
        }
        changes.next(end).await;
    }
    if let Some(lanes) = lanes {
        lanes.stop(MAX_WAIT).await;
    }
    Ok(())
}
