//! The suite that every provider passes: one case for each sentence of the port's contract, under its name.
//!
//! ```text
//! // A `ProviderWorld`: the adapter, and a server that it talks to.
//! async fn world() -> MyWorld {
//!     MyWorld::new().await
//! }
//!
//! reflector_core::provider_suite!(world);
//! ```
//!
//! What an adapter's capabilities leave out is not passed over in silence: its world says by name what it expects to
//! be skipped, and a case that skips anything else fails.

use async_trait::async_trait;
use uuid::Uuid;

use crate::ids::MeetingId;
use crate::lifecycle::Presence;
use crate::meeting::ProviderRoom;
use crate::participant::Role;
use crate::provider::{
    CloseAnswer, Fact, HowToClose, Known, PresenceAnswer, PresenceSource, ProviderError, RoomOrder, RoomRef,
    VideoProvider,
};
use crate::room::{RoomName, RoomSettings};
use crate::testing::strategies::BASE;

/// The suite for a provider, as one test for each sentence of the port's contract.
///
/// It takes an async function that gives a fresh [`ProviderWorld`](crate::testing::provider_suite::ProviderWorld)
/// without rooms. See [`provider_suite`](crate::testing::provider_suite).
#[macro_export]
macro_rules! provider_suite {
    ($make:expr) => {
        $crate::provider_suite! { @cases tests ($make) }
    };
    // The one list of the cases, for whoever wants to do something with each.
    (@cases $what:tt $with:tt) => {
        $crate::provider_suite! { @$what $with
            a_room_is_opened_and_listed_under_its_name
            opening_again_adopts_the_room_that_is_there
            an_empty_room_closes_if_empty
            an_occupied_room_does_not_close_if_empty
            an_occupied_room_closes_by_force
            a_room_that_is_gone_is_gone
            presence_tells_people_and_not_machines
            a_room_that_is_not_known_is_missing
            an_outage_is_an_error_and_never_an_empty_room
            only_rooms_with_the_prefix_are_listed
        }
    };
    (@tests ($make:expr) $($case:ident)*) => {
        $(
            #[::tokio::test]
            async fn $case() -> ::core::result::Result<(), $crate::provider::ProviderError> {
                let world = $make().await;
                let skipped = $crate::testing::provider_suite::$case(&world).await?;
                $crate::testing::provider_suite::name_what_is_skipped(&world, &skipped);
                Ok(())
            }
        )*
    };
    (@names () $($case:ident)*) => {
        &[$(stringify!($case)),*]
    };
}

/// The names of the cases.
pub const CASES: &[&str] = crate::provider_suite!(@cases names ());

/// A provider without rooms, and power over who is in them. Each test has its own.
#[async_trait]
pub trait ProviderWorld: Send + Sync {
    /// The adapter.
    fn provider(&self) -> &dyn VideoProvider;

    /// Somebody or something comes in.
    async fn enter(&self, room: &ProviderRoom, connection: &str, role: Role);

    /// They leave.
    async fn leave(&self, room: &ProviderRoom, connection: &str);

    /// The provider answers nothing until this is off again.
    async fn outage(&self, on: bool);

    /// What the adapter's capabilities are known to leave out.
    fn expects_skipped(&self) -> &'static [Skipped];
}

/// An assertion that capabilities leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// It cannot be asked who is in, nor whether a room is known.
    PresenceIsToldByEventsOnly,
    /// Somebody may slip in between the asking and the closing, so that asking first proves less.
    ClosesIfEmptyInTwoSteps,
}

type Checked = Result<Vec<Skipped>, ProviderError>;

/// Prints what a case skipped, and fails if the world did not expect it.
pub fn name_what_is_skipped(world: &impl ProviderWorld, skipped: &[Skipped]) {
    for assertion in skipped {
        eprintln!("skipped: {assertion:?}");
        assert!(
            world.expects_skipped().contains(assertion),
            "{assertion:?} is skipped and was not expected to be"
        );
    }
}

/// Sentence 1.
pub async fn a_room_is_opened_and_listed_under_its_name(world: &impl ProviderWorld) -> Checked {
    let order = order("suite-a", 1);
    let room = world.provider().open_room(&order).await?;
    assert!(room.name.starts_with(&order.name), "{} does not begin with {}", room.name, order.name);
    assert!(!room.external_id.is_empty() && !room.url.is_empty());
    let listed = listed(world, &order.name).await?;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0].name, room.name);
    assert!(listed[0].external_id.as_ref().is_none_or(|id| *id == room.external_id));
    Ok(Vec::new())
}

/// Sentence 2.
pub async fn opening_again_adopts_the_room_that_is_there(world: &impl ProviderWorld) -> Checked {
    let order = order("suite-a", 1);
    let first = world.provider().open_room(&order).await?;
    let again = world.provider().open_room(&RoomOrder { asked_before: true, ..order.clone() }).await?;
    assert_eq!((&again.name, &again.external_id), (&first.name, &first.external_id));
    assert_eq!(listed(world, &order.name).await?.len(), 1, "a second room was made");
    Ok(Vec::new())
}

