//! Reads a notice file: bytes to a [`Draft`], or every fault of the file at once, each with line, field, what was found and
//! what is allowed. Imports only floor 0 and its neighbours in `domain`. Never panics, never takes long: size and depth are
//! bounded before anything recurses.

mod fact;
mod fields;
mod json;
mod limits;
mod node;
mod placeholder;
pub(super) mod sink;
mod source;
mod text;
pub(super) mod time;
mod toml;
mod top;

use super::draft::Draft;
use super::problem::Problem;
use crate::said;
pub use limits::{
    MAX_ADDRESS, MAX_BYTES, MAX_DEPTH, MAX_FACTS, MAX_HEADLINE, MAX_KEY, MAX_LIST, MAX_PHONE, MAX_PROBLEMS,
    MAX_SUMMARY, MAX_TEXT,
};
use sink::Sink;

/// Reads a notice file: JSON where the first character is `{`, else TOML. `name` is for error places.
pub fn read(name: &str, bytes: &[u8]) -> Result<Draft, Vec<Problem>> {
    let mut sink = Sink::new(name);
    let draft = source::node(bytes, &mut sink).and_then(|root| {
        placeholder::look(&root, &mut sink);
        top::draft(&root, &mut sink)
    });
    match draft {
        Some(draft) if sink.is_empty() => Ok(draft),
        draft => {
            if draft.is_none() && sink.is_empty() {
                sink.add(
                    0,
                    "",
                    said!("Die Datei ist nicht zu lesen.", "The file cannot be read."),
                    said!("Beginnen Sie mit headline = \"…\".", "Begin with headline = \"…\"."),
                );
            }
            Err(sink.into_problems())
        }
    }
}
