//! Floor 2: the handlebars engine and what channel texts are made of.

pub mod message;

use std::path::Path;

use crate::text::lang::Lang;

/// How a template's values are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Escape {
    /// HTML (pages).
    Html,
    /// Nothing (posts, SMS: plain text).
    Plain,
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("template {template}: {message}")]
pub struct RenderError {
    /// `de/post`.
    pub template: String,
    /// What is wrong, with line where known.
    pub message: String,
}

/// All templates, compiled. Embedded ones, overridden file by file by a folder.
#[derive(Debug)]
pub struct Engine {}

impl Engine {
    /// Compiles every template; the first fault is an error that names the file.
    pub fn load(overrides: Option<&Path>) -> Result<Self, RenderError> {
        let _ = overrides;
        Ok(Self {})
    }

    /// Renders `templates/<lang>/<name>.hbs` strictly: an unknown variable is an error.
    pub fn render<T: serde::Serialize>(
        &self,
        lang: Lang,
        name: &str,
        data: &T,
        escape: Escape,
    ) -> Result<String, RenderError> {
        let _ = (lang, data, escape);
        Err(RenderError {
            template: name.to_owned(),
            message: "not compiled".to_owned(),
        })
    }
}
