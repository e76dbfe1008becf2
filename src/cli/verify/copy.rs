//! A copy of the site: a folder, or what readers get at an address. Nothing is read beyond what the list says.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use url::Url;

use super::AT_ONCE;
use crate::cli::output::Failure;
use crate::formats::manifest::{MANIFEST, Manifest};
use crate::net::{Http, Use};
use crate::said;
use crate::text::said::{Said, system};

/// Of one file.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where the copy is.
pub(super) enum Copy {
    Folder(PathBuf),
    Web(Box<Http>, Url),
}

/// A file of a copy: its content, at most as long as asked for and one byte; `None` where it is not there; or why nobody can say.
pub(super) type Content = Result<Option<Bytes>, Said>;

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

    /// One file of it.
    pub(super) async fn read(&self, path: &str, largest: u64) -> Content {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(path);
                let read = tokio::task::spawn_blocking(move || from_disk(&path, largest)).await;
                read.map_err(|error| Said::quoted(error.to_string()))?
            }
            Self::Web(http, base) => from_web(http, base, path, largest).await,
        }
    }

    /// Files that are on no list; `None` over the web, where nobody can see them.
    pub(super) async fn others(&self, manifest: &Manifest) -> Result<Option<Vec<String>>, Said> {
        let Self::Folder(folder) = self else {
            return Ok(None);
        };
        let folder = folder.clone();
        let all = tokio::task::spawn_blocking(move || walk(&folder)).await;
        let all = all
            .map_err(|error| Said::quoted(error.to_string()))?
            .map_err(|error| system(&error))?;
        let known =
            |path: &String| path == MANIFEST || manifest.files.contains_key(path) || manifest.pending.contains(path);
        Ok(Some(all.into_iter().filter(|path| !known(path)).collect()))
    }
}

fn from_disk(path: &Path, largest: u64) -> Content {
    let mut content = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(largest + 1).read_to_end(&mut content));
    match read {
        Ok(_) => Ok(Some(content.into())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(system(&error)),
    }
}

/// Every file below a folder by its path. Links are files here: what they lead to is not the copy's.
fn walk(folder: &Path) -> std::io::Result<Vec<String>> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else if let Ok(below) = entry.path().strip_prefix(folder) {
                found.push(below.to_string_lossy().into_owned());
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
        Ok(Some(page)) => Ok(Some(page)),
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
    let largest = usize::try_from(largest).unwrap_or(usize::MAX).saturating_add(1);
    let answer = http.send_up_to(http.client().get(url), largest).await;
    let answer = answer.map_err(|failure| failure.said())?;
    let length = answer.header("content-length").and_then(|text| text.parse().ok());
    match answer.status {
        200 if answer.complete => Ok(Some(answer.body)),
        // Longer than the list says: the beginning is enough to know.
        200 if length.is_some_and(|length: usize| length > largest) => Ok(Some(Bytes::from(vec![0; largest]))),
        200 => Err(said!(
            "die Antwort brach ab oder ist länger, als das Verzeichnis sagt",
            "the answer broke off or is longer than the list says"
        )),
        404 | 410 => Ok(None),
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
