#![doc = include_str!("../README.md")]

pub mod api;
pub mod app;
mod auth;
pub mod builtin;
pub mod cli;
pub mod clock;
pub mod config;
mod error;
mod json;
pub mod router;
mod routes;
mod simulate;
mod watched;
mod workers;
