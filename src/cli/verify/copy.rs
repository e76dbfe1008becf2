//! A copy of the site: a folder, or what readers get at an address. Nothing is read beyond what the list says.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use url::Url;

use super::AT_ONCE;
use crate::cli::output::Failure;
use crate::formats::manifest::{MANIFEST, Manifest};
use crate::net::{Http, Use};
use crate::said;
use crate::text::said::{Said, system};

/// Of one file.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Files that belong to nobody's list, and folders not yet looked into: more tell a reader nothing.
const MOST_OTHERS: usize = 10_000;

/// Where the copy is.
pub(super) enum Copy {
    Folder(PathBuf),
    Web(Box<Http>, Url),
}

/// What is where a file should be.
pub(super) enum Found {
    File(Bytes),
    /// A file longer than asked for. How it goes on is not read.
    Longer,
    Missing,
}

/// What is there, or why nobody can say.
pub(super) type Content = Result<Found, Said>;

impl Copy {
    /// The copy a person named.
    pub(super) fn at(written: &str) -> Result<Self, Failure> {
        let web = ["http://", "https://"].iter().any(|scheme| written.starts_with(scheme));
        if !web {
            if !Path::new(written).is_dir() {
                return Err(Failure::Usage(said!(
                    "Einen Ordner {written} gibt es nicht. Erwartet wird ein Ordner oder eine Adresse mit https://.",
                    "There is no folder {written}. Expected is a folder or an address with https://."
                )));
            }
            return Ok(Self::Folder(PathBuf::from(written)));
        }
        let url = Url::parse(written)
            .ok()
            .filter(|url| url.username().is_empty() && url.password().is_none() && url.query().is_none());
        let Some(url) = url else {
            // Not quoted: it may carry a password.
            return Err(Failure::Usage(said!(
                "Das ist keine Adresse einer Seite. Zum Beispiel https://info.stadt.example.",
                "This is no address of a site. For example https://info.city.example."
            )));
        };
        let http = Http::new(Use {
            timeout: TIMEOUT,
            concurrency: AT_ONCE as u32,
            reuse: true,
            // Whoever calls this names the address.
            private: true,
        });
        let http = http.map_err(|Said { de, en }| {
            Failure::Refused(said!("TLS ist nicht einsatzbereit: {de}.", "TLS is not ready: {en}."))
        })?;
        Ok(Self::Web(Box::new(http), url))
    }

    /// One file of it, at most `largest` bytes long.
    pub(super) async fn read(&self, path: &str, largest: u64) -> Content {
        match self {
            Self::Folder(folder) => {
                let (folder, path) = (folder.clone(), path.to_owned());
                let read = tokio::task::spawn_blocking(move || from_disk(&folder, &path, largest)).await;
                read.map_err(|error| Said::quoted(error.to_string()))?
            }
            Self::Web(http, base) => from_web(http, base, path, largest).await,
        }
    }

    /// Files that are on no list; `None` over the web, where nobody can see them.
    pub(super) async fn others(&self, manifest: &Manifest, until: Instant) -> Result<Option<Vec<String>>, Said> {
        let Self::Folder(folder) = self else {
            return Ok(None);
        };
        let known = manifest.files.keys().chain(&manifest.pending).cloned();
        let known: BTreeSet<String> = known.chain([MANIFEST.to_owned()]).collect();
        let folder = folder.clone();
        let others = tokio::task::spawn_blocking(move || walk(&folder, &known, until)).await;
        others.map_err(|error| Said::quoted(error.to_string()))?.map(Some)
    }
}

