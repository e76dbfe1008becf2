//! The program `rundruf`.
#![forbid(unsafe_code)]
fn main() {}
