//! The one integration binary.

mod store_conformance;
