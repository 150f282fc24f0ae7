#![doc = include_str!("../README.md")]

/// What the page on embedding shows must compile.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
struct Embedding;

#[expect(unused_qualifications, reason = "what describes a schema writes them")]
mod api;
pub mod app;
mod auth;
pub mod builtin;
pub mod cli;
pub mod clock;
mod commands;
pub mod config;
mod connections;
mod contract;
mod courier;
pub mod database;
mod error;
mod explain;
mod forwarded;
mod identity;
mod json;
mod limits;
mod line;
mod live;
mod log;
mod metered;
mod metrics;
mod named;
pub mod outgoing;
mod pages;
mod pipeline;
mod recordings;
mod replay;
mod router;
#[expect(unused_qualifications, reason = "what describes a route writes them")]
mod routes;
mod signing;
mod simulate;
mod state;
mod traces;
mod watched;
mod workers;
