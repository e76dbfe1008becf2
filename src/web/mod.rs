//! Floor 5: public site, receipts, admin listener.
