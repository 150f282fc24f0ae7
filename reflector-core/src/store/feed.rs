//! The port to all histories as one stream, for whoever wants to see what happens as it happens.

use std::fmt::{self, Debug};

use async_trait::async_trait;

use super::StoreError;
use super::meeting::{Entry, Loaded};
use crate::ids::MeetingId;

/// Tells what was written to the histories of all meetings, in the order of the writing.
///
/// An entry may be fed a moment after its write has been confirmed: not before those whose writing began earlier.
///
/// # Contract
///
/// 1. `what_is_written_is_fed_in_the_order_of_its_writing`: every entry once, those of one write in their order, each
///    meeting of a page as it stands.
/// 2. `the_feed_goes_on_from_any_place`: with what was written after it, and nothing from before; in pages of any size.
/// 3. `the_end_is_behind_all_that_was_fed`: whoever starts there is fed what is written from then on.
/// 4. `whoever_follows_while_many_write_is_fed_all_of_it_once`: nothing is passed over because it was begun early and
///    written late.
/// 5. `a_place_that_nobody_gave_is_lost`: it answers `Lost` instead of feeding nothing for ever.
#[async_trait]
pub trait FeedStore: Send + Sync + Debug + 'static {
    /// Where the feed ends now.
    async fn feed_end(&self) -> Result<FeedPlace, StoreError>;

    /// At most so many entries after a place.
    async fn feed(&self, after: &FeedPlace, limit: usize) -> Result<Fed, StoreError>;
}

/// A place in the feed. Only the store that gave it knows what it means; it may be given away and brought back as text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FeedPlace(pub String);

impl fmt::Display for FeedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What comes after a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fed {
    /// This; nothing in it if nothing has been written since.
    Page(FeedPage),
    /// The store does not know the place: it is of another database, or of another time of this one. Read anew what
    /// stands, and go on from the end.
    Lost,
}

/// What was written, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedPage {
    /// The entries.
    pub lines: Vec<FeedLine>,
    /// The meetings that they are of, once each, as they stand now: it may be later than the entries.
    pub meetings: Vec<Loaded>,
}

/// An entry of a history in the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedLine {
    /// Where to go on after it.
    pub place: FeedPlace,
    /// Whose history it is of.
    pub meeting: MeetingId,
    /// The entry.
    pub entry: Entry,
}
