//! Bringing a place to a site: changed files only, what is referred to first, the front page last, then what is stale goes,
//! then the manifest says so. The place can be served at every moment: each file is switched whole, and no page that readers can
//! reach points at one that is not there.
//!
//! The manifest lists our files with their hashes, so that we upload what changed, remove only what we put there, and know
//! an older copy of the installation (a restored backup) from the newer one. It is written anew after every part of a long
//! upload: one that broke off goes on where it was, whoever runs it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt};

use crate::channel::http;
use crate::domain::outcome::{Outcome, Reason, Report};
use crate::formats::manifest::{Entry, MANIFEST, Manifest};
use crate::formats::{Site, SiteFile};
use crate::said;
use crate::secret::signing::Signer;
use crate::text::said::Said;

use super::space::Place;

/// Files of one part: after so many the manifest says how far we are.
const PART: usize = 50;
/// Parts of an upload at most, so that the manifest of a very large site does not travel more often than its files.
const PARTS: usize = 20;

/// Files looked at at the same time: a part of a very large site must not take the whole next try.
const AT_ONCE: usize = 8;

/// Who brings what.
pub struct Mark<'a> {
    /// The place, for refusals.
    pub who: &'a str,
    /// The store's instance number.
    pub instance: i64,
    /// The generation wanted.
    pub generation: i64,
    /// Signs the manifest. Without there is none: nothing is known of what lies there, and nothing is removed.
    pub signer: Option<Arc<Signer>>,
    /// Whether the manifest's word is enough for what lies there; else every file it lists is looked at.
    pub believes: bool,
}

/// Brings `place` to `site`; the number of files changed.
pub async fn bring(place: &dyn Place, site: &Site, mark: &Mark<'_>) -> Result<u64, Report> {
    let mut before = read(place, mark).await?;
    if before.instance > mark.instance {
        let (who, newer, ours) = (mark.who, before.instance, mark.instance);
        return Err(http::report(
            Outcome::Auth,
            Reason::Local,
            said!(
                "{who} hat zuletzt eine neuere Ausgabe dieses Speichers beschrieben (Nummer {newer}, diese ist {ours}): Zwei Kopien einer Installation laufen. Bitte die ältere beenden; ist diese die richtige, dort {MANIFEST} löschen",
                "{who} was last written by a newer instance of this store (number {newer}, this one is {ours}): two copies of one installation are running. Stop the older one; if this is the right one, delete {MANIFEST} there"
            ),
        ));
    }
    if !mark.believes {
        before.pending.extend(std::mem::take(&mut before.files).into_keys());
    }
    let wanted = Manifest::of(site, mark.instance, mark.generation);
    let found = look(place, &before.pending, site, &wanted).await?;
    let steps = steps(site, &wanted, &before, &found);
    if steps.is_empty() && before.instance == mark.instance && before.pending.is_empty() {
        return Ok(0);
    }

    // What is there, as long as we are not done: true after every step.
    let mut now = before.clone();
    now.instance = mark.instance;
    now.files.extend(found.right);
    let mut unknown = before.pending.clone();
    unknown.retain(|path| !now.files.contains_key(path));
    let part = PART.max(steps.len().div_ceil(PARTS));
    for part in steps.chunks(part) {
        let begun: BTreeSet<String> = part.iter().map(|(path, _)| (*path).to_owned()).collect();
        now.files.retain(|path, _| !begun.contains(path));
        // What an upload that broke off left is known to be ours until it is replaced or removed.
        now.pending = unknown.union(&begun).cloned().collect();
        write(place, &now, mark).await?;
        for (path, file) in part {
            match file {
                Some(file) => place.put(path, file).await?,
                None => place.remove(path).await?,
            }
        }
        let there = part.iter().filter_map(|(path, _)| wanted.files.get_key_value(*path));
        now.files
            .extend(there.map(|(path, entry)| (path.clone(), entry.clone())));
        unknown.retain(|path| !begun.contains(path));
    }
    let put: BTreeSet<&str> = steps.iter().filter_map(|(path, file)| file.map(|_| *path)).collect();
    for path in before.pending.iter().filter(|path| !put.contains(path.as_str())) {
        if let Some(aside) = place.aside(path) {
            place.remove(&aside).await?;
        }
    }
    write(place, &wanted, mark).await?;
    Ok(steps.len() as u64)
}