/// Sentence 3.
pub async fn an_empty_room_closes_if_empty(world: &impl ProviderWorld) -> Checked {
    let (never_joined, left) = (opened(world, 1).await?, opened(world, 2).await?);
    world.enter(&left, "ada", Role::Human).await;
    world.leave(&left, "ada").await;
    for room in [&never_joined, &left] {
        let answer = close(world, room, HowToClose::IfEmpty).await?;
        assert_eq!(answer, CloseAnswer::Gone, "{}", room.name);
        assert!(listed(world, &room.name).await?.is_empty(), "{} is still there", room.name);
    }
    Ok(Vec::new())
}

/// Sentence 4.
pub async fn an_occupied_room_does_not_close_if_empty(world: &impl ProviderWorld) -> Checked {
    let capabilities = world.provider().capabilities();
    if capabilities.presence == PresenceSource::Events {
        return Ok(vec![Skipped::PresenceIsToldByEventsOnly]);
    }
    let room = opened(world, 1).await?;
    two_people_enter(world, &room).await;
    let answer = close(world, &room, HowToClose::IfEmpty).await?;
    assert!(matches!(answer, CloseAnswer::StillOccupied { humans, .. } if humans > 0), "{answer:?}");
    assert_eq!(listed(world, &room.name).await?.len(), 1, "the room is gone");
    assert_eq!(humans(world, &room).await?, Some(2), "somebody was put out");
    world.leave(&room, "ada").await;
    world.leave(&room, "grace").await;
    assert_eq!(close(world, &room, HowToClose::IfEmpty).await?, CloseAnswer::Gone, "now it is empty");
    Ok(if capabilities.closes_if_empty_atomically {
        Vec::new()
    } else {
        vec![Skipped::ClosesIfEmptyInTwoSteps]
    })
}

/// Sentence 5.
pub async fn an_occupied_room_closes_by_force(world: &impl ProviderWorld) -> Checked {
    let room = opened(world, 1).await?;
    world.enter(&room, "ada", Role::Human).await;
    assert_eq!(close(world, &room, HowToClose::Force).await?, CloseAnswer::Gone);
    assert!(listed(world, &room.name).await?.is_empty());
    Ok(Vec::new())
}

/// Sentence 6.
pub async fn a_room_that_is_gone_is_gone(world: &impl ProviderWorld) -> Checked {
    let room = opened(world, 1).await?;
    assert_eq!(close(world, &room, HowToClose::Force).await?, CloseAnswer::Gone);
    for how in [HowToClose::IfEmpty, HowToClose::Force] {
        assert_eq!(close(world, &room, how).await?, CloseAnswer::Gone, "closed before, {how:?}");
        let never_was = RoomRef { name: "suite-a-9".to_owned(), external_id: None };
        let answer = world.provider().close_room(&never_was, how, &Known::default()).await?;
        assert_eq!(answer, CloseAnswer::Gone, "never was, {how:?}");
    }
    Ok(Vec::new())
}

/// Sentence 7.
pub async fn presence_tells_people_and_not_machines(world: &impl ProviderWorld) -> Checked {
    let room = opened(world, 1).await?;
    world.enter(&room, "recorder", Role::Recorder).await;
    let Some(with_a_machine) = humans(world, &room).await? else {
        return Ok(vec![Skipped::PresenceIsToldByEventsOnly]);
    };
    assert_eq!(with_a_machine, 0, "a recorder counts as a participant");
    two_people_enter(world, &room).await;
    world.enter(&room, "bot", Role::Bot).await;
    assert_eq!(humans(world, &room).await?, Some(2));
    world.leave(&room, "ada").await;
    world.leave(&room, "grace").await;
    assert_eq!(humans(world, &room).await?, Some(0));
    assert_eq!(close(world, &room, HowToClose::IfEmpty).await?, CloseAnswer::Gone, "machines hold it open");
    Ok(Vec::new())
}

/// Sentence 8.
pub async fn a_room_that_is_not_known_is_missing(world: &impl ProviderWorld) -> Checked {
    if world.provider().capabilities().presence == PresenceSource::Events {
        return Ok(vec![Skipped::PresenceIsToldByEventsOnly]);
    }
    let unknown = RoomRef { name: "suite-a-9".to_owned(), external_id: Some("suite-unknown".to_owned()) };
    let answer = world.provider().presence(&unknown, &Known::default()).await?;
    assert_eq!(answer, PresenceAnswer::Missing);
    Ok(Vec::new())
}

/// Sentence 9.
pub async fn an_outage_is_an_error_and_never_an_empty_room(world: &impl ProviderWorld) -> Checked {
    let room = opened(world, 1).await?;
    two_people_enter(world, &room).await;
    world.outage(true).await;
    let provider = world.provider();
    let known = Known::default();
    fails(&provider.open_room(&order("suite-a", 2)).await);
    fails(&provider.close_room(&reference(&room), HowToClose::IfEmpty, &known).await);
    fails(&provider.close_room(&reference(&room), HowToClose::Force, &known).await);
    fails(&provider.rooms("suite-a", None).await);
    let told_by_events = provider.capabilities().presence == PresenceSource::Events;
    if !told_by_events {
        fails(&provider.presence(&reference(&room), &known).await);
    }
    world.outage(false).await;
    assert_eq!(listed(world, "suite-a").await?.len(), 1, "the outage has changed the rooms");
    assert!(matches!(humans(world, &room).await?, None | Some(2)), "the outage has put somebody out");
    Ok(if told_by_events { vec![Skipped::PresenceIsToldByEventsOnly] } else { Vec::new() })
}

