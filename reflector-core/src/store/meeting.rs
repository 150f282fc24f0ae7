//! The port to the meetings: their state, their deadlines and their history.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::delivery::DeliveryKey;
use super::effect::OwedEffect;
use super::notice::OwedNotice;
use crate::ids::{MeetingId, ProviderName, RoomId};
use crate::lifecycle::{EffectKind, Event, Ignored, Phase, Policy, Wake};
use crate::meeting::Meeting;
use crate::provider::RoomAddress;
use crate::room::RoomPolicy;
use crate::time::Timestamp;

/// Keeps meetings.
///
/// # Contract
///
/// 1. `a_created_meeting_is_loaded_as_it_was`
/// 2. `a_repeated_create_is_the_same_create`: the same id again stores nothing and answers `Stored`,
///    also when its claim has passed to another since.
/// 3. `a_claim_is_held_by_one_meeting_of_a_room`: creating a second one answers `ClaimTaken` with the holder, also
///    when many create at once, and stores nothing.
/// 4. `a_released_claim_can_be_taken`
/// 5. `a_commit_changes_everything_or_nothing`: meeting, deadline row, owed and superseded effects, delivery, notices
///    and history in one transaction.
/// 6. `a_commit_from_an_old_version_is_a_conflict`: it stores nothing, also when many commit at once.
/// 7. `a_delivery_is_taken_in_once`: a commit that carries one that was taken in, by whichever meeting, answers
///    `Duplicate` and stores nothing, also from an old version.
/// 8. `due_gives_what_is_due_and_nothing_else`: rows whose instant is at or before `now`, earliest first.
/// 9. `due_rows_are_claimed_for_a_while`: a row that was given out is not given out again before `until`, unless its
///    meeting was committed since; a claim keeps nobody from committing.
/// 10. `the_next_due_instant_is_told`: of rows that are claimed, the end of the claim.
/// 11. `rows_of_another_policy_are_outdated`: until they are committed with the new fingerprint.
/// 12. `a_changed_room_outdates_its_open_meetings`: and a commit of what was loaded before the change is a conflict.
/// 13. `a_meeting_is_found_by_its_provider_room`: by external id, else by name, among those of one provider, closed
///     ones too.
/// 14. `the_open_meetings_of_a_room_are_listed`: all that are not closed, oldest start first.
/// 15. `history_is_numbered_in_order`: from 1 and without gaps, read in pages.
/// 16. `meetings_are_listed_oldest_first_in_pages`: of a room or of all, those that are not closed or all, made since an
///     instant; each page goes on after the last meeting of the one before.
#[async_trait]
pub trait MeetingStore: Send + Sync + Debug + 'static {
    /// Keeps a new meeting, with what it owes and its first deadline.
    async fn create(&self, new: NewMeeting) -> Result<Created, StoreError>;

    /// A meeting as it stands, and what its room sets for itself as that stands.
    async fn load(&self, id: MeetingId) -> Result<Option<Loaded>, StoreError>;

    /// The meeting that has this room at the provider, as [`load`](Self::load) would give it.
    async fn find(&self, provider: &ProviderName, room: &RoomAddress) -> Result<Option<Loaded>, StoreError>;

    /// The meetings of a room that are not closed, oldest start first.
    async fn open_meetings(&self, room: RoomId) -> Result<Vec<Loaded>, StoreError>;

    /// Meetings in the order of their making, those made in the same instant by id, after the place named.
    async fn list_meetings(
        &self,
        which: &WhichMeetings,
        after: Option<(Timestamp, MeetingId)>,
        limit: usize,
    ) -> Result<Vec<Meeting>, StoreError>;

    /// Writes one change of a meeting: all of it or nothing.
    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError>;

    /// Gives out meetings whose deadline has come, and keeps others from getting them until `claim.until`.
    async fn due(&self, claim: DueClaim) -> Result<Vec<MeetingId>, StoreError>;

    /// The earliest instant at which `due` will have something to give.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Open meetings whose deadline was computed under another policy than this one, or before their room changed.
    async fn outdated(&self, fingerprint: u64, limit: usize) -> Result<Vec<MeetingId>, StoreError>;

    /// The entries of a meeting's history after the one numbered `after`, in order.
    async fn history(&self, id: MeetingId, after: u64, limit: usize) -> Result<Vec<Entry>, StoreError>;
}

