//! What keeps the owner from writing, told past the store (LANES 8): a note beside it, which commands read where the store itself cannot say it, and a
//! look whether anything can be written there at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde_json::{Value, json};

use crate::clock::Ms;
use crate::text::said::{Said, system};

/// What the owner has met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Since when.
    pub since_ms: Ms,
    /// What it is, and what to do.
    pub said: Said,
}

fn file(data: &Path) -> PathBuf {
    data.join("trouble")
}

/// Leaves a note, in place of an older one.
pub fn leave(data: &Path, note: &Note) -> io::Result<()> {
    let (file, new) = (file(data), data.join("trouble.new"));
    let text = json!({ "since_ms": note.since_ms, "de": note.said.de, "en": note.said.en });
    fs::write(&new, text.to_string())?;
    fs::rename(new, file)
}

/// It is over.
pub fn take_back(data: &Path) {
    // Where there is none nothing was the matter; where it cannot be removed the disk itself speaks (see `unwritable`).
    let _ = fs::remove_file(file(data));
}

/// The note, where there is one.
pub fn read(data: &Path) -> Option<Note> {
    let text: Value = serde_json::from_str(&fs::read_to_string(file(data)).ok()?).ok()?;
    let of = |key: &str| text[key].as_str().map(str::to_owned);
    Some(Note {
        since_ms: text["since_ms"].as_i64()?,
        said: Said {
            de: of("de")?,
            en: of("en")?,
        },
    })
}

/// Why nothing can be written in this folder; `None` where something can, or where it cannot be told. Leaves nothing behind, even when it is killed: the
/// file it makes has no name. That the disk is full is said by whoever counts its bytes.
pub fn unwritable(data: &Path) -> Option<Said> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    match rustix::fs::open(data, flags, Mode::RUSR | Mode::WUSR) {
        Err(errno @ (Errno::ROFS | Errno::IO)) => Some(system(&errno.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_there_until_it_is_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), None);
        let note = |since_ms| Note {
            since_ms,
            said: crate::said!("geht \"nicht\"", "does not work"),
        };
        for since_ms in [1, 2] {
            leave(dir.path(), &note(since_ms)).unwrap();
            assert_eq!(read(dir.path()), Some(note(since_ms)));
        }
        take_back(dir.path());
        take_back(dir.path());
        assert_eq!(read(dir.path()), None);
        fs::write(dir.path().join("trouble"), "{").unwrap();
        assert_eq!(read(dir.path()), None);
        assert_eq!(
            (unwritable(dir.path()), unwritable(Path::new("/nowhere"))),
            (None, None)
        );
    }
}
