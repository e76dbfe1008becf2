//! The lines of an audience file, one after the other.

use std::io::Read;

use base16ct::lower::encode_string as hex;
use csv::StringRecord;
use sha2::{Digest, Sha256};

use super::{MAX_PROBLEMS, Spelled, broken, person, problem};
use crate::domain::problem::Problem;
use crate::said;
use crate::store::Person;

/// Where what stands.
struct Columns {
    address: usize,
    name: Option<usize>,
    language: Option<usize>,
    places: Option<usize>,
}

/// An audience file while it is read.
pub(super) struct Lines<'a, R> {
    file: &'a str,
    reader: csv::Reader<Hashed<R>>,
    columns: Columns,
    record: StringRecord,
    spelled: Spelled<'a>,
    /// The file itself cannot be read any further.
    over: bool,
}

/// What a file says, by its SHA-256.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

impl<'a, R: Read> Lines<'a, R> {
    /// Reads the head line; what is wrong with it beside what keeps the file from being read.
    pub(super) fn begin(file: &'a str, inner: R, spelled: Spelled<'a>) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .flexible(false)
            .buffer_capacity(64 * 1024)
            .from_reader(Hashed {
                inner,
                hash: Sha256::new(),
            });
        let head = reader.headers().map_err(|e| vec![broken(file, &e)])?.clone();
        let column = |word: &str| head.iter().position(|h| h.eq_ignore_ascii_case(word));
        let Some(address) = column("address") else {
            return Err(vec![problem(
                file,
                Some(1),
                None,
                said!(
                    "In der Kopfzeile fehlt die Spalte address.",
                    "The head line has no column `address`."
                ),
                said!(
                    "Die erste Zeile heißt zum Beispiel: address,name,language,places",
                    "Make the first line, for example: address,name,language,places"
                ),
            )]);
        };
        let unknown = head
            .iter()
            .filter(|h| !["address", "name", "language", "places"].contains(&h.to_ascii_lowercase().as_str()));
        let problems = unknown.map(|h| {
            problem(
                file,
                Some(1),
                Some(h),
                said!("Die Spalte {h} ist unbekannt.", "The column {h} is unknown."),
                said!(
                    "Möglich sind address, name, language, places.",
                    "Allowed are address, name, language, places."
                ),
            )
        });
        let problems = problems.collect();
        let columns = Columns {
            address,
            name: column("name"),
            language: column("language"),
            places: column("places"),
        };
        let lines = Self {
            file,
            reader,
            columns,
            record: StringRecord::new(),
            spelled,
            over: false,
        };
        Ok((lines, problems))
    }

    /// The next one with somebody in it, and whether their address is one; or what is wrong with it.
    pub(super) fn next_one(&mut self) -> Option<Result<(Person, bool), Problem>> {
        if self.over {
            return None;
        }
        match self.reader.read_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => {
                self.over = error.is_io_error();
                return Some(Err(broken(self.file, &error)));
            }
        }
        let record = &self.record;
        let field = |at: Option<usize>| at.and_then(|i| record.get(i)).map(str::trim).filter(|f| !f.is_empty());
        let c = &self.columns;
        let read = person(
            field(Some(c.address)),
            field(c.name),
            field(c.language),
            field(c.places),
        );
        Some(match read {
            Ok(mut person) => {
                let (form, is_address) = (self.spelled)(&person.address);
                person.canonical = form;
                Ok((person, is_address))
            }
            Err((field, what, remedy)) => {
                let line = record
                    .position()
                    .map(|p| usize::try_from(p.line()).unwrap_or(usize::MAX));
                Err(problem(self.file, line, Some(field), what, remedy))
            }
        })
    }

    /// Goes through the whole file; all that is wrong with it, as far as that is named.
    pub(super) fn all(
        mut self,
        mut problems: Vec<Problem>,
        mut tell: impl FnMut(Person),
    ) -> Result<String, Vec<Problem>> {
        while problems.len() < MAX_PROBLEMS
            && let Some(read) = self.next_one()
        {
            match read {
                Ok((person, _)) => tell(person),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            Ok(self.hash())
        } else {
            Err(problems)
        }
    }

    /// Of what was read, which is all once there is no next one.
    pub(super) fn hash(&self) -> String {
        hex(&self.reader.get_ref().hash.clone().finalize())
    }
}

/// Of a whole file.
pub(super) fn hash_of(mut file: impl Read) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}
