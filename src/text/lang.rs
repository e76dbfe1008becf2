//! The languages a text can be in. Placeholder until the text floor lands.
use serde::{Deserialize, Serialize};
/// A language of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lang {
    /// German
    De,
    /// Plain German
    DeSimple,
    /// English
    En,
}
