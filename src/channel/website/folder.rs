//! A folder on this machine. Every file is written beside its place and renamed, so that a web server reads the old or the
//! new one, never half of one; it is on the disk before that, so that a power cut changes nothing about it.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::private::resolved;
use super::space::{Place, Space, beside};
use crate::channel::{Finding, http};
use crate::clock::Ms;
use crate::domain::outcome::{Outcome, Reason, Report};
use crate::formats::SiteFile;
use crate::formats::manifest::{LARGEST_MANIFEST, MANIFEST};
use crate::said;
use crate::text::said::{Said, system};

/// Whoever writes there already is waited for.
const ASK: Duration = Duration::from_millis(50);
/// So often it is asked whether they are done.
const ASKED: u32 = 100;

/// `file:PATH`.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A folder; made at the first upload.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The right to write there, for one upload: two at the same time would remove each other's files. `None` where the folder
    /// is not there yet and cannot be made, which the first file says better, or its file system has no locks.
    async fn lock(&self) -> Result<Option<File>, Report> {
        let path = self.path.clone();
        let opened = blocking(move || {
            std::fs::create_dir_all(&path)?;
            File::open(&path)
        });
        let Ok(folder) = opened.await else {
            return Ok(None);
        };
        for _ in 0..ASKED {
            match folder.try_lock() {
                Err(TryLockError::WouldBlock) => tokio::time::sleep(ASK).await,
                Ok(()) => return Ok(Some(folder)),
                Err(TryLockError::Error(_)) => return Ok(None),
            }
        }
        let shown = self.path.display();
        Err(http::report(
            Outcome::Transient,
            Reason::Local,
            said!(
                "in {shown} schreibt gerade ein anderer Befehl oder eine andere Installation von Rundruf: bitte jedem einen eigenen Ordner geben oder warten, bis es fertig ist",
                "another command or another installation of Rundruf is writing into {shown}: give each a folder of its own, or wait until it is done"
            ),
        ))
    }

    fn failed(&self, path: &str, error: &std::io::Error) -> Report {
        let folder = self.path.display();
        let text = if error.kind() == ErrorKind::PermissionDenied {
            said!(
                "{folder}/{path} lässt sich nicht schreiben: bitte dem Benutzer, unter dem Rundruf läuft, Schreibrechte geben",
                "{folder}/{path} cannot be written: give the user who runs Rundruf write access"
            )
        } else {
            let Said { de, en } = system(error);
            said!(
                "{folder}/{path} lässt sich nicht schreiben: {de}",
                "{folder}/{path} cannot be written: {en}"
            )
        };
        http::report(Outcome::Transient, Reason::Local, text)
    }
}

/// Runs blocking file work beside the runtime.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}

/// One upload.
struct Open<'a> {
    folder: &'a Folder,
    /// Folders whose changes are not yet known to be on the disk.
    unsynced: Arc<Mutex<BTreeSet<PathBuf>>>,
    _lock: Option<File>,
}

impl Open<'_> {
    /// Notes that something changed in the folders above this path.
    fn changed(&self, full: &Path) {
        let root = &self.folder.path;
        let folders = full.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
        let mut unsynced = self.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
        unsynced.extend(folders.map(Path::to_owned));
    }
}

/// Brings to the disk which files these folders have.
fn sync(folders: &Mutex<BTreeSet<PathBuf>>) -> std::io::Result<()> {
    let folders = std::mem::take(&mut *folders.lock().unwrap_or_else(PoisonError::into_inner));
    for folder in folders {
        match File::open(&folder).and_then(|folder| folder.sync_all()) {
            // Gone meanwhile, or on a file system that does this only for files.
            Err(error)
                if !matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::InvalidInput | ErrorKind::Unsupported
                ) =>
            {
                return Err(error);
            }
            _ => {}
        }
    }
    Ok(())
}

fn write(path: &Path, beside: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let whole = || {
        let mut file = File::create(beside)?;
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()?;
        // A folder in the way was a page of an earlier layout, or is somebody else's: then this fails and says so.
        std::fs::rename(beside, path)
    };
    // A full disk gets back what was too much.
    whole().inspect_err(|_| drop(std::fs::remove_file(beside)))
}

