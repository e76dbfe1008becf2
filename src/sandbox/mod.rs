//! Floor 5: fake providers for demo, drills and tests, with the services' rules in code of their own.
