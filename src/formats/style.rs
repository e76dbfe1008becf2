//! The one stylesheet, inlined into every page so that the first answer is the whole page, and the policy that allows
//! nothing else.

use base64::Engine as _;
use sha2::{Digest, Sha256};

/// The stylesheet of every page.
pub const CSS: &str = include_str!("../../assets/page.css");

/// `Content-Security-Policy` for every page: nothing is loaded, nothing runs, nothing is sent; the one stylesheet is known by
/// its hash.
pub fn csp() -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(CSS.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
}
