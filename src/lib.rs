//! Rundruf: one incident message, written once, reaches everybody.
#![forbid(unsafe_code)]

pub mod text;
