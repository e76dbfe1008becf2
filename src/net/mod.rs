//! Floor 2: the one HTTP client, address checks, uploads.
