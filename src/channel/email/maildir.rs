//! The folder that returned mails are delivered into: a Maildir (cr.yp.to/proto/maildir.html). What is in `new` nobody has seen; what is in `cur`
//! a mail program has, which does not mean that we have. What we have taken carries a mark of ours in its name, so that each mail is taken
//! once, whoever else moves it about. Imports `clock` only.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::clock::Ms;

/// Ends the name of a mail that we have taken, in front of its marks.
const TAKEN: &[u8] = b",rundruf";
/// What stands between a mail's name and its marks.
const MARKS: &[u8] = b":2,";
/// What lies longer in `cur` says nothing any more: nothing follows from a bounce of an older mail.
const RECENT: Duration = Duration::from_secs(31 * 24 * 3_600);

/// Mails that nobody has taken yet: new ones, the oldest first (their names begin with the time), then those that somebody else has moved.
pub fn waiting(folder: &Path, now: Ms) -> io::Result<Vec<PathBuf>> {
    let since = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now).unwrap_or(0));
    let since = since.checked_sub(RECENT).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut files = list(&folder.join("new"), |_| true)?;
    let recent = |file: &Path| {
        let changed = fs::metadata(file).and_then(|about| about.modified());
        changed.is_ok_and(|changed| changed >= since)
    };
    match list(&folder.join("cur"), recent) {
        Ok(moved) => files.extend(moved),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(files)
}

fn list(folder: &Path, fits: impl Fn(&Path) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let (name, _) = parted(name.as_bytes());
        // A name that begins with a dot is no mail.
        let mail = !name.starts_with(b".") && !name.ends_with(TAKEN) && entry.file_type()?.is_file();
        if mail && fits(&entry.path()) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// A mail's name and its marks.
fn parted(name: &[u8]) -> (&[u8], &[u8]) {
    let at = name.windows(MARKS.len()).position(|part| part == MARKS);
    at.map_or((name, b"".as_slice()), |at| (&name[..at], &name[at + MARKS.len()..]))
}

/// At most so many bytes of a mail.
pub fn bytes(file: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Marks a mail as taken, in `cur`; with `read` also as seen by somebody. A mail that a mail program has renamed meanwhile is left to the next look.
pub fn put_aside(file: &Path, read: bool) -> io::Result<()> {
    let (Some(folder), Some(name)) = (file.parent().and_then(Path::parent), file.file_name()) else {
        return Err(io::Error::other("no file of a Maildir"));
    };
    let current = folder.join("cur");
    fs::create_dir_all(&current)?;
    let (name, marks) = parted(name.as_bytes());
    let mut marks = marks.to_vec();
    if read && !marks.contains(&b'S') {
        marks.push(b'S');
        // As the format has them.
        marks.sort_unstable();
    }
    let name = OsString::from_vec([name, TAKEN, MARKS, &marks].concat());
    match fs::rename(file, current.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Whether mails can be read and put aside there: makes a file in both folders and removes it. The folder in trouble, and the trouble.
pub fn try_out(folder: &Path) -> Result<(), (PathBuf, io::Error)> {
    for part in ["new", "cur"] {
        let part = folder.join(part);
        let file = part.join(format!(".rundruf-{}", std::process::id()));
        let tried = fs::read_dir(&part)
            .and_then(|_| File::create(&file))
            .and_then(|_| fs::remove_file(&file));
        tried.map_err(|error| (part, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &[PathBuf]) -> Vec<&str> {
        files
            .iter()
            .map(|file| file.file_name().unwrap().to_str().unwrap())
            .collect()
    }

    #[test]
    fn each_mail_is_taken_once_whoever_else_moves_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        fs::create_dir(folder.join("new")).unwrap();
        assert_eq!(waiting(folder, 0).unwrap().len(), 0, "no cur yet");
        fs::create_dir(folder.join("cur")).unwrap();
        for file in ["new/2", "new/1", "new/.hidden", "cur/0:2,", "cur/4,S=12:2,F"] {
            fs::write(folder.join(file), "x").unwrap();
        }
        let waits = waiting(folder, 0).unwrap();
        assert_eq!(names(&waits), ["1", "2", "0:2,", "4,S=12:2,F"]);
        for (n, file) in waits.iter().enumerate() {
            put_aside(file, n % 2 == 1).unwrap();
        }
        put_aside(&waits[0], true).unwrap();
        assert!(waiting(folder, 0).unwrap().is_empty());
        let aside = list(&folder.join("cur"), |_| true).unwrap();
        assert!(aside.is_empty());
        for file in ["1,rundruf:2,", "2,rundruf:2,S", "0,rundruf:2,", "4,S=12,rundruf:2,FS"] {
            assert!(folder.join("cur").join(file).is_file(), "{file}");
        }
        // A mail program says that somebody has read it.
        fs::rename(folder.join("cur/1,rundruf:2,"), folder.join("cur/1,rundruf:2,S")).unwrap();
        assert!(waiting(folder, 0).unwrap().is_empty());
        // Half a lifetime later what still lies in `cur` is old; what is new is not.
        fs::write(folder.join("cur/5:2,S"), "x").unwrap();
        fs::write(folder.join("new/6"), "x").unwrap();
        assert_eq!(names(&waiting(folder, 4_000_000_000_000).unwrap()), ["6"]);
    }

    #[test]
    fn a_folder_is_tried_out_without_a_trace() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        assert!(try_out(folder).unwrap_err().0.ends_with("new"));
        fs::create_dir(folder.join("new")).unwrap();
        fs::write(folder.join("cur"), "no folder").unwrap();
        assert!(try_out(folder).unwrap_err().0.ends_with("cur"));
        fs::remove_file(folder.join("cur")).unwrap();
        fs::create_dir(folder.join("cur")).unwrap();
        try_out(folder).unwrap();
        assert_eq!(fs::read_dir(folder.join("new")).unwrap().count(), 0);
    }
}
