//! `rundruf suppression list|add|lift`: whom a channel does not write to, whatever its audience file says.

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use serde_json::json;

use super::output::{Failure, Output, table};
use super::{Globals, channel, confirm};
use crate::app::{App, Open};
use crate::publication::board::clock_time;
use crate::publication::suppressed;
use crate::said;
use crate::secret::KeyFile;
use crate::store::{Act, Consent, LaneRow, Lanes, Lifted, SuppressedBecause, Suppression};
use crate::text::said::Said;

/// What to do with addresses.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "An address is suppressed when its owner unsubscribes, when its mail server calls it unknown twice, about mails a day apart, when a webhook's receiver answers 410, or by \
        hand. It stays so, whatever the audience file says, until somebody lifts it."
)]
pub enum SuppressionCommand {
    /// Who is suppressed, since when and why; and whom servers call unknown who is written to all the same.
    List {
        /// Only this channel.
        #[arg(long, value_name = "NAME")]
        channel: Option<String>,
    },
    /// Write to an address no more.
    Add(Of),
    /// Write to an address again.
    Lift(Of),
}

/// Which address.
#[derive(Debug, Args)]
pub struct Of {
    /// Address, in any spelling.
    pub address: String,
    /// Only on this channel; else on every one that it concerns.
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
}

/// Runs the command.
pub async fn run(globals: &Globals, command: SuppressionCommand, out: &Output) -> Result<u8, Failure> {
    let open = match (App::load_existing(&globals.config, &globals.data).await?, &command) {
        (Ok(open), _) => open,
        // It has something to remember, ahead of the first notice.
        (Err(app), SuppressionCommand::Add(_)) => app.open().await?,
        (Err(_), SuppressionCommand::List { .. }) => {
            out.say(&nobody());
            out.answer(&json!({ "suppressed": [], "reported": [], "doubted": [] }));
            return Ok(0);
        }
        (Err(_), SuppressionCommand::Lift(of)) => return Err(not_suppressed(&of.address)),
    };
    open.office.register(open.store.as_ref()).await?;
    if !matches!(command, SuppressionCommand::List { .. }) {
        // Whoever has just been taken out of a list is in none, whatever the last notice found there.
        for faulty in open.office.sync_audiences(open.store.as_ref()).await? {
            out.say(&faulty.said());
        }
    }
    match command {
        SuppressionCommand::List { channel } => list(&open, channel.as_deref(), out).await,
        SuppressionCommand::Add(of) => add(&open, &of, out).await,
        SuppressionCommand::Lift(of) => lift(&open, &of, globals.yes, out).await,
    }
}

fn nobody() -> Said {
    said!("Es ist niemand gesperrt.", "Nobody is suppressed.")
}

fn not_suppressed(address: &str) -> Failure {
    Failure::Refused(said!(
        "{address} ist nicht gesperrt. Wer gesperrt ist, zeigt: rundruf suppression list",
        "{address} is not suppressed. Who is shows: rundruf suppression list"
    ))
}

