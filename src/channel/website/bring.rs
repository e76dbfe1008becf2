//! Bringing a place to a site: changed files only, what is referred to first, the front page last, then what is stale goes,
//! then the manifest says so. The place can be served at every moment: each file is switched whole, by renaming.
//!
//! The manifest lists our files with their hashes, so that we upload what changed, remove only what we put there, and know
//! an older copy of the installation (a restored backup) from the newer one.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::channel::http;
use crate::domain::outcome::{Outcome, Reason, Report};
use crate::formats::Site;
use crate::said;
use crate::text::said::Said;

/// Where the manifest stands; a name no page has.
pub const MANIFEST: &str = ".rundruf-manifest.json";
/// Largest manifest read: 100,000 files have half of it.
pub const LARGEST_MANIFEST: usize = 32 << 20;

/// Puts files somewhere.
#[async_trait]
pub trait Place: Send + Sync {
    /// The file's content, `None` where it is not there; at most [`LARGEST_MANIFEST`].
    async fn get(&self, path: &str) -> Result<Option<Bytes>, Report>;
    /// Puts a file there, whole or not at all, with the folders above it.
    async fn put(&self, path: &str, bytes: &Bytes) -> Result<(), Report>;
    /// Removes a file; one that is not there is removed already.
    async fn remove(&self, path: &str) -> Result<(), Report>;
}

/// What is there, as we left it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    /// The store's instance number at the last upload.
    instance: i64,
    /// The generation of the last upload.
    generation: i64,
    /// Files with their SHA-256.
    files: BTreeMap<String, String>,
    /// Files an upload was about to change when it was last heard of: whatever they hold, they are ours and not known.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pending: BTreeSet<String>,
}

/// Brings `place` to `site`; the number of files changed. `who` names the place in refusals.
pub async fn bring(place: &dyn Place, who: &str, site: &Site, instance: i64, generation: i64) -> Result<u64, Report> {
    let before = read(place).await?;
    let newer = before.instance;
    if newer > instance {
        return Err(http::report(
            Outcome::Auth,
            Reason::Local,
            said!(
                "{who} hat zuletzt eine neuere Ausgabe dieses Speichers beschrieben (Nummer {newer}, diese ist {instance}): Zwei Kopien einer Installation laufen. Bitte die ältere beenden; ist diese die richtige, dort {MANIFEST} löschen",
                "{who} was last written by a newer instance of this store (number {newer}, this one is {instance}): two copies of one installation are running. Stop the older one; if this is the right one, delete {MANIFEST} there"
            ),
        ));
    }
    let wanted: BTreeMap<String, String> = site
        .files
        .iter()
        .filter(|(path, _)| is_ours(path))
        .map(|(path, file)| (path.clone(), hash(&file.bytes)))
        .collect();
    let mut changed: Vec<&String> = wanted
        .iter()
        .filter(|(path, hash)| before.files.get(*path) != Some(hash) || before.pending.contains(*path))
        .map(|(path, _)| path)
        .collect();
    changed.sort_by_key(|path| order(path));
    let stale: Vec<&String> = before
        .files
        .keys()
        .chain(&before.pending)
        .filter(|path| !wanted.contains_key(*path) && is_ours(path))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    if changed.is_empty() && stale.is_empty() && before.instance == instance && before.pending.is_empty() {
        return Ok(0);
    }

    let mut manifest = Manifest {
        instance,
        generation: before.generation,
        ..Manifest::default()
    };
    manifest.files = before
        .files
        .iter()
        .filter(|(path, hash)| wanted.get(*path) == Some(hash))
        .map(|(p, h)| (p.clone(), h.clone()))
        .collect();
    manifest.pending = changed.iter().chain(&stale).map(|path| (*path).clone()).collect();
    for path in &manifest.pending {
        manifest.files.remove(path);
    }
    write(place, &manifest).await?;
    for path in &changed {
        if let Some(file) = site.files.get(*path) {
            place.put(path, &file.bytes).await?;
        }
    }
    for path in &stale {
        place.remove(path).await?;
    }
    let done = (changed.len() + stale.len()) as u64;
    write(
        place,
        &Manifest {
            instance,
            generation,
            files: wanted,
            pending: BTreeSet::new(),
        },
    )
    .await?;
    Ok(done)
}

/// Assets, then pages from the deepest up, then what points to pages, then the front pages; the root's page is the last.
fn order(path: &str) -> (u8, usize, String) {
    let depth = path.matches('/').count();
    let page = path.ends_with(".html");
    let feed = [".rss", ".atom", ".json", ".xml", ".txt"]
        .iter()
        .any(|end| path.ends_with(end));
    let rank = match (page, feed) {
        (true, _) if depth >= 2 => 1,
        (true, _) => 3,
        (_, true) => 2,
        _ => 0,
    };
    (rank, usize::MAX - depth, path.to_owned())
}

