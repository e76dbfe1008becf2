//! The website on web space: `file:` folders and `sftp://` servers. A target is a level, not a stream: it is brought to the
//! newest site, whatever it missed. How files are put there is [`folder`]'s and [`sftp`]'s duty, in which order [`bring`]'s.

pub mod bring;
mod folder;
mod sftp;

use std::sync::Arc;

use super::registry::{Kind, Surroundings};
use super::{Built, Target};
use crate::domain::problem::Problem;
use crate::said;
use crate::settings::quoted::quoted;
use crate::settings::raw::{Node, Place, RawTable, Value};
use crate::settings::{COMMON, ChannelSettings, Reader};

/// One line of the registry.
pub const KIND: Kind = Kind {
    name: "website",
    purpose: [
        "Legt die ganze Website mit Feeds auf Webspace ab (Ordner oder SFTP).",
        "Puts the whole website with its feeds on web space (a folder or SFTP).",
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
        let Some(target) = target else { continue };
        if targets.iter().any(|t| t.address() == target.address()) {
            let address = target.address();
            reader.problem(
                "targets",
                said!(
                    "Das Ziel {address} steht doppelt.",
                    "the target {address} is there twice."
                ),
                said!("Bitte nennen Sie jedes Ziel einmal.", "Name each target once."),
            );
        }
        targets.push(target);
    }
    let problems = reader.finish();
    if problems.is_empty() {
        Ok(Built::Website(targets))
    } else {
        Err(problems)
    }
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
            "Ein Ziel braucht url = \"file:…\" oder \"sftp://…\".",
            "A target needs url = \"file:…\" or \"sftp://…\"."
        ),
    ) else {
        return (None, reader.finish());
    };
    let link = reader.flag("link").unwrap_or(false);
    let scheme = address.split_once(':').map_or("", |(scheme, _)| scheme);
    let built: Option<Arc<dyn Target>> = match scheme {
        "file" => folder(&address, &place).map(|path| Arc::new(folder::Folder::new(path, link)) as Arc<dyn Target>),
        "sftp" => {
            let sftp = sftp::read(&mut reader, &address, link, channel.common.timeout);
            if sftp.as_ref().is_some_and(|s| !s.is_loopback()) {
                for id in &channel.publishers {
                    let why = said!(
                        "Die Website geht an ein entferntes Ziel, und dafür fehlt das Impressum.",
                        "the website goes to a remote target, and the imprint for that is missing."
                    );
                    reader.absorb(around.settings.imprint_problem(id, why).into_iter().collect());
                }
            }
            sftp.map(|s| Arc::new(s) as Arc<dyn Target>)
        }
        other => {
            let found = quoted(other);
            reader.problem(
                "url",
                said!("Ziele mit {found} gibt es nicht.", "there are no targets with {found}."),
                said!(
                    "Es gibt \"file:ORDNER\" und \"sftp://NAME@RECHNER/ORDNER\".",
                    "There are \"file:FOLDER\" and \"sftp://USER@HOST/FOLDER\"."
                ),
            );
            None
        }
    };
    if built.is_none() && scheme == "file" {
        reader.problem(
            "url",
            said!("Nach file: fehlt der Ordner.", "after file: the folder is missing."),
            said!("Zum Beispiel \"file:public\".", "For example \"file:public\"."),
        );
    }
    (built, reader.finish())
}

/// `file:public` counts from the configuration, `file:/srv/www` and `file:///srv/www` from the root.
fn folder(address: &str, place: &Place) -> Option<std::path::PathBuf> {
    let path = address.strip_prefix("file:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    (!path.is_empty()).then(|| place.dir.join(path))
}
