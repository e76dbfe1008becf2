//! This machine: free space, who may read the key, the data and the files of secrets.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::own_domains::walk;
use super::{Group, Line};
use crate::channel::Built;
use crate::publication::Office;
use crate::said;
use crate::store::disk::{Disk, FLOOR};

/// Below this a day of messages may not fit any more.
const LITTLE: u64 = 1 << 30;
/// Below this the lanes soon begin nothing new.
const NEARLY_FULL: u64 = FLOOR + (36 << 20);

/// What is found here.
pub fn group(office: &Office) -> Group {
    let mut lines: Vec<Line> = disks(office).iter().filter_map(|folder| space(folder)).collect();
    let (data, key) = (&office.settings.data, &office.settings.store.key_file);
    if key.is_file() {
        lines.extend(closed(key, "600"));
    } else {
        let key = key.display();
        lines.push(Line::note(said!(
            "Den Schlüssel {key} gibt es noch nicht; er entsteht mit der ersten Meldung.",
            "There is no key {key} yet; it is made with the first notice."
        )));
    }
    if data.is_dir() {
        lines.extend(closed(data, "700"));
    }
    for file in secret_files(office) {
        lines.extend(closed(&file, "600"));
    }
    Group::new("machine", said!("Diese Maschine", "This machine"), lines)
}

/// A folder on every disk that is written to: DATA and folders of the website.
fn disks(office: &Office) -> Vec<PathBuf> {
    let targets = office.channels.iter().flat_map(|c| match &c.built {
        Built::Website(targets) => targets.iter().map(|t| t.address()).collect(),
        Built::Messages(_) => Vec::new(),
    });
    let folders = targets.filter_map(|address| address.strip_prefix("file:").map(PathBuf::from));
    let mut seen = BTreeSet::new();
    std::iter::once(office.settings.data.clone())
        .chain(folders)
        .filter_map(|folder| existing(&folder))
        .filter(|folder| std::fs::metadata(folder).is_ok_and(|m| seen.insert(m.dev())))
        .collect()
}

/// The folder, or the nearest one above it that is there.
fn existing(folder: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    folder.ancestors().find(|above| above.is_dir()).map(Path::to_owned)
}

fn space(folder: &Path) -> Option<Line> {
    let found = Disk::found(folder).ok()?;
    let free = found.free;
    let (shown, folder) = (readable(free), folder.display());
    if found.no_more_files {
        return Some(Line::wrong(said!(
            "Auf dem Datenträger von {folder} lässt sich keine Datei mehr anlegen (keine Inodes frei). Bitte alte Dateien löschen.",
            "No further file can be made on the disk of {folder} (no inodes left). Please delete old files."
        )));
    }
    Some(if free >= LITTLE {
        Line::well(said!(
            "{shown} frei auf dem Datenträger von {folder}.",
            "{shown} free on the disk of {folder}."
        ))
    } else if free >= NEARLY_FULL {
        Line::note(said!(
            "Nur noch {shown} frei auf dem Datenträger von {folder}. Bitte bald Platz schaffen.",
            "Only {shown} free on the disk of {folder}. Please free some space soon."
        ))
    } else {
        Line::wrong(said!(
            "Nur noch {shown} frei auf dem Datenträger von {folder}. Bitte jetzt Platz schaffen: Ist er voll, wird nichts mehr veröffentlicht.",
            "Only {shown} free on the disk of {folder}. Please free some space now: once it is full nothing is published any more."
        ))
    })
}

fn readable(bytes: u64) -> String {
    match bytes >> 20 {
        mib @ 0..1024 => format!("{mib} MiB"),
        mib => format!("{} GiB", mib >> 10),
    }
}

/// A file or folder that only its owner may read; `mode` is what it should be.
fn closed(path: &Path, mode: &str) -> Option<Line> {
    let open = std::fs::metadata(path).ok()?.permissions().mode() & 0o077 != 0;
    let path = path.display();
    Some(if open {
        Line::wrong(said!(
            "{path} dürfen auch andere Benutzer dieser Maschine lesen. Bitte ändern: chmod {mode} {path}",
            "{path} can be read by other users of this machine. Please change that: chmod {mode} {path}"
        ))
    } else {
        Line::well(said!(
            "{path} darf nur sein Besitzer lesen.",
            "{path} can be read by its owner only."
        ))
    })
}

/// The files that hold secrets of channels (`password_file`, `token_file`).
fn secret_files(office: &Office) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    if let Some(channels) = office.settings.raw.table("channel") {
        walk(channels, &mut |field, text, place| {
            // Certificates are public.
            if field.ends_with("_file") && !field.ends_with("_ca_file") {
                files.insert(place.dir.join(text));
            }
        });
    }
    files.retain(|file| file.is_file());
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::Level;

    #[test]
    fn who_may_read_a_file_is_said_with_the_command_that_mends_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rundruf.key");
        std::fs::write(&file, "x").unwrap();
        let look = |mode| {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            closed(&file, "600").unwrap()
        };
        assert_eq!(look(0o600).level, Level::Well);
        let open = look(0o640);
        assert!(
            open.level == Level::Wrong && open.text.en.contains("chmod 600 "),
            "{open:?}"
        );
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(readable(99 << 20), "99 MiB");
        assert_eq!(readable(3 << 30), "3 GiB");
    }
}
