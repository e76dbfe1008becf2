//! Rundruf: one incident message, written once, reaches everybody.
#![forbid(unsafe_code)]

/// The commands; one file each.
pub mod cli {
    pub mod measure;
}
pub mod text;
