//! The emergency sheet: one page of paper that says where the public reads, whom to call, what to type first and where things
//! lie. It is kept where no IT is needed to read it, so it holds no secret.

use serde::Serialize;

use super::qr;
use crate::render::{Engine, Escape, RenderError};
use crate::text::lang::Lang;

const CSS: &str = include_str!("../../assets/sheet.css");

/// What stands on the sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sheet {
    /// Who speaks.
    pub name: String,
    /// Public address.
    pub address: String,
    /// Day it was made, as people write it.
    pub made: String,
    /// Numbers to call.
    pub hotlines: Vec<Hotline>,
    /// Name of the machine.
    pub machine: String,
    /// User who runs Rundruf.
    pub user: String,
    /// Path of the program.
    pub program: String,
    /// Path of `channels.toml`.
    pub config: String,
    /// Path of DATA.
    pub data: String,
    /// Path of the key.
    pub key: String,
    /// Where the website goes, without credentials.
    pub targets: Vec<String>,
    /// What to type.
    pub commands: Commands,
}

/// A number to call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hotline {
    /// Number.
    pub number: String,
    /// Whose.
    pub what: String,
}

/// Commands as they are typed on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Commands {
    /// Into the folder.
    pub go: String,
    /// What is missing.
    pub check: String,
    /// The first notice.
    pub first: String,
    /// Filling it in.
    pub edit: String,
    /// Looking at it.
    pub preview: String,
    /// Publishing it.
    pub publish: String,
    /// Keeping it running.
    pub serve: String,
    /// What has arrived.
    pub status: String,
    /// The next notice.
    pub update: String,
    /// Something was wrong.
    pub correction: String,
    /// Switched off again.
    pub rolled_back: String,
    /// A backup.
    pub backup: String,
}

impl Sheet {
    /// As a page to print: A4, black on white, nothing outside the file.
    pub fn page(&self, engine: &Engine, lang: Lang) -> Result<String, RenderError> {
        #[derive(Serialize)]
        struct Printed<'a> {
            css: &'a str,
            qr: String,
            #[serde(flatten)]
            sheet: &'a Sheet,
        }
        let printed = Printed {
            css: CSS,
            qr: qr::svg(&self.address).unwrap_or_default(),
            sheet: self,
        };
        engine.render(lang, "sheet", &printed, Escape::Html)
    }

    /// For a terminal of 80 columns.
    pub fn text(&self, engine: &Engine, lang: Lang) -> Result<String, RenderError> {
        engine.render(lang, "sheet-text", self, Escape::Plain)
    }
}