/// Sentence 10.
pub async fn only_rooms_with_the_prefix_are_listed(world: &impl ProviderWorld) -> Checked {
    let mut ours = Vec::new();
    for number in 1..=7 {
        ours.push(opened(world, number).await?.name);
    }
    world.provider().open_room(&order("suite-b", 1)).await?;
    world.provider().open_room(&order("other-suite-a", 1)).await?;
    let mut listed: Vec<_> = listed(world, "suite-a").await?.into_iter().map(|room| room.name).collect();
    ours.sort();
    listed.sort();
    assert_eq!(listed, ours);
    Ok(Vec::new())
}

fn order(deployment: &str, number: u8) -> RoomOrder {
    let meeting_id = MeetingId(Uuid::from_u128(u128::from(number)));
    RoomOrder {
        meeting_id,
        name: format!("{deployment}-{number}"),
        room_name: a_room_name(),
        // Long after any clock that an adapter may read, and after the deadlines of the rules.
        expires_at: BASE + std::time::Duration::from_secs(10 * 365 * 24 * 60 * 60),
        settings: RoomSettings::default(),
        asked_before: false,
    }
}

fn a_room_name() -> RoomName {
    "standup".parse().expect("it is a name")
}

async fn opened(world: &impl ProviderWorld, number: u8) -> Result<ProviderRoom, ProviderError> {
    world.provider().open_room(&order("suite-a", number)).await
}

/// Two, because a provider that tells by events may keep its records from the second person on, as Whereby does.
async fn two_people_enter(world: &impl ProviderWorld, room: &ProviderRoom) {
    world.enter(room, "ada", Role::Human).await;
    world.enter(room, "grace", Role::Human).await;
}

fn reference(room: &ProviderRoom) -> RoomRef {
    RoomRef { name: room.name.clone(), external_id: Some(room.external_id.clone()) }
}

async fn close(
    world: &impl ProviderWorld,
    room: &ProviderRoom,
    how: HowToClose,
) -> Result<CloseAnswer, ProviderError> {
    world.provider().close_room(&reference(room), how, &Known::default()).await
}

async fn listed(world: &impl ProviderWorld, prefix: &str) -> Result<Vec<RoomRef>, ProviderError> {
    let mut rooms = Vec::new();
    let mut page = None;
    for _ in 0..100 {
        let listed = world.provider().rooms(prefix, page.as_deref()).await?;
        rooms.extend(listed.rooms);
        page = listed.next;
        if page.is_none() {
            return Ok(rooms);
        }
    }
    panic!("a hundred pages, and no last one");
}

/// How many people are in; nothing if it cannot be asked.
async fn humans(world: &impl ProviderWorld, room: &ProviderRoom) -> Result<Option<u32>, ProviderError> {
    if world.provider().capabilities().presence == PresenceSource::Events {
        return Ok(None);
    }
    let answer = world.provider().presence(&reference(room), &Known::default()).await?;
    Ok(Some(match answer {
        PresenceAnswer::Snapshot(Presence::Occupied(humans)) => humans,
        PresenceAnswer::Snapshot(Presence::Empty) => 0,
        PresenceAnswer::Facts(facts) => told_by(&facts),
        answer => panic!("the room is there, and it answers {answer:?}"),
    }))
}

fn told_by(facts: &[Fact]) -> u32 {
    let mut inside = std::collections::BTreeSet::new();
    for fact in facts {
        match fact {
            Fact::Joined(movement) if movement.participant.role.is_human() => {
                inside.insert(movement.participant.connection);
            }
            Fact::Left(movement) => {
                inside.remove(&movement.participant.connection);
            }
            _ => {}
        }
    }
    u32::try_from(inside.len()).unwrap_or(u32::MAX)
}

fn fails<T: std::fmt::Debug>(answer: &Result<T, ProviderError>) {
    assert!(matches!(answer, Err(ProviderError::Unavailable { .. })), "in an outage it answers {answer:?}");
}

#[cfg(test)]
mod tests {
    use super::CASES;

    #[test]
    fn every_sentence_of_the_contract_is_a_case_and_every_case_a_sentence() {
        let source = include_str!("../provider.rs");
        let contract = source.split("/// # Contract").nth(1).expect("the port has a contract");
        let contract = contract.split("#[async_trait]").next().unwrap();
        let numbered =
            |line: &&str| line.strip_prefix("/// ").is_some_and(|text| text.starts_with(char::is_numeric));
        let sentences: Vec<_> =
            contract.lines().filter(numbered).filter_map(|line| line.split('`').nth(1)).collect();
        assert_eq!(sentences, CASES);
        assert!(sentences.len() >= 10, "the contract lost a sentence, or is not read");
    }
}
