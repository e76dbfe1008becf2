//! The one integration binary: the product from outside, against real counterparts on loopback.
//! Each file is one subject; what they share is in `support`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

mod addresses;
mod around;
mod backup;
mod bad_input;
mod bad_notices;
mod bad_settings;
mod bounces;
mod case_a_drain;
mod case_c;
mod channel_peers;
mod compose;
mod configuration;
mod contract;
mod corrections;
mod counterparts;
mod demo;
mod digest_release;
mod digest_words;
mod disk;
mod docs;
mod email;
mod example_notices;
mod failover;
mod faults;
mod feeds;
mod filling_in;
mod first_view;
mod gateways;
mod german;
mod house;
mod http;
mod in_a_browser;
mod kills;
mod lane_on_store;
mod lane_runner;
mod layers;
mod measure_cases;
#[allow(dead_code, reason = "the proof needs more of it")]
mod model;
mod notices;
mod owners;
mod pages;
mod peers;
mod several_publishers;
mod store_conformance;
mod store_older;
mod store_sqlite;
mod support;
mod time_of_day;
mod verify;
mod website_faults;
mod website_folder;
mod website_peers;
mod website_sftp;
