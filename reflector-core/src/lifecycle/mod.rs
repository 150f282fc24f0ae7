//! The rules. A pure function takes a meeting's life, an event, the present instant and a policy, and gives back the
//! next life and what is owed.
//!
//! ```text
//! Opening ─► Waiting ─► Live ⇄ Grace ─► Closing ─► Closed
//! ```
//!
//! Everything else in the project exists to feed [`step`] and to carry out what it says. [`deadline`] tells when a
//! life changes by itself; [`invariants`] are what must never be violated, under the names of the rules.

mod deadline;
mod effect;
mod event;
mod few;
pub mod invariants;
mod life;
mod marks;
mod outcome;
mod owner;
mod phase;
mod policy;
mod presence;
mod replay;
mod step;
mod told;

pub use deadline::{
    Deadline, Wake, deadline, expiry_to_ask, hard_deadline, latest_end, next_closing, unforced_deadline,
};
pub use effect::{Announcement, Effect, EffectKind};
pub use event::{Event, Hearing, Presence, Report, Sighting};
pub use life::{Announced, Lease, Life, Schedule, Watch};
pub use outcome::{Change, Ignored, Outcome};
pub use phase::{Close, CloseReason, Empty, Phase};
pub use policy::{
    ANNOUNCEMENTS, CLOCK_TOLERANCE, CONFIRMATION_PATIENCE, CloseMode, EXPIRY_MARGIN, LEASES_PER_DEADLINE,
    LONGEST_SILENCE, OPENING_PATIENCE, Overtime, Policy, SECOND_PROBE,
};
pub use presence::{KEPT, PresenceRecord};
pub use replay::replay;
pub use step::step;
pub use told::{Stretch, Told};