/// A path we may write or remove: below the place, no temporary file, not the manifest. A manifest is read from a machine of
/// others and must not talk us into removing something else.
fn is_ours(path: &str) -> bool {
    !path.is_empty()
        && path != MANIFEST
        && path.len() <= 1_000
        && !path.contains(['\\', '\0'])
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

async fn read(place: &dyn Place) -> Result<Manifest, Report> {
    let bytes = place.get(MANIFEST).await?;
    // One that cannot be read is none: everything is uploaded again.
    Ok(bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default())
}

async fn write(place: &dyn Place, manifest: &Manifest) -> Result<(), Report> {
    let json = serde_json::to_vec(manifest)
        .map_err(|error| http::report(Outcome::Transient, Reason::Local, Said::quoted(error.to_string())))?;
    place.put(MANIFEST, &Bytes::from(json)).await
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::channel::testing::site;

    /// A place in memory that writes down what was done and fails when told.
    #[derive(Default)]
    struct Memory {
        files: Mutex<BTreeMap<String, Bytes>>,
        log: Mutex<Vec<String>>,
        fail_at: Mutex<Option<String>>,
    }

    #[async_trait]
    impl Place for Memory {
        async fn get(&self, path: &str) -> Result<Option<Bytes>, Report> {
            Ok(self.files.lock().unwrap().get(path).cloned())
        }
        async fn put(&self, path: &str, bytes: &Bytes) -> Result<(), Report> {
            if self.fail_at.lock().unwrap().as_deref() == Some(path) {
                return Err(http::report(Outcome::Transient, Reason::NoAnswer, Said::quoted("cut")));
            }
            self.log.lock().unwrap().push(path.to_owned());
            self.files.lock().unwrap().insert(path.to_owned(), bytes.clone());
            Ok(())
        }
        async fn remove(&self, path: &str) -> Result<(), Report> {
            self.log.lock().unwrap().push(format!("-{path}"));
            self.files.lock().unwrap().remove(path);
            Ok(())
        }
    }

    impl Memory {
        fn done(&self) -> Vec<String> {
            std::mem::take(&mut *self.log.lock().unwrap())
                .into_iter()
                .filter(|p| p != MANIFEST)
                .collect()
        }
        fn text(&self, path: &str) -> String {
            String::from_utf8(self.files.lock().unwrap()[path].to_vec()).unwrap()
        }
    }

    const FIRST: &[(&str, &str)] = &[
        ("index.html", "a"),
        ("p/i/1/index.html", "1"),
        ("p/index.html", "p"),
        ("p/feed.rss", "f"),
        ("style.css", "s"),
    ];

    #[tokio::test]
    async fn what_is_referred_to_comes_first_and_only_changes_travel() {
        let place = Memory::default();
        assert_eq!(bring(&place, "x", &site(FIRST), 1, 1).await, Ok(5));
        assert_eq!(
            place.done(),
            [
                "style.css",
                "p/i/1/index.html",
                "p/feed.rss",
                "p/index.html",
                "index.html"
            ]
        );
        assert_eq!(bring(&place, "x", &site(FIRST), 1, 2).await, Ok(0));
        let second = site(&[
            ("index.html", "b"),
            ("p/index.html", "p"),
            ("style.css", "s"),
            ("p/feed.rss", "f"),
        ]);
        assert_eq!(bring(&place, "x", &second, 1, 3).await, Ok(2));
        assert_eq!(place.done(), ["index.html", "-p/i/1/index.html"]);
    }

    #[tokio::test]
    async fn an_upload_cut_in_the_middle_is_made_good_even_by_the_old_site() {
        let place = Memory::default();
        bring(&place, "x", &site(FIRST), 1, 1).await.unwrap();
        *place.fail_at.lock().unwrap() = Some("index.html".to_owned());
        let second = site(&[("index.html", "b"), ("p/index.html", "q"), ("new.css", "n")]);
        bring(&place, "x", &second, 1, 2).await.unwrap_err();
        *place.fail_at.lock().unwrap() = None;
        bring(&place, "x", &site(FIRST), 1, 3).await.unwrap();
        assert_eq!(
            (place.text("index.html"), place.text("p/index.html")),
            ("a".to_owned(), "p".to_owned())
        );
        assert!(!place.files.lock().unwrap().contains_key("new.css"));
    }

    #[tokio::test]
    async fn an_older_instance_is_refused_and_strange_files_stay() {
        let place = Memory::default();
        place.put("theirs.txt", &Bytes::from_static(b"x")).await.unwrap();
        bring(&place, "x", &site(FIRST), 2, 1).await.unwrap();
        let refused = bring(&place, "x", &site(&[]), 1, 9).await.unwrap_err();
        assert!(
            refused.outcome == Outcome::Auth && refused.text.en.contains("newer instance"),
            "{refused:?}"
        );
        bring(&place, "x", &site(&[]), 2, 2).await.unwrap();
        assert_eq!(
            place
                .files
                .lock()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>(),
            [MANIFEST, "theirs.txt"]
        );
    }

    #[tokio::test]
    async fn a_manifest_of_others_removes_nothing_outside() {
        let place = Memory::default();
        let evil = br#"{"instance":1,"generation":1,"files":{"../../etc/passwd":"0","/etc/passwd":"0","a//b":"0"}}"#;
        place.put(MANIFEST, &Bytes::from_static(evil)).await.unwrap();
        bring(&place, "x", &site(FIRST), 1, 2).await.unwrap();
        assert!(!place.done().iter().any(|line| line.starts_with('-')));
    }
}
