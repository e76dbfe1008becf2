//! The website on web space: folders, SFTP and WebDAV servers, S3 buckets. A target is a level, not a stream: it is brought to
//! the newest site, whatever it missed. How files are put there is [`folder`]'s, [`sftp`]'s and [`cloud`]'s duty, in which order
//! [`bring`]'s, and [`space`] is what they share.

mod address;
pub(super) mod apart;
mod bring;
mod carrier;
mod cloud;
mod folder;
mod private;
mod sftp;
mod space;

use std::path::Path;
use std::sync::Arc;

use super::registry::{Kind, Surroundings};
use super::{Built, Stamp, Target};
use crate::domain::outcome::Report;
use crate::domain::problem::Problem;
use crate::formats::Site;
use crate::said;
use crate::secret::signing::Signer;
use crate::settings::quoted::quoted;
use crate::settings::raw::{Node, Place, RawTable, Value};
use crate::settings::{COMMON, ChannelSettings, Reader, Settings};
use address::Address;
use bring::{Mark, bring};
use folder::Folder;
pub use private::why_private;
use space::{Counted, Space, WebTarget};

/// One line of the registry.
pub const KIND: Kind = Kind {
    name: "website",
    purpose: [
        "Legt die ganze Website mit Feeds auf Webspace ab (Ordner, SFTP, WebDAV, S3).",
        "Puts the whole website with its feeds on web space (a folder, SFTP, WebDAV, S3).",
    ],
    example: EXAMPLE,
    build,
};

const EXAMPLE: &str = r#"[channel.website]
kind = "website"
targets = [
  "file:public",                       # a folder, counted from this file; any web server can serve it
  # "sftp://web1234@host.example/htdocs",   # with the keys and known_hosts of ~/.ssh
  # { url = "sftp://host.example/htdocs", username = "web1234", password_file = "sftp.pw",
  #   host_key = "SHA256:…", link = true },  # messages with a link wait up to 5 s for the target with link = true
  # { url = "webdavs://dav.host.example/site", username = "web1234", password_file = "dav.pw" },
  #                                    # webdav:// (no TLS) is for this machine; for 10.0.0.5 with allow_private = true
  # { url = "s3://s3.host.example/BUCKET/FOLDER", access_key_file = "s3.id", secret_key_file = "s3.key",
  #   region = "eu-central-1" },       # region: where the service has some; the key must read, write, delete and list
]
"#;

fn build(around: &Surroundings<'_>, channel: &ChannelSettings) -> Result<Built, Vec<Problem>> {
    let mut reader = Reader::new(&channel.own, COMMON);
    let written = reader.list("targets").unwrap_or_default();
    if written.is_empty() {
        reader.missing(
            "targets",
            said!(
                "Schreiben Sie targets = [\"file:public\"].",
                "Write targets = [\"file:public\"]."
            ),
        );
    }
    if reader.has("audience") {
        reader.problem(
            "audience",
            said!(
                "Eine Website hat keine Empfängerliste.",
                "a website has no list of recipients."
            ),
            said!("Lassen Sie audience weg.", "Leave audience out."),
        );
    }
    let mut targets: Vec<Arc<dyn Target>> = Vec::new();
    for (n, node) in written.into_iter().enumerate() {
        let (target, problems) = target(around, channel, n, node);
        reader.absorb(problems);
        targets.extend(target);
    }
    let problems = reader.finish();
    if problems.is_empty() {
        Ok(Built::Website(targets))
    } else {
        Err(problems)
    }
}

/// Brings a folder to a site as the target `file:FOLDER` is brought to it, but believes nothing of what lies there: every file
/// is looked at. Without a key (`signer`) it carries no manifest, and nothing is removed. `step` is called after every file.
pub async fn write_into(
    folder: &Path,
    site: &Site,
    stamp: Stamp,
    signer: Option<Arc<Signer>>,
    step: &(dyn Fn() + Sync),
) -> Result<u64, Report> {
    let folder = Folder::new(folder.to_owned());
    let mark = Mark {
        who: &folder.address(),
        instance: stamp.instance,
        generation: stamp.generation,
        signer,
        believes: false,
    };
    let place = folder.open(stamp.now).await?;
    let place = Counted {
        place: place.as_ref(),
        step,
    };
    bring(&place, site, &mark).await
}

