//! Runs over a store in memory and a pipeline that does as it is told: whole stories, with time moved by hand.

mod crashes;
mod failures;
mod operators;
mod stories;
pub(crate) mod studio;
mod wrong_pipelines;
