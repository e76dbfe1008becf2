//! `rundruf export DIR`: the public site as files, for a USB stick or any web server.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Globals;
use super::output::{Failure, Output};
use crate::app::Open;
use crate::formats::SiteBuilder;
use crate::said;

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Where to write; made if missing. Files that no longer belong to the site stay.
    pub dir: PathBuf,
    /// As the site stands at this moment (RFC 3339).
    #[arg(long, value_name = "T")]
    pub now: Option<jiff::Timestamp>,
}

/// Runs the command.
pub async fn run(globals: &Globals, args: ExportArgs, out: &Output) -> Result<u8, Failure> {
    let open = Open::new(&globals.config, &globals.data).await?;
    let now = args
        .now
        .map_or_else(|| open.office.clock.now_ms(), |t| t.as_millisecond());
    let site = open.site().build(&[], now).await?;
    let mut bytes = 0;
    for (path, file) in &site.files {
        let to = args.dir.join(path);
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent)?;
        }
        bytes += file.bytes.len();
        std::fs::write(to, &file.bytes)?;
    }
    let (count, dir) = (site.files.len(), args.dir.display());
    out.say(&said!(
        "{count} Dateien stehen in {dir}.",
        "{count} files are in {dir}."
    ));
    out.answer(&json!({ "files": count, "bytes": bytes, "dir": args.dir }));
    Ok(0)
}
