//! `rundruf publish NOTICE|-`: one transaction, then, with `--wait`, how it went.

use std::io::Read;

use clap::Args;
use serde_json::json;

use super::output::{Failure, Output};
use super::price::{self, Bill, Lists};
use super::{Globals, confirm, preview, status, wait};
use crate::app::{App, Open};
use crate::domain::draft;
use crate::domain::notice::Notice;
use crate::domain::words::{IncidentState, Kind};
use crate::ids::NoticeSeq;
use crate::publication::board::Line;
use crate::publication::{Done, Office, Wishes, known_incidents, removed};
use crate::said;
use crate::store::{Board, BroadcastRow, Lanes as _, Published};
use crate::text::said::{Said, system};

/// A notice file may be 256 kB (NOTICE.md); one byte more proves that it is too large without reading 10 MB.
const MAX_NOTICE: u64 = 256 * 1024 + 1;

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
    /// In whose name (noted in the log beside the operating system's user).
    #[arg(long = "as", value_name = "NAME")]
    pub as_name: Option<String>,
    /// Why no second person was asked (noted in the log).
    #[arg(long = "override", value_name = "REASON")]
    pub override_reason: Option<String>,
}

/// Reads a notice file or standard input, at most as much as a notice may have and one byte more.
pub fn read_notice(name: &str) -> Result<Vec<u8>, Failure> {
    read_input(name, MAX_NOTICE)
}

/// Reads a file, or standard input where it is called "-"; at most so many bytes.
pub fn read_input(name: &str, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if name == "-" {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(name).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    match read {
        Ok(_) => Ok(bytes),
        Err(error) => {
            let Said { de, en } = system(&error);
            Err(Failure::Usage(said!(
                "{name} lässt sich nicht lesen: {de}. Bitte den Namen der Datei prüfen.",
                "{name} cannot be read: {en}. Please check the name of the file."
            )))
        }
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
    let opened = App::load_existing(&globals.config, &globals.data).await?;
    let (office, known) = match &opened {
        Ok(open) => {
            let known =
                known_incidents(open.store.as_ref(), draft.incident_named(), open.office.clock.now_ms()).await?;
            (&open.office, known)
        }
        Err(app) => (&app.office, Vec::new()),
    };
    let now = office.clock.now_ms();
    let mut prepared = office.prepare(&draft, &known, &wishes, now)?;
    if let Ok(open) = &opened {
        let more = removed::warnings(office, open.store.as_ref(), &prepared).await?;
        prepared.resolved.warnings.extend(more);
    }
    if args.dry_run {
        let bill = Bill::of_notice(office, &prepared, &lists(&opened).await?);
        return preview::show(office, &prepared, &bill, None, now, out);
    }
    for said in &prepared.resolved.warnings {
        preview::bullet(out, "!", said.in_german(out.german));
    }
    // Asked before a store is made: who says no has changed nothing, and made nothing.
    if prepared.rendered.iter().any(|r| r.final_once_sent) && !Office::is_known(&prepared, &wishes, &known) {
        let bill = Bill::of_notice(office, &prepared, &lists(&opened).await?);
        if bill.nobody_knows {
            return Err(Failure::Configuration(bill.faults));
        }
        let Said { de, en } = price::list(&bill.costs);
        confirm::ask(
            out,
            &said!("Nicht zurückzuholen: {de}.", "Cannot be called back: {en}."),
            globals.yes,
        )?;
    }
    let open = match opened {
        Ok(open) => open,
        Err(app) => app.open().await?,
    };
    let done = open
        .office
        .publish(open.store.as_ref(), &draft, &wishes, Some(prepared))
        .await?;
    report(&open, done, &wishes, args.wait, json!({}), out).await
}

/// What is known of the lists, for what it costs; nothing where there is no store.
async fn lists(opened: &Result<Open, App>) -> Result<Lists, Failure> {
    Ok(match opened {
        Ok(open) => Lists::read(open).await?,
        Err(_) => Lists::default(),
    })
}

/// Prints the answer of a publication, with `more` in its JSON, after waiting where asked; the exit code. What is committed is published: whatever
/// cannot be said about it afterwards changes nothing in that.
pub async fn report(
    open: &Open,
    done: Done,
    wishes: &Wishes,
    wait: bool,
    more: serde_json::Value,
    out: &Output,
) -> Result<u8, Failure> {
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
            out.say(&confirm::alone(&wishes.actor));
        }
    } else {
        out.say(&said!(
            "Diese Meldung gibt es schon: Nummer {number} von {slug}. Nichts wurde doppelt gesendet.",
            "This notice is there already: number {number} of {slug}. Nothing was sent twice."
        ));
    }
    let waited = if wait {
        wait::until_settled(open, seq, out).await
    } else {
        Ok(())
    };
    let found = lines(open, seq, notice).await;
    for failure in [waited.err().as_ref(), found.as_ref().err()].into_iter().flatten() {
        out.complain(&said!(
            "Die Meldung ist veröffentlicht. Wie es weiter steht, lässt sich gerade nicht sagen:",
            "The notice is published. How it goes on cannot be said now:"
        ));
        out.complain(&failure.said());
    }
    let (rows, lines) = found.unwrap_or_default();
    if wait || !created {
        out.text(status::table(&lines, out).trim_end());
    } else {
        out.say(&said!("Wie es steht: rundruf status", "How it stands: rundruf status"));
    }
    let mut answer = json!({
        "publisher": notice.publisher, "incident": notice.incident, "incident_row": incident, "number": number, "created": created,
        "link": link, "broadcasts": status::broadcasts_json(&rows, &lines),
        "filled": done.prepared.resolved.filled.iter().map(|s| &s.en).collect::<Vec<_>>(),
        "warnings": done.prepared.resolved.warnings.iter().map(|s| &s.en).collect::<Vec<_>>(),
    });
    if let (Some(answer), serde_json::Value::Object(more)) = (answer.as_object_mut(), more) {
        answer.extend(more);
    }
    out.answer(&answer);
    Ok(0)
}

/// The broadcasts of a notice with their lines of the board.
async fn lines(open: &Open, notice: NoticeSeq, of: &Notice) -> Result<(Vec<BroadcastRow>, Vec<Line>), Failure> {
    let rows = open.store.broadcasts_of(notice).await?;
    let lanes = open.store.lane_rows().await?;
    let now = open.office.clock.now_ms();
    let lines = status::lines(&open.office, &of.publisher, &rows, &lanes, now);
    Ok((rows, lines))
}

/// DESIGN section 8: these need a second person once there are accounts.
fn needs_second_person(kind: Kind, state: IncidentState) -> bool {
    kind == Kind::Retraction || matches!(state, IncidentState::Restored | IncidentState::Closed)
}
