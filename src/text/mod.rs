//! Floor 0: what a text is to the people and services that read it: length units, shortening, links, markdown, German dates.
pub mod lang;
pub mod said;
