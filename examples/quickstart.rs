//! An engine over a store in memory and a provider that only pretends. Time is moved by hand, so a whole meeting
//! passes in a moment; a program of yours gives the present instant instead.
//!
//! `cargo run -p reflector-examples --example quickstart`

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reflector_core::engine::{CurrentMeeting, Engine, Input, Settings};
use reflector_core::lifecycle::Sighting;
use reflector_core::lifecycle::{CloseReason, Event, Policy};
use reflector_core::store::{MeetingStore, RoomStore, Source};
use reflector_core::testing::FakeProvider;
use reflector_core::{MeetingId, Participant, ProviderName, Room, RoomId, Timestamp, UserId};
use reflector_store_memory::MemoryStore;
use uuid::Uuid;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut now: Timestamp = "2026-11-22T10:00:00Z".parse()?;
    let store = Arc::new(MemoryStore::new());
    let settings = Settings { deployment: "example".parse()?, policy: Policy::default() };
    let video = ProviderName::from("fake");
    let engine =
        Engine::new(store.clone(), settings).with_provider(video.clone(), Arc::new(FakeProvider::default()));

    // A room that lasts.
    let room = Room::new(RoomId(Uuid::from_u128(1)), "standup".parse()?, UserId::from("ann"), now);
    store.create_room(room.clone()).await?;

    // Somebody wants to meet now: the meeting is found or made, and what it owes is carried out.
    let id = MeetingId(Uuid::from_u128(2));
    let CurrentMeeting::Is(made) = engine.current_meeting(&room, &video, id, now).await? else {
        return Err("the room is there".into());
    };
    engine.dispatch_once(now).await?;
    println!("{now}  the meeting is {}", show(&store, made.meeting.id).await?);

    // Ann comes, and goes an hour later. A provider's webhook would say so; `Engine::receive` reads it.
    let ann = |at| Sighting { participant: Participant::human("ann"), at, received_at: at, humans: None };
    for (later, joins) in [(1, true), (60, false)] {
        now = now + Duration::from_secs(60 * later);
        let event = if joins { Event::ParticipantJoined(ann(now)) } else { Event::ParticipantLeft(ann(now)) };
        engine.apply(id, &Input::of(event, Source::Webhook), now).await?;
        println!("{now}  the meeting is {}", show(&store, id).await?);
    }

    // Nobody comes back. A program of yours sleeps until `next_wake` and calls these two.
    while let Some(next) = engine.next_wake().await? {
        now = now.max(next);
        engine.sweep_once(now).await?;
        engine.dispatch_once(now).await?;
    }
    println!("{now}  the meeting is {}", show(&store, id).await?);
    for entry in store.history(id, 0, 100).await? {
        println!(
            "  {:>2}  {}  {:<20} {}",
            entry.seq,
            entry.recorded_at,
            entry.event.name(),
            entry.phase.as_str()
        );
    }
    let closed = store.load(id).await?.ok_or("the meeting is kept")?.meeting;
    assert_eq!(closed.life.phase.close_reason(), Some(CloseReason::GraceExpired));
    Ok(())
}

async fn show(store: &MemoryStore, id: MeetingId) -> Result<String, Box<dyn Error>> {
    let meeting = store.load(id).await?.ok_or("the meeting is kept")?.meeting;
    Ok(meeting.life.phase.as_str().to_owned())
}

#[test]
fn the_meeting_of_the_example_closes_when_its_grace_is_over() -> Result<(), Box<dyn Error>> {
    main()
}
