//! `rundruf backup FILE [--move]` and `rundruf restore FILE`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Globals;
use super::output::{Failure, Output};
use super::progress::Progress;
use crate::app::{App, Open};
use crate::channel::Built;
use crate::said;
use crate::store::backup::{self, Restore, RestoredLane};
use crate::store::{Act, Refusal, StoreError};
use crate::text::said::Said;

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
}

/// Runs `backup`.
pub async fn backup(globals: &Globals, args: BackupArgs, out: &Output) -> Result<u8, Failure> {
    let Ok(open) = App::load_existing(&globals.config, &globals.data).await? else {
        return Err(Failure::Refused(said!(
            "Hier ist noch nichts zu sichern.",
            "There is nothing to back up yet."
        )));
    };
    let key = std::fs::read(&open.office.settings.store.key_file).ok();
    let act = Act {
        at_ms: open.office.clock.now_ms(),
        actor: Open::actor(None),
        action: "backup".to_owned(),
        object: "store".to_owned(),
        details: json!({ "move": args.mark_moved }),
    };
    let progress = Progress::turning(said!("sichert den Speicher", "backing the store up").in_german(out.german));
    open.store
        .backup(&args.file, key.as_deref(), args.mark_moved, &act)
        .await?;
    drop(progress);
    crate::store::owner::wake(&open.office.settings.data);
    let size = std::fs::metadata(&args.file)?.len();
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
        return Err(StoreError::Refused(Refusal::StoreExists(app.office.settings.store_path())).into());
    }
    let settings = &app.office.settings;
    // Kinds with a handle or a read-back settle what was open by themselves; the others wait for a person.
    let kinds = |wanted: fn(&Built) -> bool| -> Vec<&str> {
        let of = app.office.channels.iter().filter(|c| wanted(&c.built));
        of.map(|c| c.settings.kind.as_str()).collect()
    };
    let settling = kinds(
        |built| matches!(built, Built::Messages(c) if c.abilities().handle_for.is_some() || c.abilities().looks_up),
    );
    let levels = kinds(|built| matches!(built, Built::Website(_)));
    let how = Restore {
        settling_kinds: &settling,
        open_kinds: &levels,
        key_file: &settings.store.key_file,
        now_ms: app.office.clock.now_ms(),
    };
    let restored = backup::restore(&args.file, &settings.store_path(), &how).await?;
    let counts = &restored.lanes;
    out.say(&said!(
        "Zurückgeholt. Angehalten sind alle Kanäle außer der Website.",
        "Restored. Every channel but the website is held."
    ));
    for lane in counts {
        out.say(&uncertain(lane));
    }
    out.say(&said!(
        "Weiter: rundruf status, dann je Kanal rundruf channel release NAME.",
        "Next: rundruf status, then rundruf channel release NAME for each channel."
    ));
    out.answer(&json!({ "restored": true, "channels": counts }));
    Ok(0)
}

/// What a restored store cannot know of one channel.
fn uncertain(lane: &RestoredLane) -> Said {
    let name = &lane.name;
    match (lane.settles, lane.asks) {
        (1, _) => said!(
            "{name}: 1 Sendung kann schon angekommen sein; sie wird bei der Freigabe erst geprüft.",
            "{name}: 1 message may have arrived; it is settled first on release."
        ),
        (0, 1) => said!(
            "{name}: 1 Sendung kann schon angekommen sein; sie wartet auf Ihre Entscheidung.",
            "{name}: 1 message may have arrived; it waits for your decision."
        ),
        (0, asks) => said!(
            "{name}: {asks} Sendungen können schon angekommen sein; sie warten auf Ihre Entscheidung.",
            "{name}: {asks} messages may have arrived; they wait for your decision."
        ),
        (settles, _) => said!(
            "{name}: {settles} Sendungen können schon angekommen sein; sie werden bei der Freigabe erst geprüft.",
            "{name}: {settles} messages may have arrived; they are settled first on release."
        ),
    }
}