async fn list(open: &Open, channel: Option<&str>, out: &Output) -> Result<u8, Failure> {
    if let Some(name) = channel {
        channel::find(open, name).await?;
    }
    let here = |name: &str| channel.is_none_or(|channel| channel == name);
    let now = open.office.clock.now_ms();
    let mut all = open.store.suppressions().await?;
    let (mut reported, mut doubted) = (open.store.reported(now).await?, open.store.doubted(now).await?);
    all.retain(|one| here(&one.channel));
    reported.retain(|one| here(&one.channel));
    doubted.retain(|one| here(&one.channel));
    let zone = TimeZone::system();
    if all.is_empty() {
        out.say(&nobody());
    } else {
        let rows = all.iter().map(|one| {
            let why = suppressed::because(one, &zone).in_german(out.german).to_owned();
            vec![
                one.channel.clone(),
                one.address.clone(),
                why,
                clock_time(one.at_ms, now, &zone),
            ]
        });
        let head = if out.german {
            ["Kanal", "Adresse", "gesperrt", "seit"]
        } else {
            ["channel", "address", "suppressed", "since"]
        };
        out.text(table(&head, &rows.collect::<Vec<_>>()).trim_end());
    }
    if !reported.is_empty() {
        out.say(&said!(
            "Einmal als unbekannt gemeldet und weiter angeschrieben; kommt das einen Tag später wieder, werden sie gesperrt:",
            "Called unknown once and still written to; they are suppressed when that comes again a day later:"
        ));
        let rows = reported.iter().map(|one| {
            let note = if one.doubted {
                said!("zählt nicht: zu viele auf einmal", "does not count: too many at once")
            } else {
                said!("", "")
            };
            let note = note.in_german(out.german).to_owned();
            vec![
                one.channel.clone(),
                one.address.clone(),
                clock_time(one.at_ms, now, &zone),
                note,
            ]
        });
        let head = if out.german {
            ["Kanal", "Adresse", "zuletzt", ""]
        } else {
            ["channel", "address", "last", ""]
        };
        out.text(table(&head, &rows.collect::<Vec<_>>()).trim_end());
    }
    for domain in &doubted {
        out.say(&suppressed::doubted(domain));
    }
    out.answer(&json!({ "suppressed": all, "reported": reported, "doubted": doubted }));
    Ok(0)
}

/// The channels that an act concerns: the named one, else all that `fits`.
async fn lanes(open: &Open, of: &Of, fits: impl Fn(&LaneRow) -> bool) -> Result<Vec<LaneRow>, Failure> {
    if let Some(name) = &of.channel {
        return Ok(vec![channel::find(open, name).await?]);
    }
    let mut rows = open.store.lane_rows().await?;
    rows.retain(fits);
    Ok(rows)
}

async fn add(open: &Open, of: &Of, out: &Output) -> Result<u8, Failure> {
    let address = of.address.trim();
    let serves = |lane: &LaneRow| {
        open.office
            .built(&lane.name)
            .is_some_and(|built| built.canonical(address).is_some())
    };
    let mut lanes = lanes(open, of, serves).await?;
    lanes.retain(serves);
    if lanes.is_empty() {
        return Err(Failure::Refused(said!(
            "{address} ist keine Adresse, an die einer der Kanäle schreibt. Welche es gibt, zeigt: rundruf channel list",
            "{address} is no address that one of the channels writes to. Which there are shows: rundruf channel list"
        )));
    }
    let mut done = Vec::new();
    for lane in lanes {
        let suppression = Suppression {
            lane: lane.id,
            address: compared(open, &lane, address),
            because: SuppressedBecause::ByHand,
        };
        let act = act(open, "suppress", &lane.name, &suppression.address)?;
        let first = open.store.suppress(&suppression, &act).await?;
        let name = &lane.name;
        let listed = open.store.is_listed(lane.id, &suppression.address).await?;
        out.say(&if !listed {
            said!(
                "{address} steht in keiner Liste von {name}; vorsorglich gesperrt, gleich wie sie dort einmal geschrieben wird.",
                "{address} is in no list of {name}; suppressed in advance, however it may be spelled there some day."
            )
        } else if first {
            said!(
                "{name} schreibt {address} nicht mehr.",
                "{name} writes to {address} no more."
            )
        } else {
            said!(
                "{name}: {address} war schon gesperrt.",
                "{name}: {address} was suppressed already."
            )
        });
        done.extend(first.then_some(lane.name));
    }
    crate::store::owner::wake(&open.office.settings.data);
    out.answer(&json!({ "added": done }));
    Ok(0)
}

