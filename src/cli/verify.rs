//! `rundruf verify DIR|URL`: is a copy of the site whole, unchanged, and signed by whom it should be?
//!
//! Exit 0: it is. 1: it is not, or it cannot be told; so also where nobody but the copy names the key. 2: usage or configuration.

mod copy;
mod findings;

use std::collections::BTreeSet;
use std::iter;
use std::time::Instant;

use bytes::Bytes;
use clap::Args;
use futures_util::stream::{self, StreamExt};
use tokio::time::timeout_at;

use super::Globals;
use super::output::{Failure, Output};
use super::progress::Progress;
use crate::app::{App, Open};
use crate::channel::Built;
use crate::formats::manifest::{Doubt, LARGEST_MANIFEST, MANIFEST, Manifest};
use crate::formats::{SiteBuilder, SiteError, SiteOf};
use crate::said;
use crate::secret::KeyFile;
use crate::secret::signing::PublicKey;
use crate::settings::units;
use crate::store::Board;
use crate::text::said::Said;
use copy::{Copy, Found};
use findings::{Findings, Trust};

/// Files looked at at the same time.
const AT_ONCE: usize = 8;
/// A copy that is renewed while we look at it is looked at again; so many times.
const RENEWALS: usize = 3;

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A folder, or the address of a copy (https://…).
    pub copy: String,
    /// The key it must be signed with, as `rundruf check` of its publisher names it. Without: this installation's own.
    // One key in 64 begins with a hyphen.
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub key: Option<String>,
    /// How long it may take (500ms, 30s, 20m, 2h). What was found until then is said.
    #[arg(long, value_name = "TIME", default_value = "30m")]
    pub within: String,
}

/// What we know of who should have signed.
#[derive(Default)]
struct Expected {
    key: Option<(PublicKey, Trust)>,
    /// This installation, where it has published something: what it shows now, and its instance number.
    here: Option<(Open, i64)>,
}

/// Runs the command.
pub async fn run(globals: &Globals, args: VerifyArgs, out: &Output) -> Result<u8, Failure> {
    let expected = expected(globals, args.key.as_deref()).await?;
    let copy = Copy::at(&args.copy)?;
    let within = units::duration(&args.within).ok_or_else(|| {
        Failure::Usage(said!(
            "Das ist keine Dauer: --within zum Beispiel 30s, 20m, 2h.",
            "This is no length of time: --within for example 30s, 20m, 2h."
        ))
    })?;
    // A hostile server could keep us busy for days.
    let until = Instant::now() + within;
    let name = &args.copy;
    let mut manifest = fetch(&copy, name, until).await?;
    let mut findings = judge(&copy, &manifest, &expected, until, out).await?;
    for _ in 0..RENEWALS {
        if findings.is_whole() || Instant::now() >= until {
            break;
        }
        let newer = fetch(&copy, name, until).await?;
        if newer == manifest {
            break;
        }
        manifest = newer;
        findings = judge(&copy, &manifest, &expected, until, out).await?;
    }
    findings.tell(name, out);
    Ok(u8::from(!findings.is_well()))
}

/// The list of the copy's files, not yet read.
async fn fetch(copy: &Copy, name: &str, until: Instant) -> Result<Bytes, Failure> {
    let read = timeout_at(until.into(), copy.read(MANIFEST, LARGEST_MANIFEST as u64)).await;
    let read = read.unwrap_or_else(|_| Err(said!("die Zeit war um", "the time was over")));
    let why = match read {
        Ok(Found::File(list)) => return Ok(list),
        Ok(Found::Longer) => said!(
            "{name} lässt sich nicht prüfen: Das Verzeichnis {MANIFEST} ist länger als jedes von Rundruf.",
            "{name} cannot be verified: the manifest {MANIFEST} is longer than any of Rundruf."
        ),
        Err(Said { de, en }) => said!(
            "{name} lässt sich nicht lesen ({de}). Bitte prüfen Sie Adresse und Netz.",
            "{name} cannot be read ({en}). Check the address and the network."
        ),
        Ok(Found::Missing) => said!(
            "In {name} liegt kein Verzeichnis von Rundruf ({MANIFEST}). Ist es die oberste Ebene der Seite? Ohne dieses Verzeichnis ist nicht zu sagen, ob die Kopie stimmt.",
            "In {name} there is no manifest of Rundruf ({MANIFEST}). Is it the top of the site? Without it nobody can say whether the copy is right."
        ),
    };
    Err(Failure::Refused(why))
}

