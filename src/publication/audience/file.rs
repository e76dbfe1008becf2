//! An audience file in several passes: first all of it is looked at, so that nothing is taken over from one with faults; then it is read page by page.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs::{File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::census::Census;
use super::lines::{Lines, hash_of};
use super::{MAX_BYTES, Spelled, follows_too, problem};
use crate::clock::Ms;
use crate::domain::problem::Problem;
use crate::said;
use crate::store::{Conflict, LIST_PAGE, List, ListMark, Person, StoreError};
use crate::text::said::Said;

/// A file that changed less than this ago may change again without showing it: some file systems count in whole seconds, or in two.
const SETTLED_MS: Ms = 3_000;

/// What a file system says of a file: another one for another content, unless that came right behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    text: String,
    changed_ms: Ms,
}

impl Stamp {
    /// Of the file of this name; `None` where that cannot be told.
    pub fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().as_ref().map(Self::from_metadata)
    }

    fn from_metadata(m: &Metadata) -> Self {
        // With the time of its status, which nobody can set: a copy that keeps the time of its writing is another file all the same.
        let text = format!(
            "{} {}.{:09} {}.{:09} {}",
            m.size(),
            m.mtime(),
            m.mtime_nsec(),
            m.ctime(),
            m.ctime_nsec(),
            m.ino()
        );
        Self {
            text,
            changed_ms: m.mtime().max(m.ctime()).saturating_mul(1_000),
        }
    }

    /// In words, where it is old enough to be told from that of a later content.
    pub fn settled(&self, now: Ms) -> Option<&str> {
        (now.saturating_sub(self.changed_ms) > SETTLED_MS).then_some(self.text.as_str())
    }
}

/// An open audience file: one that takes its name meanwhile is another.
#[derive(Debug)]
pub struct AudienceFile {
    name: String,
    file: File,
    stamp: Stamp,
}

/// What the first pass found, where it found no fault.
#[derive(Debug)]
pub struct Checked {
    hash: String,
    /// Of whoever may stand there twice, by a short hash of the form in which their address is compared.
    twice: HashSet<u32>,
}

impl AudienceFile {
    /// Opens one.
    pub fn open(path: &Path) -> Result<Self, Vec<Problem>> {
        let name = path.display().to_string();
        let whole = |what: Said, remedy: Said| vec![problem(&name, None, None, what, remedy)];
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|error| {
            whole(
                said!(
                    "Die Datei lässt sich nicht lesen: {error}.",
                    "The file cannot be read: {error}."
                ),
                said!("Bitte Pfad und Rechte prüfen.", "Please check path and permissions."),
            )
        })?;
        if metadata.len() > MAX_BYTES {
            return Err(whole(
                said!("Die Datei ist größer als 256 MB.", "The file is larger than 256 MB."),
                said!(
                    "Bitte auf mehrere Kanäle verteilen.",
                    "Please split it over several channels."
                ),
            ));
        }
        let stamp = Stamp::from_metadata(&metadata);
        Ok(Self { name, file, stamp })
    }

    /// What the file system said of it when it was opened.
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// Of its content as it is now; `None` where it cannot be read.
    pub fn hash(&self) -> Option<String> {
        hash_of(self.rewound()?).ok()
    }

    /// Every pass begins here.
    fn rewound(&self) -> Option<&File> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0)).ok()?;
        Some(file)
    }

    fn lines<'a>(&'a self, spelled: Spelled<'a>) -> Result<(Lines<'a, &'a File>, Vec<Problem>), Vec<Problem>> {
        let file = self.rewound().ok_or_else(|| self.is_written())?;
        Lines::begin(&self.name, file, spelled)
    }

    /// Looks at every line.
    pub fn check(&self, spelled: Spelled<'_>) -> Result<Checked, Vec<Problem>> {
        let (lines, problems) = self.lines(spelled)?;
        let mut all = Vec::new();
        let hash = lines.all(problems, |person| all.push(short(&person.canonical)))?;
        all.sort_unstable();
        let twice = all.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0]);
        let twice = twice.collect();
        Ok(Checked { hash, twice })
    }

    /// Reads it page by page.
    pub fn pages<'a>(&'a self, checked: &'a Checked, spelled: Spelled<'a>) -> Result<Pages<'a>, Vec<Problem>> {
        let merged = match checked.twice.is_empty() {
            true => HashMap::new(),
            false => self.merged(checked, spelled)?,
        };
        let (lines, _) = self.lines(spelled)?;
        Ok(Pages {
            file: self,
            lines,
            checked,
            merged,
            census: Some(Census::default()),
            now_ms: Ms::MIN,
        })
    }

    /// Who stands there twice, with the places of all their lines.
    fn merged(&self, checked: &Checked, spelled: Spelled<'_>) -> Result<HashMap<String, Option<Person>>, Vec<Problem>> {
        let (lines, problems) = self.lines(spelled)?;
        let mut merged: HashMap<String, Option<Person>> = HashMap::new();
        let hash = lines.all(problems, |person| {
            if !checked.twice.contains(&short(&person.canonical)) {
                return;
            }
            match merged.entry(person.canonical.clone()) {
                Entry::Vacant(place) => drop(place.insert(Some(person))),
                Entry::Occupied(mut known) => {
                    if let Some(known) = known.get_mut() {
                        follows_too(known, person);
                    }
                }
            }
        })?;
        if hash == checked.hash {
            Ok(merged)
        } else {
            Err(self.is_written())
        }
    }

    /// It is another one by now than it was a moment ago.
    pub fn is_written(&self) -> Vec<Problem> {
        vec![problem(
            &self.name,
            None,
            None,
            said!(
                "Die Datei wurde geschrieben, während sie gelesen wurde.",
                "The file was written while it was read."
            ),
            said!(
                "Bitte noch einmal, sobald sie fertig ist.",
                "Please try again once it is complete."
            ),
        )]
    }

    fn changed(&self) -> Conflict {
        Conflict::List(self.name.clone())
    }
}

