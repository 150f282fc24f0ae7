//! The engine over a store in memory and a provider that knows the truth: whole stories, with time moved by hand.

mod calendar;
mod crashes;
mod deadlines;
mod hearing;
mod messages;
mod notices;
mod openings;
mod owed;
mod recordings;
mod regressions;
mod rooms;
mod runs;
mod stories;
mod told;
mod town;