/// A target is written as its address or as a table with one.
fn target(
    around: &Surroundings<'_>,
    channel: &ChannelSettings,
    n: usize,
    node: Node,
) -> (Option<Arc<dyn Target>>, Vec<Problem>) {
    let path = format!("channel.{}.targets[{n}]", channel.name);
    let Node { value, place } = node;
    let table = match value {
        Value::Table(table) => RawTable { path, ..table },
        // The same as a table that has nothing but the address.
        value => RawTable {
            path,
            place: place.clone(),
            entries: [(
                "url".to_owned(),
                Node {
                    value,
                    place: place.clone(),
                },
            )]
            .into(),
        },
    };
    let mut reader = Reader::new(&table, &[]);
    let Some(address) = reader.required(
        "url",
        said!(
            "Ein Ziel braucht url = \"file:…\", \"sftp://…\", \"webdavs://…\" oder \"s3://…\".",
            "A target needs url = \"file:…\", \"sftp://…\", \"webdavs://…\" or \"s3://…\"."
        ),
    ) else {
        return (None, reader.finish());
    };
    let link = reader.flag("link").unwrap_or(false);
    let made = Made { link, around, channel };
    let scheme = address.split_once(':').map_or("", |(scheme, _)| scheme);
    let built = match scheme {
        "file" => folder(&mut reader, &address, &place, around.settings).map(|folder| made.target(folder)),
        "sftp" | "webdav" | "webdavs" | "s3" => made.remote(&mut reader, scheme, &address),
        other => {
            let found = quoted(other);
            reader.problem(
                "url",
                said!("Ziele mit {found} gibt es nicht.", "there are no targets with {found}."),
                said!(
                    "Es gibt \"file:ORDNER\", \"sftp://NAME@RECHNER/ORDNER\", \"webdavs://NAME@RECHNER/ORDNER\" und \"s3://RECHNER/BUCKET\".",
                    "There are \"file:FOLDER\", \"sftp://USER@HOST/FOLDER\", \"webdavs://USER@HOST/FOLDER\" and \"s3://HOST/BUCKET\"."
                ),
            );
            None
        }
    };
    (built, reader.finish())
}

/// What every target is made with.
struct Made<'a> {
    link: bool,
    around: &'a Surroundings<'a>,
    channel: &'a ChannelSettings,
}

impl Made<'_> {
    fn target(&self, space: impl Space + 'static) -> Arc<dyn Target> {
        let timeout = self.channel.common.timeout;
        Arc::new(WebTarget::new(space, self.link, timeout, self.around.key.clone()))
    }

    /// A target on another machine; what lies there is public and needs an imprint.
    fn remote(&self, reader: &mut Reader<'_>, scheme: &str, written: &str) -> Option<Arc<dyn Target>> {
        let example = match scheme {
            "sftp" => "sftp://web1234@host.example/htdocs",
            "s3" => "s3://s3.host.example/BUCKET/FOLDER",
            _ => "webdavs://web1234@host.example/htdocs",
        };
        let address = Address::read(reader, written, example)?;
        let common = &self.channel.common;
        let target = match scheme {
            "sftp" => sftp::read(reader, &address, common.timeout).map(|space| self.target(space)),
            "s3" => cloud::s3(reader, &address, common.timeout).map(|space| self.target(space)),
            _ => cloud::webdav(reader, &address, common.timeout, common.allow_private).map(|space| self.target(space)),
        };
        if !address.is_loopback() {
            for id in &self.channel.publishers {
                let why = said!(
                    "Die Website geht an ein entferntes Ziel, und dafür fehlt das Impressum.",
                    "the website goes to a remote target, and the imprint for that is missing."
                );
                reader.absorb(self.around.settings.imprint_problem(id, why).into_iter().collect());
            }
        }
        target
    }
}

/// `file:public` counts from the configuration, `file:/srv/www` and `file:///srv/www` from the root.
fn folder(reader: &mut Reader<'_>, address: &str, place: &Place, settings: &Settings) -> Option<Folder> {
    let path = address.strip_prefix("file:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() {
        reader.problem(
            "url",
            said!("Nach file: fehlt der Ordner.", "after file: the folder is missing."),
            said!("Zum Beispiel \"file:public\".", "For example \"file:public\"."),
        );
        return None;
    }
    let path = place.dir.join(path);
    if let Some(why) = why_private(settings, &path) {
        reader.problem("url", why, private::remedy());
        return None;
    }
    Some(Folder::new(path))
}