async fn judge(
    copy: &Copy,
    manifest: &[u8],
    expected: &Expected,
    until: Instant,
    out: &Output,
) -> Result<Findings, Failure> {
    match Manifest::read(manifest) {
        Ok((manifest, key)) => compare(copy, manifest, key, expected, until, out).await,
        Err(Doubt::Forged) => Ok(Findings::doubtful("forged")),
        Err(Doubt::Unreadable) => Ok(Findings::doubtful("unreadable")),
    }
}

/// The key asked for, else that of the installation this runs in, where there is one.
async fn expected(globals: &Globals, key: Option<&str>) -> Result<Expected, Failure> {
    if let Some(written) = key {
        let key = PublicKey::parse(written).ok_or_else(|| {
            Failure::Usage(said!(
                "Das ist kein Schlüssel: --key hat 43 Zeichen, wie rundruf check sie nennt.",
                "This is no key: --key has 43 characters, as rundruf check names them."
            ))
        })?;
        return Ok(Expected {
            key: Some((key, Trust::Named)),
            here: None,
        });
    }
    if !globals.config.is_file() {
        return Ok(Expected::default());
    }
    let app = App::load(&globals.config, &globals.data)?;
    let key_file = app.office.settings.store.key_file.clone();
    if !key_file.is_file() {
        return Ok(Expected::default());
    }
    let key = KeyFile::new(key_file).key()?.signer().public();
    let here = match app.open_existing().await? {
        Ok(open) => {
            let instance = open.store.identity().await?.instance;
            Some((open, instance))
        }
        Err(_) => None,
    };
    Ok(Expected {
        key: Some((key, Trust::Own)),
        here,
    })
}

/// Holds every file against the list.
async fn compare(
    copy: &Copy,
    manifest: Manifest,
    key: PublicKey,
    expected: &Expected,
    until: Instant,
    out: &Output,
) -> Result<Findings, Failure> {
    let mut findings = Findings::of(&manifest, key);
    match &expected.key {
        Some((wanted, _)) if *wanted != key => {
            findings.signature = "other-key";
            findings.wanted = Some(*wanted);
            return Ok(findings);
        }
        Some((_, trust)) => findings.trust = *trust,
        None => {}
    }
    if let Some((open, ours)) = &expected.here {
        findings.ours = Some(*ours);
        findings.behind = Some(behind(open, &manifest).await?);
    }
    let progress = Progress::counting(
        said!("vergleicht", "comparing").in_german(out.german),
        manifest.files.len(),
    );
    let looks = stream::iter(&manifest.files).map(|(path, entry)| async move {
        // One byte more would be a longer file; a reader need not see all of it to know.
        (path, entry, copy.read(path, entry.bytes).await)
    });
    let mut looks = looks.buffer_unordered(AT_ONCE);
    findings.unseen = manifest.files.len();
    while let Ok(Some((path, entry, read))) = timeout_at(until.into(), looks.next()).await {
        progress.step();
        findings.unseen -= 1;
        findings.look(path, entry, read);
    }
    drop(looks);
    match copy.others(&manifest, until).await {
        Ok(extra) => findings.extra = extra,
        Err(why) => findings.unread.push((".".to_owned(), why)),
    }
    drop(progress);
    findings.sort();
    Ok(findings)
}

/// In how many files the copy tells something else than this installation does now; 0 where it is one of its sites, to the byte.
/// Only so is a copy known for old that was signed well: everything in it is genuine.
async fn behind(open: &Open, manifest: &Manifest) -> Result<usize, SiteError> {
    let (site, now) = (open.site(), open.office.clock.now_ms());
    let websites = open.office.channels.iter();
    let websites = websites.filter(|channel| matches!(channel.built, Built::Website(_)));
    let names: Vec<&str> = websites.map(|channel| channel.settings.name.as_str()).collect();
    let mut least = usize::MAX;
    for of in iter::once(SiteOf::Everybody).chain(names.into_iter().map(SiteOf::Channel)) {
        let here = Manifest::of(&site.build(of, now).await?, manifest.instance, manifest.generation);
        let paths: BTreeSet<&String> = here.files.keys().chain(manifest.files.keys()).collect();
        let others = paths
            .iter()
            .filter(|path| here.files.get(**path) != manifest.files.get(**path));
        least = least.min(others.count());
    }
    Ok(least)
}
