//! Floor 4: the way of a message from file to one transaction, and the site from the store.
