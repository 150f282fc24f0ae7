//! What happens, as it happens: the histories of all meetings, to whoever may see them.
//!
//! Each listener has a place of its own in the feed of the store and reads on from there, so that a slow one holds up
//! nobody and is sent everything all the same. What many ask for at once is read once ([`Newsroom`]).

mod listener;
mod newsroom;
mod seats;
mod work;

pub(crate) use listener::Listener;
pub(crate) use newsroom::{Newsroom, Which};
pub(crate) use seats::{Seat, Seats};
pub(crate) use work::Works;
