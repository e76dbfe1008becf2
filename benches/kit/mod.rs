//! What the benches share: the machine of this minute, a place to work in, a receiver of webhooks, the table of bars.

pub mod machine;
pub mod place;
pub mod sink;
pub mod table;
