//! How big a notice file may be (NOTICE.md "Limits").

/// Bytes of a file. Whoever reads one from disk or the network stops after one byte more.
pub const MAX_BYTES: usize = 256 * 1024;
/// Levels of tables and lists, the file itself being the first.
pub const MAX_DEPTH: usize = 8;
/// Facts of one notice.
pub const MAX_FACTS: usize = 500;
/// Characters of any text.
pub const MAX_TEXT: usize = 20_000;
/// Characters of a headline.
pub const MAX_HEADLINE: usize = 140;
/// Characters of a summary.
pub const MAX_SUMMARY: usize = 600;
/// Characters of a phone or fax number.
pub const MAX_PHONE: usize = 40;
/// Characters of a link or mail address.
pub const MAX_ADDRESS: usize = 2_000;
/// Characters of an idempotency key.
pub const MAX_KEY: usize = 200;
/// Entries of a list (ways, places, exceptions, numbers).
pub const MAX_LIST: usize = 500;
/// Problems shown at once; whoever has more mends these first.
pub const MAX_PROBLEMS: usize = 20;
