//! Messages that come late, doubled, out of order, too early, or for somebody else.

use reflector_core::engine::{Applied, Taken};
use reflector_core::lifecycle::{Ignored, Phase};
use reflector_core::provider::{Delivery, Fact, Movement, RoomAddress};
use reflector_core::{Participant, Role};

use crate::town::{MINUTE, SECOND, Town};

#[tokio::test]
async fn a_doubled_message_changes_nothing_and_is_not_recorded_twice() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    let message = town.video.join(&town.place(id), "ann", Role::Human, town.now).expect("the room is there");
    assert!(matches!(town.receive(&message).await, Taken::Applied(Applied::Taken { ignored: None, .. })));
    let before = (town.load(id).await, town.story(id).await);
    assert!(matches!(town.receive(&message).await, Taken::Applied(Applied::Duplicate)));
    assert_eq!((town.load(id).await, town.story(id).await), before);
}

#[tokio::test]
async fn a_leaving_that_overtakes_its_joining_leaves_nobody_behind() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    let joined = town.video.join(&town.place(id), "ann", Role::Human, town.now).expect("the room is there");
    town.sleep(SECOND);
    let left = town.video.leave(&town.place(id), "ann", town.now).expect("she was in");
    town.receive(&left).await;
    assert!(matches!(town.phase(id).await, Phase::Grace { .. }), "a leaving proves that somebody was in");
    town.receive(&joined).await;
    assert!(matches!(town.phase(id).await, Phase::Grace { .. }));
    assert_eq!(town.phase(id).await.last_left_at(), Some(town.now));
}

#[tokio::test]
async fn a_message_that_overtakes_our_own_commit_finds_its_meeting_by_the_name_of_its_room() {
    let mut town = Town::new().await;
    let id = town.new_id();
    let engine = &town.engine;
    engine.current_meeting(&town.room, &Town::name(), id, town.now).await.expect("sound");
    let order = reflector_core::provider::RoomOrder {
        meeting_id: id,
        name: town.place(id),
        room_name: town.room.name.clone(),
        expires_at: town.now + MINUTE,
        settings: town.room.settings,
        asked_before: false,
    };
    reflector_core::provider::VideoProvider::open_room(&town.video, &order).await.expect("it is well");
    let message = town.video.join(&town.place(id), "ann", Role::Human, town.now).expect("the room is there");
    assert!(matches!(town.receive(&message).await, Taken::Applied(_)));
    assert!(town.phase(id).await.is_opening());
    town.pass(SECOND).await;
    assert_eq!(town.phase(id).await.humans(), 1);
}

#[tokio::test]
async fn a_message_after_the_end_is_recorded_and_changes_nothing() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    let message = town.video.join(&town.place(id), "ann", Role::Human, town.now).expect("the room is there");
    town.tell(id, reflector_core::lifecycle::Event::EndRequested).await;
    town.work().await;
    let closed = town.phase(id).await;
    let taken = town.receive(&message).await;
    assert!(
        matches!(taken, Taken::Applied(Applied::Taken { ignored: Some(Ignored::Closed), .. })),
        "{taken:?}"
    );
    assert_eq!(town.phase(id).await, closed);
    assert_eq!(town.story(id).await.last().map(String::as_str), Some("participant_joined → closed"));
}

#[tokio::test]
async fn a_recorder_neither_starts_a_meeting_nor_holds_it_open() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    let recorder =
        town.video.join(&town.place(id), "recorder", Role::Recorder, town.now).expect("the room is there");
    town.receive(&recorder).await;
    assert!(matches!(town.phase(id).await, Phase::Waiting { .. }));
    town.joins(id, "ann").await;
    town.leaves(id, "ann").await;
    town.pass(15 * MINUTE).await;
    assert!(town.phase(id).await.is_closed());
}

#[tokio::test]
async fn a_message_that_names_a_room_by_its_id_alone_waits_until_the_room_is_known() {
    let mut town = Town::new().await;
    let id = town.new_id();
    town.engine.current_meeting(&town.room, &Town::name(), id, town.now).await.expect("sound");
    let room = RoomAddress { external_id: Some("fake-1".to_owned()), name: None };
    let delivery = joining(&town, "early", room, false);
    let taken = town.engine.deliver(&Town::name(), &delivery, town.now).await.expect("sound");
    assert!(matches!(taken, Taken::Kept), "{taken:?}");
    assert!(town.phase(id).await.is_opening());
    town.work().await;
    let held = town.load(id).await.meeting.room.expect("it is made");
    assert_eq!(held.external_id, "fake-1", "it is the room that the message is about");
    assert_eq!(town.phase(id).await.humans(), 1);
}

fn joining(town: &Town, id: &str, room: RoomAddress, foreign: bool) -> Delivery {
    let movement = Movement { participant: Participant::human("ann"), at: town.now, humans: Some(1) };
    Delivery {
        id: id.to_owned(),
        kind: "joined".to_owned(),
        room: Some(room),
        foreign,
        facts: vec![Fact::Joined(movement)],
    }
}

#[tokio::test]
async fn a_message_for_another_organisation_changes_nothing_although_it_names_a_room_of_ours() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    let before = town.load(id).await;
    let room = RoomAddress { external_id: None, name: Some(town.place(id)) };
    let delivery = joining(&town, "theirs", room, true);
    let taken = town.engine.deliver(&Town::name(), &delivery, town.now).await.expect("sound");
    assert!(matches!(taken, Taken::Foreign), "{taken:?}");
    assert_eq!(town.load(id).await, before);
}

#[tokio::test]
async fn of_two_rooms_of_one_name_only_the_one_that_the_meeting_holds_is_listened_to() {
    let mut town = Town::new().await;
    let id = town.meet().await;
    let held = town.load(id).await.meeting.room.expect("it is made");
    for (external_id, humans) in [("made-twice", 0), (held.external_id.as_str(), 1)] {
        let room = RoomAddress { external_id: Some(external_id.to_owned()), name: Some(held.name.clone()) };
        let delivery = joining(&town, external_id, room, false);
        town.engine.deliver(&Town::name(), &delivery, town.now).await.expect("sound");
        assert_eq!(town.phase(id).await.humans(), humans, "{external_id}");
    }
}
