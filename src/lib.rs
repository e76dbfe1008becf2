//! Rundruf: one incident message, written once, reaches everybody, through one durable lane per channel.
#![forbid(unsafe_code)]

pub mod app;
pub mod channel;
pub mod cli;
pub mod clock;
pub mod domain;
pub mod failure;
pub mod formats;
pub mod ids;
pub mod lane;
pub mod lane_core;
pub mod net;
pub mod processor;
pub mod publication;
pub mod render;
pub mod sandbox;
pub mod secret;
pub mod settings;
pub mod store;
pub mod text;
pub mod web;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