/// What an upload that broke off has left.
#[derive(Default)]
struct Found {
    /// Files that are there as wanted: not sent again.
    right: BTreeMap<String, Entry>,
    /// Files that are there with another content.
    other: BTreeSet<String>,
}

/// Looks at the files nobody knows.
async fn look(place: &dyn Place, pending: &BTreeSet<String>, site: &Site, wanted: &Manifest) -> Result<Found, Report> {
    let mut found = Found::default();
    let mut looks = Vec::new();
    for path in pending {
        if let (Some(file), Some(entry)) = (site.files.get(path), wanted.files.get(path)) {
            looks.push(async move { (path, file, entry, place.get(path).await) });
        }
    }
    let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
    while let Some((path, file, entry, there)) = looks.next().await {
        match there? {
            Some(bytes) if bytes == file.bytes => drop(found.right.insert(path.clone(), entry.clone())),
            Some(_) => drop(found.other.insert(path.clone())),
            None => {}
        }
    }
    Ok(found)
}

/// A file to put, or (without content) to remove.
type Step<'a> = (&'a str, Option<&'a SiteFile>);

/// What is to be done, in order.
///
/// New files first: nothing that is public points at them yet, and what will is among the changed ones. Then those, of which
/// none points at anything that is not there any more. What nobody points at then goes last.
fn steps<'a>(site: &'a Site, wanted: &'a Manifest, before: &'a Manifest, found: &Found) -> Vec<Step<'a>> {
    let is_there = |path: &String| before.files.contains_key(path) || found.other.contains(path);
    let mut put: Vec<(&String, &SiteFile)> = site
        .files
        .iter()
        .filter(|(path, _)| wanted.files.contains_key(*path) && !found.right.contains_key(*path))
        .filter(|(path, _)| before.files.get(*path) != wanted.files.get(*path))
        .collect();
    put.sort_by_cached_key(|(path, _)| (is_there(path), order(path)));
    let stale: BTreeSet<&String> = before
        .files
        .keys()
        .chain(&before.pending)
        .filter(|path| !wanted.files.contains_key(*path))
        .collect();
    let put = put.into_iter().map(|(path, file)| (path.as_str(), Some(file)));
    put.chain(stale.into_iter().map(|path| (path.as_str(), None))).collect()
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

/// The manifest as we left it. One that cannot be read, or that this installation has not signed, is none: everything is
/// brought anew, and what it lists stays.
async fn read(place: &dyn Place, mark: &Mark<'_>) -> Result<Manifest, Report> {
    let Some(signer) = &mark.signer else {
        return Ok(Manifest::default());
    };
    let Some(file) = place.get(MANIFEST).await? else {
        return Ok(Manifest::default());
    };
    let read = beside(move || Manifest::read(&file).ok()).await?;
    let ours = read.filter(|(_, key)| *key == signer.public());
    Ok(ours.map(|(manifest, _)| manifest).unwrap_or_default())
}

async fn write(place: &dyn Place, manifest: &Manifest, mark: &Mark<'_>) -> Result<(), Report> {
    let Some(signer) = mark.signer.clone() else {
        return Ok(());
    };
    let manifest = manifest.clone();
    let file = beside(move || manifest.signed(&signer)).await?;
    place.put(MANIFEST, &file).await
}

/// Beside the runtime: a list of many thousand files takes longer than others may wait for their thread.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Report> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| http::report(Outcome::Transient, Reason::Local, Said::quoted(error.to_string())))
}

#[cfg(test)]
#[path = "bring_tests.rs"]
mod tests;
