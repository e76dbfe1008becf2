//! Floor 0: secrets that no log, error or page shows, and what is derived from the key file.
pub use secrecy::{ExposeSecret, SecretString};
