//! The adapter against a stub of Whereby over loopback, and against recorded messages.

#[cfg(test)]
mod close;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod open;
#[cfg(test)]
mod presence;
#[cfg(test)]
mod stub;
