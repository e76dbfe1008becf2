//! Floor 0: what a text is to the people and services that read it: length units, shortening, links, markdown, German dates.
//!
//! Everything here is pure: values in, values out, no clock, no network, no file. It imports nothing of ours.

pub mod basic;
pub mod bluesky;
pub mod contact;
pub mod dates;
pub mod emoji;
pub mod gsm7;
pub mod hosts;
pub mod lang;
pub mod links;
pub mod markdown;
pub mod mastodon;
pub mod measure;
pub mod near;
pub mod said;
pub mod sentences;
pub mod shorten;
pub mod sms;
mod tables;
pub mod telegram;
pub mod threads;
pub mod tlds;
pub mod transliterate;
pub mod urls;
pub mod wrap;
pub mod xweight;
