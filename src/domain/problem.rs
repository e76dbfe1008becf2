//! A fault in something a person wrote: where, what was found, what is allowed, what to do.

use serde::Serialize;

use crate::text::said::Said;

/// One fault of a notice file or a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// File, as the person named it (`-` for standard input).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Field with its path (`service.online.state`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What was found.
    pub what: Said,
    /// What is allowed and what to do.
    pub remedy: Said,
}

impl Problem {
    /// `file:line: field: what. remedy`, in German or English.
    pub fn line_for(&self, german: bool) -> String {
        let mut out = String::new();
        if let Some(file) = &self.file {
            out.push_str(file);
            if let Some(line) = self.line {
                out.push_str(&format!(":{line}"));
            }
            out.push_str(": ");
        }
        if let Some(field) = &self.field {
            out.push_str(field);
            out.push_str(": ");
        }
        out.push_str(self.what.in_german(german));
        out.push(' ');
        out.push_str(self.remedy.in_german(german));
        out
    }
}
