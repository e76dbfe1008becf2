//! `rundruf init`: six answers become `channels.toml` and a key; then it looks whether all is well, says what will be public,
//! and writes the emergency sheet. Nothing that is there already is overwritten, save the sheet itself; what cannot be finished leaves
//! no configuration behind.

mod answers;
mod ask;
mod paper;
mod questions;
mod written;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::Globals;
use super::check::{self, Moment};
use super::output::{Failure, Output, wrap};
use crate::app::{App, no_key};
use crate::channel::Built;
use crate::domain::publisher::Publisher;
use crate::publication::Office;
use crate::said;
use crate::secret::KeyFile;
use crate::text::said::Said;
use answers::Answers;
use paper::Paper;

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// A TOML file with the six answers: name, land, phone, url, target, imprint. Then nothing is asked.
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// Only write and print the emergency sheet again, from the configuration as it is now.
    #[arg(long, conflicts_with = "answers")]
    pub sheet: bool,
}

/// Runs the command.
pub async fn run(globals: &Globals, args: InitArgs, out: &Output) -> Result<u8, Failure> {
    if args.sheet {
        return sheet_again(globals, out);
    }
    let config = &globals.config;
    if config.exists() {
        return Err(there_already(config));
    }
    let answers = match &args.answers {
        Some(file) => Answers::read(file, config).map_err(Failure::Configuration)?,
        None if std::io::stdin().is_terminal() => ask::ask(
            &mut std::io::stdin().lock(),
            // Standard output stays for the answer (`--json`).
            &mut std::io::stderr().lock(),
            config,
            out.german,
        )?,
        None => return Err(nobody_to_ask()),
    };
    let today = crate::clock::Clock::now(&crate::clock::SystemClock).to_zoned_datetime(jiff::tz::TimeZone::system());
    let text = answers.configuration(&today.strftime("%Y-%m-%d").to_string(), out.german);
    crate::store::owner::prepare_data(&globals.data)?;
    write_new(config, &text)?;
    let Made { office, paper, report } = match make(globals, out).await {
        Ok(made) => made,
        Err(failure) => {
            // The next attempt begins as this one did.
            let _ = std::fs::remove_file(config);
            return Err(failure);
        }
    };

    out.say(&said!("Angelegt:", "Made:"));
    files(out, &office, config, &paper);
    out.text("");
    out.say(&said!("Geprüft:", "Checked:"));
    report.print(out);
    if !report.ok() {
        explain(
            out,
            &said!(
                "Was mit ✗ markiert ist, hindert die erste Meldung nicht. Ändern lässt es sich jederzeit in der Konfiguration; danach: rundruf check",
                "What is marked with ✗ does not hinder the first notice. It can be changed in the configuration at any time; then: rundruf check"
            ),
        );
    }
    out.text("");
    let public = public(out, &office);
    out.text("");
    out.text(paper.text.trim_end());
    out.text("");
    next(out, &paper);
    out.answer(&json!({
        "config": config, "data": globals.data, "key": office.settings.store.key_file, "sheet": paper.file,
        "public": public, "check": report.json(),
    }));
    Ok(0)
}

/// What comes after the configuration.
struct Made {
    office: std::sync::Arc<Office>,
    paper: Paper,
    report: check::Report,
}

async fn make(globals: &Globals, out: &Output) -> Result<Made, Failure> {
    // Also with what is there already: channels.d, the environment.
    let app = App::load(&globals.config, &globals.data)?;
    let office = std::sync::Arc::clone(&app.office);
    let key = KeyFile::new(office.settings.store.key_file.clone());
    key.make().map_err(|error| no_key(key.path(), &error))?;
    let paper = Paper::write(globals, &office, out)?;
    let report = check::look(app, &globals.config.display().to_string(), Moment::First).await?;
    Ok(Made { office, paper, report })
}

/// `init --sheet`.
fn sheet_again(globals: &Globals, out: &Output) -> Result<u8, Failure> {
    let office = App::load(&globals.config, &globals.data)?.office;
    let paper = Paper::write(globals, &office, out)?;
    let file = paper.file.display();
    out.text(paper.text.trim_end());
    out.text("");
    out.say(&said!("Zum Drucken: {file}", "To print: {file}"));
    out.answer(&json!({ "sheet": paper.file }));
    Ok(0)
}

fn there_already(config: &Path) -> Failure {
    let config = config.display();
    Failure::Refused(said!(
        "{config} gibt es schon; nichts wurde geändert. Ändern Sie die Datei in einem Editor, danach rundruf check. Das Notfallblatt noch einmal: rundruf init --sheet. Für eine zweite Einrichtung einen anderen Ordner, oder --config und --data.",
        "{config} is there already; nothing was changed. Change the file in an editor, then rundruf check. The emergency sheet again: rundruf init --sheet. For a second installation use another folder, or --config and --data."
    ))
}