/// The people of an audience file without faults, each once.
pub struct Pages<'a> {
    file: &'a AudienceFile,
    lines: Lines<'a, &'a File>,
    checked: &'a Checked,
    /// Who stands there twice, as long as they are still to come.
    merged: HashMap<String, Option<Person>>,
    census: Option<Census>,
    now_ms: Ms,
}

impl Pages<'_> {
    /// The same, read now: whether the file is old enough to be known by its stamp.
    pub fn at(self, now_ms: Ms) -> Self {
        Self { now_ms, ..self }
    }

    /// The next of them, and whether their address is one.
    pub fn next_one(&mut self) -> Result<Option<(Person, bool)>, StoreError> {
        loop {
            let (person, is_address) = match self.lines.next_one() {
                Some(Ok(read)) => read,
                None if self.lines.hash() == self.checked.hash => return Ok(None),
                // It was without a fault a moment ago.
                Some(Err(_)) | None => return Err(StoreError::Conflict(self.file.changed())),
            };
            let person = match self.merged.get_mut(&person.canonical) {
                None => person,
                Some(merged) => match merged.take() {
                    Some(merged) => merged,
                    None => continue,
                },
            };
            self.census = self.census.take().and_then(|census| census.with(&person, is_address));
            return Ok(Some((person, is_address)));
        }
    }
}

impl List for Pages<'_> {
    fn page(&mut self) -> Result<Vec<Person>, StoreError> {
        let mut page = Vec::with_capacity(LIST_PAGE);
        while page.len() < LIST_PAGE
            && let Some((person, _)) = self.next_one()?
        {
            page.push(person);
        }
        Ok(page)
    }

    fn mark(&self) -> Option<ListMark> {
        Some(ListMark {
            stamp: self.file.stamp.settled(self.now_ms).map(str::to_owned),
            hash: self.checked.hash.clone(),
            census: self
                .census
                .as_ref()
                .and_then(|census| serde_json::to_string(census).ok()),
        })
    }
}

/// For a first sight of whoever may stand there twice: 4 bytes for each line. Two who only share it cost nothing but a look.
fn short(form: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    form.hash(&mut hasher);
    (hasher.finish() & u64::from(u32::MAX)) as u32
}
