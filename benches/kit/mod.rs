//! What the benches share: the frame of a bench of parts, the machine of this minute, a place to work in, a receiver of webhooks,
//! what stands beside us, the table of bars.

pub mod machine;
pub mod parts;
pub mod place;
pub mod rivals;
pub mod sink;
pub mod table;
