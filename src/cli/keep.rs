//! `rundruf backup FILE [--move]` and `rundruf restore FILE`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::{Failure, Output};
use super::{Globals, confirm};
use crate::app::{App, Open};
use crate::channel::Built;
use crate::said;
use crate::store::backup;

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The file to write; must not exist. It holds the key: keep it as safe as the key.
    pub file: PathBuf,
    /// Move to another machine: mark this store as moved, so that it refuses to send.
    #[arg(long = "move")]
    pub mark_moved: bool,
}

/// Arguments of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup.
    pub file: PathBuf,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// Runs `backup`.
pub async fn backup(globals: &Globals, args: BackupArgs, out: &Output) -> Result<u8, Failure> {
    let app = App::load(&globals.config, &globals.data)?;
    let Ok(open) = app.open_existing().await? else {
        return Err(Failure::Refused(said!("Hier ist noch nichts zu sichern.", "There is nothing to back up yet.")));
    };
    let size = backup::backup(&open.store, &open.office.settings.store.key_file, &args.file, args.mark_moved).await?;
    let file = args.file.display();
    let kib = size.div_ceil(1024);
    out.say(&said!(
        "Gesichert: {file} ({kib} KiB). Die Datei enthält den Schlüssel; bitte sicher verwahren.",
        "Backed up: {file} ({kib} KiB). The file holds the key; please keep it safe."
    ));
    if args.mark_moved {
        out.say(&said!(
            "Dieser Speicher ist als umgezogen vermerkt und sendet nicht mehr. Auf der neuen Maschine: rundruf restore {file}",
            "This store is marked as moved and sends no more. On the new machine: rundruf restore {file}"
        ));
    }
    out.answer(&json!({ "file": args.file, "bytes": size, "moved": args.mark_moved }));
    Ok(0)
}

/// Runs `restore`.
pub async fn restore(globals: &Globals, args: RestoreArgs, out: &Output) -> Result<u8, Failure> {
    let app = App::load(&globals.config, &globals.data)?;
    if app.has_store() {
        let path = app.office.settings.store_path();
        let path = path.display();
        return Err(Failure::Refused(said!(
            "In {path} liegt schon ein Speicher. Bitte mit --data einen leeren Ordner nennen, oder ihn erst wegräumen.",
            "There is a store at {path} already. Please name an empty folder with --data, or move it away first."
        )));
    }
    let file = args.file.display();
    confirm::ask(
        out,
        &said!(
            "{file} wird zurückgeholt; alle Kanäle außer der Website sind danach angehalten.",
            "{file} will be restored; every channel but the website is held afterwards."
        ),
        args.yes,
    )?;
    // Kinds with a handle or a read-back settle what was open by themselves; the others wait for a person.
    let settle: Vec<String> = app
        .office
        .channels
        .iter()
        .filter(|c| match &c.built {
            Built::Messages(channel) => channel.abilities().handle_for.is_some() || channel.abilities().looks_up,
            Built::Website(_) => true,
        })
        .map(|c| c.settings.name.clone())
        .collect();
    let settings = &app.office.settings;
    let counts = backup::restore(
        &args.file,
        &settings.data,
        &settings.store_path(),
        &settings.store.key_file,
        &settle,
        app.office.clock.now_ms(),
    )
    .await?;
    out.say(&said!("Zurückgeholt. Angehalten sind alle Kanäle außer der Website.", "Restored. Every channel but the website is held."));
    for lane in &counts {
        let (name, settled, ask) = (&lane.channel, lane.settled_first, lane.waits_for_person);
        out.say(&said!(
            "{name}: {settled} werden bei der Freigabe erst geprüft, {ask} warten auf Ihre Entscheidung.",
            "{name}: {settled} are settled first on release, {ask} wait for your decision."
        ));
    }
    out.say(&said!(
        "Weiter: rundruf status, dann je Kanal rundruf channel release NAME.",
        "Next: rundruf status, then rundruf channel release NAME for each channel."
    ));
    out.answer(&json!({ "restored": true, "channels": counts }));
    Ok(0)
}