/// A meeting to be kept.
#[derive(Clone, Debug)]
pub struct NewMeeting {
    /// The meeting.
    pub meeting: Meeting,
    /// Its first deadline.
    pub due: Option<DueRow>,
    /// What it owes.
    pub effects: Vec<OwedEffect>,
    /// The beginning of its history, without numbers.
    pub entries: Vec<Entry>,
}

/// What came of creating a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is kept.
    Stored,
    /// Another meeting of the room has the claim.
    ClaimTaken(MeetingId),
    /// There is no such room any more.
    RoomMissing,
}

/// A meeting as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The meeting.
    pub meeting: Meeting,
    /// Which write of it this is; a commit must name it.
    pub version: u64,
    /// What its room sets for itself now.
    pub room_policy: RoomPolicy,
    /// How many entries its history has.
    pub entries: u64,
}

/// Which meetings a listing is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WhichMeetings {
    /// Only those of this room.
    pub room: Option<RoomId>,
    /// Closed ones too.
    pub closed: bool,
    /// Only those made at or after this instant.
    pub made_since: Option<Timestamp>,
}

/// One change of a meeting.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The version that the change was made from.
    pub expected: u64,
    /// The meeting after the change.
    pub meeting: Meeting,
    /// Its deadline after the change.
    pub due: Option<DueRow>,
    /// What became owed.
    pub effects: Vec<OwedEffect>,
    /// Kinds of work owed before this commit that are owed no longer, also when somebody has it in hand. What this
    /// commit owes is not among it.
    pub superseded: Vec<EffectKind>,
    /// The message that it came from.
    pub delivery: Option<TakenDelivery>,
    /// What the owner of its room is to be told.
    pub notices: Vec<OwedNotice>,
    /// What goes into the history, without numbers.
    pub entries: Vec<Entry>,
}

/// A row of the deadline index: a cache of [`deadline`](crate::lifecycle::deadline).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueRow {
    /// When the meeting is due.
    pub at: Timestamp,
    /// The fingerprint of the deployment's policy that it was computed with.
    pub fingerprint: u64,
}

/// A message that a commit takes in, and which proves that its endpoint is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenDelivery {
    /// Which message.
    pub key: DeliveryKey,
    /// When it was received.
    pub received_at: Timestamp,
    /// How the endpoint was configured then.
    pub endpoint: u64,
}

/// What came of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is written.
    Stored,
    /// Somebody else wrote since the meeting was read, or it is not there: read it again.
    Conflict,
    /// The delivery was taken in before.
    Duplicate,
}

/// How to give out due meetings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueClaim {
    /// What time it is.
    pub now: Timestamp,
    /// Until when they are given to nobody else.
    pub until: Timestamp,
    /// How many at the most.
    pub limit: usize,
}

/// Where an event came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A message of the provider.
    Webhook,
    /// A deadline.
    Deadline,
    /// We asked the provider.
    Poll,
    /// Somebody called us.
    Api,
    /// A calendar.
    Calendar,
    /// The provider's answer to what it was asked to do.
    Provider,
}

/// One line of a meeting's history: enough to replay it exactly (rule L21). Names of people are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number in the meeting's history, from 1; the store gives it.
    pub seq: u64,
    /// When it happened, by the clock of whoever saw it.
    pub at: Timestamp,
    /// When it was taken in: the `now` of the rules.
    pub recorded_at: Timestamp,
    /// Where it came from.
    pub source: Source,
    /// What happened.
    pub event: Event,
    /// The message it came in.
    pub delivery_id: Option<String>,
    /// Why it changed nothing, if so.
    pub ignored: Option<Ignored>,
    /// For a deadline: which one it was.
    pub wake: Option<Wake>,
    /// The phase after it.
    pub phase: Phase,
    /// The policy it was judged by.
    pub policy: Policy,
}
