//! `rundruf export DIR`: the public site as files, for a USB stick or any web server.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::Globals;
use super::output::{Failure, Output};
use super::progress::Progress;
use crate::app::App;
use crate::channel::Stamp;
use crate::channel::website::{why_private, write_into};
use crate::clock::Ms;
use crate::domain::publisher::Publisher;
use crate::formats::manifest::{MANIFEST, Manifest};
use crate::formats::{PublisherSite, Site, SiteBuilder, SiteError, SiteOf, render_site};
use crate::publication::Office;
use crate::publication::site::{Mark, StoreSite, signed_site};
use crate::said;
use crate::secret::KeyFile;
use crate::text::said::Said;

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Where to write; made if missing. Files of an earlier export that no longer belong to the site go; others stay.
    pub dir: PathBuf,
    /// As the site stands at this moment (RFC 3339), without what is about a later one.
    #[arg(long, value_name = "T")]
    pub now: Option<jiff::Timestamp>,
}

/// Runs the command.
pub async fn run(globals: &Globals, args: ExportArgs, out: &Output) -> Result<u8, Failure> {
    let app = App::load(&globals.config, &globals.data)?;
    if let Some(Said { de, en }) = why_private(&app.office.settings, &args.dir) {
        return Err(Failure::Usage(said!(
            "{de} Bitte nehmen Sie einen eigenen Ordner nur für die Website.",
            "{en} Take a folder of its own for the website."
        )));
    }
    let key_file = app.office.settings.store.key_file.clone();
    let now = args
        .now
        .map_or_else(|| app.office.clock.now_ms(), jiff::Timestamp::as_millisecond);
    let site = match app.open_existing().await? {
        Ok(open) => {
            let site = StoreSite {
                looking_back: args.now.is_some(),
                ..open.site()
            };
            site.build(SiteOf::Everybody, now).await?
        }
        Err(app) => quiet(&app.office, now)?,
    };
    let bytes: usize = site.files.values().map(|file| file.bytes.len()).sum();
    let list = site
        .files
        .get(MANIFEST)
        .and_then(|list| Manifest::read(&list.bytes).ok());
    let key = match list {
        Some(_) => Some(Arc::new(KeyFile::new(key_file).key()?.signer())),
        None => None,
    };
    let (instance, generation) = list.map_or((0, 0), |(list, _)| (list.instance, list.generation));
    let stamp = Stamp {
        instance,
        generation,
        now,
    };
    let signed = key.is_some();
    let progress = Progress::counting(said!("schreibt", "writing").in_german(out.german), site.files.len());
    let written = write_into(&args.dir, &site, stamp, key, &|| progress.step()).await;
    written.map_err(|report| Failure::Refused(report.text.map(|text| format!("{text}."))))?;
    drop(progress);
    let (count, dir) = (site.files.len(), args.dir.display());
    out.say(&said!(
        "{count} Dateien stehen in {dir}.",
        "{count} files are in {dir}."
    ));
    out.say(&if signed {
        said!(
            "Ob sie unverändert sind, sagt: rundruf verify {dir}",
            "Whether they are unchanged says: rundruf verify {dir}"
        )
    } else {
        said!(
            "Sie sind nicht unterschrieben: Einen Schlüssel gibt es erst ab der ersten Meldung.",
            "They are not signed: there is no key before the first notice."
        )
    });
    out.answer(&json!({ "files": count, "bytes": bytes, "dir": args.dir, "signed": signed }));
    Ok(0)
}

/// Before the first notice the site is there all the same, without an incident; neither store nor key is made for it.
fn quiet(office: &Office, now: Ms) -> Result<Site, Failure> {
    let settings = &office.settings;
    let quiet = |publisher: &Publisher| PublisherSite {
        publisher: publisher.clone(),
        incidents: Vec::new(),
        parent: settings.parent_name(publisher),
    };
    let publishers: Vec<_> = settings.publishers.values().map(quiet).collect();
    let (engine, url, key_file) = (&office.engine, &settings.site_url, &settings.store.key_file);
    if !key_file.is_file() {
        return Ok(render_site(engine, url, &publishers, now).map_err(|e| SiteError(e.to_string()))?);
    }
    let signer = KeyFile::new(key_file.clone()).key()?.signer();
    Ok(signed_site(engine, url, &publishers, now, Mark::default(), &signer)?)
}