async fn lift(open: &Open, of: &Of, yes: bool, out: &Output) -> Result<u8, Failure> {
    let address = of.address.trim();
    let all = open.store.suppressions().await?;
    let reported = open.store.reported(open.office.clock.now_ms()).await?;
    let on = |lane: &LaneRow| {
        let same = compared(open, lane, address);
        all.iter().find(|one| one.channel == lane.name && one.address == same)
    };
    let named = |lane: &LaneRow| {
        let same = compared(open, lane, address);
        reported
            .iter()
            .any(|one| one.channel == lane.name && one.address == same)
    };
    let mut lanes = lanes(open, of, |lane| on(lane).is_some() || named(lane)).await?;
    lanes.retain(|lane| on(lane).is_some() || named(lane));
    if lanes.is_empty() {
        return Err(not_suppressed(address));
    }
    let left = |lane: &LaneRow| on(lane).is_some_and(|one| one.because == SuppressedBecause::Unsubscribed);
    if lanes.iter().any(left) {
        let question = said!(
            "{address} hat sich selbst abgemeldet. Wieder anschreiben dürfen Sie nur, wenn die Person es verlangt hat.",
            "{address} has unsubscribed. You may only write again if that person has asked for it."
        );
        confirm::ask(out, &question, yes)?;
    }
    let (mut done, mut cleared) = (Vec::new(), Vec::new());
    for lane in lanes {
        let same = compared(open, &lane, address);
        let act = act(open, "unsuppress", &lane.name, &same)?;
        let lifted = open.store.lift(lane.id, &same, &act).await?;
        let listed = open.store.is_listed(lane.id, &same).await?;
        if lifted != Lifted::default() {
            out.say(&what_follows(open, &lane.name, address, lifted, listed));
        }
        done.extend(lifted.suppressed.then(|| lane.name.clone()));
        cleared.extend(lifted.reported.then_some(lane.name));
    }
    crate::store::owner::wake(&open.office.settings.data);
    out.answer(&json!({ "lifted": done, "reports_cleared": cleared }));
    Ok(0)
}

/// What is true now. Who is in no list is written to by nobody, suppressed or not.
fn what_follows(open: &Open, name: &str, address: &str, lifted: Lifted, listed: bool) -> Said {
    let configured = open.office.channels.iter().find(|c| c.settings.name == name);
    let own_list = configured.is_some_and(|c| c.settings.common.audience.is_some());
    match (lifted.suppressed, listed) {
        (true, true) => said!(
            "{name} schreibt {address} wieder, ab der nächsten Meldung.",
            "{name} writes to {address} again, from the next notice on."
        ),
        (true, false) if own_list => said!(
            "{name}: {address} ist nicht mehr gesperrt, steht aber nicht in der Empfängerliste. Angeschrieben wird erst, wer dort steht.",
            "{name}: {address} is suppressed no more, but is not in the list of recipients. Only who is in it is written to."
        ),
        (true, false) => said!(
            "{name}: {address} ist nicht mehr gesperrt.",
            "{name}: {address} is suppressed no more."
        ),
        (false, true) => said!(
            "{name}: {address} war nicht gesperrt; ein Mailserver hatte die Adresse als unbekannt bezeichnet. Das zählt nicht mehr.",
            "{name}: {address} was not suppressed, but had been called unknown. That counts no more."
        ),
        (false, false) => said!(
            "{name}: {address} war nicht gesperrt; ein Mailserver hatte die Adresse als unbekannt bezeichnet. Das zählt nicht mehr. In der Empfängerliste steht {address} nicht.",
            "{name}: {address} was not suppressed, but had been called unknown. That counts no more. {address} is not in the list of recipients."
        ),
    }
}

/// The form in which a lane compares an address, which may be spelled in any way; of one no longer configured its kind is not asked any more.
fn compared(open: &Open, lane: &LaneRow, address: &str) -> String {
    match open.office.built(&lane.name) {
        Some(built) => built.compared(address),
        None => address.to_ascii_lowercase(),
    }
}

/// The log names nobody: a salted hash is enough to find out whether a line is about somebody.
fn act(open: &Open, action: &str, channel: &str, address: &str) -> Result<Act, Failure> {
    let key = KeyFile::new(open.office.settings.store.key_file.clone());
    let hash = key.key()?.salted_hash("address", address.as_bytes());
    Ok(Act {
        at_ms: open.office.clock.now_ms(),
        actor: Open::actor(None),
        action: action.to_owned(),
        object: format!("channel {channel}"),
        details: json!({ "address": hash }),
    })
}