/// Reads a file without following links or opening anything else than files: what they lead to is not the copy's, and a pipe
/// never ends.
fn from_disk(folder: &Path, path: &str, largest: u64) -> Content {
    match open(folder, path) {
        Ok(Some(file)) => {
            let mut content = Vec::new();
            match file.take(largest.saturating_add(1)).read_to_end(&mut content) {
                Ok(length) if length as u64 > largest => Ok(Found::Longer),
                Ok(_) => Ok(Found::File(content.into())),
                Err(error) => Err(system(&error)),
            }
        }
        Ok(None) => Err(said!(
            "das ist keine Datei, sondern ein Verweis oder etwas anderes; ihm wird nicht gefolgt",
            "this is no file but a link or something else; it is not followed"
        )),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Found::Missing),
        Err(error) => Err(system(&error)),
    }
}

/// A regular file below real folders; `None` where it is anything else.
fn open(folder: &Path, path: &str) -> std::io::Result<Option<File>> {
    let mut at = OwnedFd::from(File::open(folder)?);
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let kind = FileType::from_raw_mode(fs::statat(&at, part, AtFlags::SYMLINK_NOFOLLOW)?.st_mode);
        let wanted = if parts.peek().is_some() {
            FileType::Directory
        } else {
            FileType::RegularFile
        };
        if kind != wanted {
            return Ok(None);
        }
        // Whoever swaps it for a link or a pipe meanwhile gets an error instead of being followed or waited for.
        let unfollowed = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        at = fs::openat(&at, part, unfollowed, Mode::empty())?;
    }
    let file = File::from(at);
    Ok(file.metadata()?.is_file().then_some(file))
}

/// Files below a folder by their paths, without those that are `known`. Links are files here: what they lead to is not the
/// copy's.
fn walk(folder: &Path, known: &BTreeSet<String>, until: Instant) -> Result<Vec<String>, Said> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).map_err(|error| system(&error))? {
            if Instant::now() > until {
                return Err(said!("die Zeit war um", "the time was over"));
            }
            if found.len() + open.len() > MOST_OTHERS {
                return Err(said!(
                    "dort liegen zu viele fremde Dateien, um sie aufzuzählen",
                    "there are too many strange files to list them"
                ));
            }
            let entry = entry.map_err(|error| system(&error))?;
            if entry.file_type().map_err(|error| system(&error))?.is_dir() {
                open.push(entry.path());
            } else if let Ok(below) = entry.path().strip_prefix(folder) {
                let path = below.to_string_lossy();
                if !known.contains(path.as_ref()) {
                    found.push(path.into_owned());
                }
            }
        }
    }
    Ok(found)
}

/// A folder's page is asked for as readers do, and by its name where the host has no pages for folders.
async fn from_web(http: &Http, base: &Url, path: &str, largest: u64) -> Content {
    let by_name = address(base, path);
    let Some(folder) = path.strip_suffix("index.html") else {
        return get(http, by_name, largest).await;
    };
    match get(http, address(base, folder), largest).await {
        Ok(Found::File(page)) => Ok(Found::File(page)),
        _ => get(http, by_name, largest).await,
    }
}

fn address(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/'));
    }
    url
}

async fn get(http: &Http, url: Url, largest: u64) -> Content {
    let limit = usize::try_from(largest).unwrap_or(usize::MAX);
    let answer = http.send_up_to(http.client().get(url), limit).await;
    let answer = answer.map_err(|failure| failure.said())?;
    let length = answer.header("content-length").and_then(|text| text.parse().ok());
    match answer.status {
        200 if answer.complete => Ok(Found::File(answer.body)),
        200 if length.is_some_and(|length: u64| length > largest) => Ok(Found::Longer),
        200 => Err(said!(
            "die Antwort brach ab oder ist länger, als das Verzeichnis sagt",
            "the answer broke off or is longer than the list says"
        )),
        404 | 410 => Ok(Found::Missing),
        status @ 300..=399 => {
            let to: String = answer
                .header("location")
                .unwrap_or_default()
                .chars()
                .take(200)
                .collect();
            Err(said!(
                "dort kommt {status}, ein Verweis nach {to}: bitte diese Adresse angeben",
                "it answers {status}, a redirect to {to}: name that address"
            ))
        }
        status => Err(said!("dort kommt {status}", "it answers {status}")),
    }
}