fn nobody_to_ask() -> Failure {
    let sample = "  name   = \"Stadt Musterstadt\"\n  land   = \"BB\"\n  phone  = \"115\"\n  url    = \"https://musterstadt-info.example\"\n  target = \"file:public\"\n  [imprint]\n  address        = \"Am Markt 1, 12345 Musterstadt\"\n  represented_by = \"Oberbürgermeisterin Erika Muster\"\n  email          = \"post@musterstadt.example\"\n  responsible    = \"Pressestelle, Am Markt 1, 12345 Musterstadt\"";
    Failure::Usage(said!(
        "Hier kann niemand gefragt werden (kein Terminal). Schreiben Sie die sechs Antworten in eine Datei und rufen Sie rundruf init --answers DATEI auf. So sieht sie aus:\n{sample}",
        "Nobody can be asked here (no terminal). Write the six answers to a file and call rundruf init --answers FILE. It looks like this:\n{sample}"
    ))
}

/// Writes a file that must not exist, whole or not at all, readable for its owner: it may hold a password.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(there_already(path)),
        Err(error) => {
            let path = path.display();
            return Err(Failure::Refused(said!(
                "{path} lässt sich nicht anlegen: {error}. Bitte Ordner und Rechte prüfen; nichts wurde geschrieben.",
                "{path} cannot be made: {error}. Please check folder and rights; nothing was written."
            )));
        }
    };
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .inspect_err(|_| {
            // Half a configuration would be refused the next time, and hinder a new attempt.
            let _ = std::fs::remove_file(path);
        })?;
    Ok(())
}

fn files(out: &Output, office: &Office, config: &Path, paper: &Paper) {
    for (path, what) in [
        (config, said!("die Konfiguration", "the configuration")),
        (
            office.settings.store.key_file.as_path(),
            said!(
                "der Schlüssel; gehört in jede Sicherung und nie ins Netz",
                "the key; part of every backup, never on the net"
            ),
        ),
        (
            paper.file.as_path(),
            said!(
                "das Notfallblatt: bitte drucken",
                "the emergency sheet: please print it"
            ),
        ),
    ] {
        out.text(&format!("  {:<22} {}", path.display(), what.in_german(out.german)));
    }
}

/// Says what everybody will be able to read, and what nobody; the addresses.
fn public(out: &Output, office: &Office) -> Vec<String> {
    let site = &office.settings.site_url;
    out.say(&said!(
        "Öffentlich wird mit der ersten Meldung:",
        "Public with the first notice:"
    ));
    let mut all = Vec::new();
    for Publisher { id, .. } in office.settings.publishers.values() {
        for (path, what) in [
            ("", said!("die Seite", "the page")),
            (
                "feed.rss",
                said!(
                    "Feeds, auch feed.atom und feed.json",
                    "feeds, also feed.atom and feed.json"
                ),
            ),
            (
                "imprint/",
                said!(
                    "Ihr Impressum, so wie Sie es eingegeben haben",
                    "your imprint, as you have entered it"
                ),
            ),
        ] {
            let address = format!("{site}/{id}/{path}");
            out.text(&format!("  {address}"));
            out.text(&format!("      {}", what.in_german(out.german)));
            all.push(address);
        }
    }
    if let Some(folder) = only_folders(office) {
        explain(
            out,
            &said!(
                "Die Seite liegt bisher nur im Ordner {folder}. Lesen kann sie erst jemand, wenn ein Webserver diesen Ordner unter {site} ausliefert, oder wenn unter targets ein Ziel bei einem Anbieter dazukommt (sftp://…, webdavs://…, s3://…).",
                "So far the site lies in the folder {folder} only. Nobody can read it before a web server serves this folder at {site}, or a target at a provider is added to targets (sftp://…, webdavs://…, s3://…)."
            ),
        );
    }
    let (config, data) = (
        office.settings.raw.place.source.to_string(),
        office.settings.data.display().to_string(),
    );
    let admin = office.settings.admin_listen;
    explain(
        out,
        &said!(
            "Niemals öffentlich: {config}, der Ordner {data} und die Verwaltung auf {admin}.",
            "Never public: {config}, the folder {data} and the admin listener at {admin}."
        ),
    );
    all
}

/// The folder of the site where it goes to folders of this machine alone.
fn only_folders(office: &Office) -> Option<String> {
    let addresses: Vec<String> = office
        .channels
        .iter()
        .filter_map(|c| match &c.built {
            Built::Website(targets) => Some(targets.iter().map(|t| t.address())),
            Built::Messages(_) => None,
        })
        .flatten()
        .collect();
    let folders = addresses.iter().map(|address| address.strip_prefix("file:"));
    folders
        .collect::<Option<Vec<_>>>()?
        .first()
        .map(|folder| (*folder).to_owned())
}

fn next(out: &Output, paper: &Paper) {
    out.say(&said!("Weiter:", "Next:"));
    let commands = &paper.commands;
    for (command, what) in [
        (
            &commands.first,
            said!("eine Meldung zum Ausfüllen", "a notice to fill in"),
        ),
        (
            &commands.preview,
            said!("zeigt, was hinausgeht", "shows what will go out"),
        ),
        (&commands.publish, said!("veröffentlicht sie", "publishes it")),
    ] {
        out.text(&format!("  {:<44} {}", command, what.in_german(out.german)));
    }
}

/// A sentence in lines that fit the terminal.
fn explain(out: &Output, said: &Said) {
    for line in wrap(said.in_german(out.german), 76) {
        out.text(&format!("  {line}"));
    }
}
