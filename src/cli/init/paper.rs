//! The emergency sheet of this installation: its paths, its numbers, its commands as they are typed here.

use std::path::{Path, PathBuf};

use super::super::output::{Failure, Output};
use crate::channel::Built;
use crate::cli::Globals;
use crate::formats::sheet::{Commands, Hotline, Sheet};
use crate::publication::Office;
use crate::said;
use crate::text::lang::Lang;
use crate::text::said::system;

/// The sheet as written.
pub struct Paper {
    /// The file to print.
    pub file: PathBuf,
    /// The same for a terminal.
    pub text: String,
    /// What to type.
    pub commands: Commands,
}

impl Paper {
    /// Writes the file beside the configuration; one of an earlier time is replaced.
    pub fn write(globals: &Globals, office: &Office, out: &Output) -> Result<Self, Failure> {
        let sheet = sheet(globals, office, out.german)?;
        let lang = if out.german { Lang::De } else { Lang::En };
        let name = if out.german {
            "notfallblatt.html"
        } else {
            "emergency-sheet.html"
        };
        let file = globals.config.with_file_name(name);
        write(&file, &sheet.page(&office.engine, lang).map_err(template)?)?;
        let text = sheet.text(&office.engine, lang).map_err(template)?;
        Ok(Self {
            file,
            text,
            commands: sheet.commands,
        })
    }
}

/// Written beside first: a full disk must not take the sheet that is there.
fn write(file: &Path, page: &str) -> Result<(), Failure> {
    let beside = file.with_extension("html.tmp");
    let written = std::fs::write(&beside, page).and_then(|()| std::fs::rename(&beside, file));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        let (file, said) = (file.display(), system(&error));
        let (de, en) = (said.de, said.en);
        Failure::Refused(said!(
            "Das Notfallblatt {file} lässt sich nicht schreiben: {de}. Bitte Platz schaffen oder die Rechte prüfen, dann noch einmal.",
            "The emergency sheet {file} cannot be written: {en}. Please make room or check the rights, then try again."
        ))
    })
}

fn template(error: crate::render::RenderError) -> Failure {
    Failure::Usage(said!("Vorlage: {error}", "template: {error}"))
}

fn sheet(globals: &Globals, office: &Office, german: bool) -> Result<Sheet, Failure> {
    let settings = &office.settings;
    let word = |said: crate::text::said::Said| said.in_german(german).to_owned();
    let name = settings
        .publishers
        .values()
        .map(|p| p.name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let (config, data, key) = (
        std::path::absolute(&globals.config)?,
        std::path::absolute(&settings.data)?,
        std::path::absolute(&settings.store.key_file)?,
    );
    let program = std::env::current_exe()?;
    let targets = office.channels.iter().flat_map(|c| match &c.built {
        Built::Website(targets) => targets.iter().map(|t| t.address()).collect(),
        Built::Messages(_) => Vec::new(),
    });
    let targets = targets
        .map(|address| match address.strip_prefix("file:") {
            Some(path) => std::path::absolute(path).map_or(address.clone(), |p| p.display().to_string()),
            None => address,
        })
        .collect();
    let mut hotlines: Vec<Hotline> = settings
        .publishers
        .values()
        .filter_map(|p| {
            Some(Hotline {
                number: p.phone.clone()?,
                what: p.name.clone(),
            })
        })
        .collect();
    for (number, what) in [
        ("115", said!("Behördennummer", "Public authorities")),
        ("110", said!("Polizei", "Police")),
        ("112", said!("Feuerwehr, Rettung", "Fire, rescue")),
    ] {
        if !hotlines.iter().any(|h| h.number == number) {
            hotlines.push(Hotline {
                number: number.to_owned(),
                what: word(what),
            });
        }
    }
    let now = office.clock.now().to_zoned_datetime(jiff::tz::TimeZone::system());
    let day = if german { "%d.%m.%Y" } else { "%-d %B %Y" };
    Ok(Sheet {
        name,
        address: settings.site_url.clone(),
        made: now.strftime(day).to_string(),
        hotlines,
        machine: machine().unwrap_or_else(|| "________".to_owned()),
        user: crate::app::user(),
        commands: commands(&config, &data, &program, german),
        program: program.display().to_string(),
        config: config.display().to_string(),
        data: data.display().to_string(),
        key: key.display().to_string(),
        targets,
    })
}

/// The commands, short where the folder and the search path allow it.
fn commands(config: &Path, data: &Path, program: &Path, german: bool) -> Commands {
    let folder = config.parent().unwrap_or(Path::new("/"));
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|dir| std::fs::canonicalize(dir).ok().as_deref() == program.parent())
    });
    let program = match program.strip_prefix(folder) {
        _ if found => "rundruf".to_owned(),
        Ok(inside) => format!("./{}", shell(inside)),
        Err(_) => shell(program),
    };
    let mut globals = String::new();
    if config.file_name().is_none_or(|name| name != "channels.toml") {
        globals.push_str(&format!(" --config {}", shell(config)));
    }
    if data != folder.join("data") {
        globals.push_str(&format!(" --data {}", shell(data)));
    }
    let file = if german { "meldung.toml" } else { "notice.toml" };
    let run = |what: &str| format!("{program}{globals} {what}");
    Commands {
        go: format!("cd {}", shell(folder)),
        check: run("check"),
        first: run(&format!("new first > {file}")),
        edit: format!("nano {file}"),
        preview: run(&format!("preview {file}")),
        publish: run(&format!("publish {file} --wait")),
        serve: format!("nohup {} > serve.log 2>&1 &", run("serve")),
        status: run("status"),
        update: run(&format!("new update > {file}")),
        correction: run(&format!("new correction > {file}")),
        rolled_back: run(&format!("new rolled-back > {file}")),
        backup: run("backup $(date +%F).backup"),
    }
}

/// A path as a shell takes it.
fn shell(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@:,".contains(c);
    if path.chars().all(plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

/// The name of this machine; Linux keeps it there.
fn machine() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_as_short_as_they_may_be() {
        let of = |config: &str, data: &str, program: &str| {
            commands(Path::new(config), Path::new(data), Path::new(program), true)
        };
        let plain = of("/srv/r/channels.toml", "/srv/r/data", "/srv/r/rundruf");
        assert_eq!(
            (plain.go.as_str(), plain.check.as_str()),
            ("cd /srv/r", "./rundruf check")
        );
        let apart = of("/etc/it notfall/r.toml", "/var/r", "/opt/r/rundruf");
        assert_eq!(
            apart.status,
            "/opt/r/rundruf --config '/etc/it notfall/r.toml' --data /var/r status"
        );
    }
}