#[async_trait]
impl Place for Open<'_> {
    async fn get(&self, path: &str) -> Result<Option<Bytes>, Report> {
        let full = self.folder.path.join(path);
        let read = move || {
            let mut bytes = Vec::new();
            File::open(full)?
                .take(LARGEST_MANIFEST as u64)
                .read_to_end(&mut bytes)?;
            Ok(Bytes::from(bytes))
        };
        match blocking(read).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.folder.failed(path, &error)),
        }
    }

    async fn put(&self, path: &str, file: &SiteFile) -> Result<(), Report> {
        let (full, bytes) = (self.folder.path.join(path), file.bytes.clone());
        let aside = self.folder.path.join(beside(path));
        let unsynced = Arc::clone(&self.unsynced);
        // The manifest vouches for all others: they are on the disk before it is.
        let vouches = path == MANIFEST;
        self.changed(&full);
        let work = move || {
            if vouches {
                sync(&unsynced)?;
            }
            write(&full, &aside, &bytes)?;
            if vouches && let Some(folder) = full.parent() {
                sync(&Mutex::new([folder.to_owned()].into()))?;
            }
            Ok(())
        };
        blocking(work).await.map_err(|error| self.folder.failed(path, &error))
    }

    fn aside(&self, path: &str) -> Option<String> {
        Some(beside(path))
    }

    async fn remove(&self, path: &str) -> Result<(), Report> {
        let (full, root) = (self.folder.path.join(path), self.folder.path.clone());
        self.changed(&full);
        let work = move || {
            match std::fs::remove_file(&full) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            // Folders left empty go too; the first that is not empty ends it.
            for folder in full.ancestors().skip(1).take_while(|folder| *folder != root) {
                if std::fs::remove_dir(folder).is_err() {
                    break;
                }
            }
            Ok(())
        };
        blocking(work).await.map_err(|error| self.folder.failed(path, &error))
    }
}

#[async_trait]
impl Space for Folder {
    fn address(&self) -> String {
        format!("file:{}", self.path.display())
    }

    fn place(&self) -> String {
        format!("file:{}", resolved(&self.path).display())
    }

    async fn open(&self, _now: Ms) -> Result<Box<dyn Place + '_>, Report> {
        Ok(Box::new(Open {
            folder: self,
            unsynced: Arc::default(),
            _lock: self.lock().await?,
        }))
    }

    async fn check(&self) -> Vec<Finding> {
        let path = self.path.clone();
        let shown = self.path.display().to_string();
        let probe = move || {
            if !path.exists() {
                // Made at the first upload; what counts is the nearest folder there is.
                let above = path
                    .ancestors()
                    .find(|a| a.is_dir())
                    .unwrap_or(Path::new("."))
                    .to_owned();
                return Ok(!std::fs::metadata(above)?.permissions().readonly());
            }
            let file = path.join(".rundruf-check.tmp");
            std::fs::write(&file, b"")?;
            std::fs::remove_file(&file)?;
            Ok(true)
        };
        vec![match blocking(probe).await {
            Ok(true) => http::well(said!(
                "In den Ordner {shown} kann geschrieben werden.",
                "The folder {shown} can be written."
            )),
            Ok(false) => Finding {
                ok: false,
                text: said!(
                    "Der Ordner {shown} lässt sich nicht anlegen. Bitte geben Sie Schreibrechte.",
                    "The folder {shown} cannot be made. Give write access."
                ),
            },
            Err(error) => {
                let Said { de, en } = system(&error);
                Finding {
                    ok: false,
                    text: said!(
                        "In den Ordner {shown} kann nicht geschrieben werden ({de}). Bitte geben Sie Schreibrechte.",
                        "The folder {shown} cannot be written ({en}). Give write access."
                    ),
                }
            }
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::testing::{key, site};
    use crate::channel::website::space::WebTarget;
    use crate::channel::{Stamp, Target};
    use crate::formats::manifest::Manifest;

    #[tokio::test]
    async fn what_was_about_to_take_its_place_goes_when_nobody_wants_it_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let folder = WebTarget::new(Folder::new(dir.path().to_owned()), false, None, key());
        let stamp = Stamp {
            instance: 1,
            generation: 1,
            now: 0,
        };
        folder.upload(&site(&[("index.html", "a")]), stamp).await.unwrap();
        // Killed in the middle of bringing these.
        let mut list = Manifest::read(&std::fs::read(dir.path().join(MANIFEST)).unwrap())
            .unwrap()
            .0;
        list.pending = ["index.html", "p/i/index.html"].map(str::to_owned).into();
        list.files.clear();
        let list = list.signed(&key().key().unwrap().signer()).bytes;
        std::fs::write(dir.path().join(MANIFEST), list).unwrap();
        std::fs::create_dir_all(dir.path().join("p/i")).unwrap();
        for half in [".rundruf-index.html.tmp", "p/i/.rundruf-index.html.tmp"] {
            std::fs::write(dir.path().join(half), "half").unwrap();
        }
        folder.upload(&site(&[("index.html", "a")]), stamp).await.unwrap();
        let mut left: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, [".well-known", "index.html"]);
    }

    #[tokio::test]
    async fn the_site_stands_in_the_folder_and_goes_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = WebTarget::new(Folder::new(dir.path().join("public")), false, None, key());
        let stamp = |generation| Stamp {
            instance: 1,
            generation,
            now: 0,
        };
        folder
            .upload(&site(&[("index.html", "a"), ("p/i/index.html", "i")]), stamp(1))
            .await
            .unwrap();
        assert_eq!(
            std::fs::read_to_string(dir.path().join("public/p/i/index.html")).unwrap(),
            "i"
        );
        folder.upload(&site(&[("index.html", "b")]), stamp(2)).await.unwrap();
        let mut left: Vec<_> = std::fs::read_dir(dir.path().join("public"))
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, [".well-known", "index.html"]);
        assert!(dir.path().join("public").join(MANIFEST).is_file());
        assert!(folder.check().await[0].ok);
    }
}
