//! `rundruf export DIR`: the public site as files, for a USB stick or any web server.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Globals;
use super::output::{Failure, Output};
use super::progress::Progress;
use crate::app::App;
use crate::domain::publisher::Publisher;
use crate::formats::{PublisherSite, SiteBuilder, SiteError, SiteOf, render_site};
use crate::publication::site::StoreSite;
use crate::said;

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Where to write; made if missing. Files that no longer belong to the site stay.
    pub dir: PathBuf,
    /// As the site stands at this moment (RFC 3339), without what is about a later one.
    #[arg(long, value_name = "T")]
    pub now: Option<jiff::Timestamp>,
}

/// Runs the command.
pub async fn run(globals: &Globals, args: ExportArgs, out: &Output) -> Result<u8, Failure> {
    let app = App::load(&globals.config, &globals.data)?;
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
        // Before the first notice the site is there all the same, without an incident; no store is made for it.
        Err(app) => {
            let quiet = |p: &Publisher| PublisherSite {
                publisher: p.clone(),
                incidents: Vec::new(),
                parent: app.office.settings.parent_name(p),
            };
            let publishers: Vec<_> = app.office.settings.publishers.values().map(quiet).collect();
            render_site(&app.office.engine, &app.office.settings.site_url, &publishers, now)
                .map_err(|e| SiteError(e.to_string()))?
        }
    };
    let mut bytes = 0;
    let progress = Progress::counting(said!("schreibt", "writing").in_german(out.german), site.files.len());
    for (path, file) in &site.files {
        let to = args.dir.join(path);
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent)?;
        }
        bytes += file.bytes.len();
        std::fs::write(to, &file.bytes)?;
        progress.step();
    }
    drop(progress);
    let (count, dir) = (site.files.len(), args.dir.display());
    out.say(&said!(
        "{count} Dateien stehen in {dir}.",
        "{count} files are in {dir}."
    ));
    out.answer(&json!({ "files": count, "bytes": bytes, "dir": args.dir }));
    Ok(0)
}
