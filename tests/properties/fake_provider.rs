//! The provider that knows the truth keeps the contract of providers, in each of its shapes, and is what a simulation
//! needs: it counts accidents, fails on demand and writes down every call.

use async_trait::async_trait;
use reflector_core::lifecycle::Presence;
use reflector_core::provider::{
    Capabilities, CloseAnswer, DeliveryError, Fact, HowToClose, Known, PresenceAnswer, PresenceSource,
    ProviderError, RoomOrder, RoomRef, Unverified, VideoProvider,
};
use reflector_core::testing::provider_suite::{ProviderWorld, Skipped};
use reflector_core::testing::strategies::BASE;
use reflector_core::testing::{Failure, FakeProvider, ProviderCall, PutOut};
use reflector_core::{MeetingId, ProviderRoom, Role};

struct Fake {
    provider: FakeProvider,
    expects_skipped: &'static [Skipped],
}

#[async_trait]
impl ProviderWorld for Fake {
    fn provider(&self) -> &dyn VideoProvider {
        &self.provider
    }

    async fn enter(&self, room: &ProviderRoom, connection: &str, role: Role) {
        self.provider.join(&room.name, connection, role, BASE).expect("the room is there");
    }

    async fn leave(&self, room: &ProviderRoom, connection: &str) {
        self.provider.leave(&room.name, connection, BASE).expect("they are in");
    }

    async fn outage(&self, on: bool) {
        self.provider.fail(on.then_some(Failure::Before));
    }

    fn expects_skipped(&self) -> &'static [Skipped] {
        self.expects_skipped
    }
}

mod asked {
    use super::{Fake, FakeProvider};

    async fn world() -> Fake {
        Fake { provider: FakeProvider::default(), expects_skipped: &[] }
    }

    reflector_core::provider_suite!(world);
}

mod telling_facts {
    use super::{Fake, FakeProvider};

    async fn world() -> Fake {
        Fake { provider: FakeProvider::telling_facts(), expects_skipped: &[] }
    }

    reflector_core::provider_suite!(world);
}

mod telling_events {
    use super::{Fake, FakeProvider, Skipped};

    async fn world() -> Fake {
        Fake {
            provider: FakeProvider::telling_by_events(),
            expects_skipped: &[Skipped::PresenceIsToldByEventsOnly],
        }
    }

    reflector_core::provider_suite!(world);
}

mod closing_in_two_steps {
    use super::{Fake, Skipped, two_steps};

    async fn world() -> Fake {
        Fake { provider: two_steps(), expects_skipped: &[Skipped::ClosesIfEmptyInTwoSteps] }
    }

    reflector_core::provider_suite!(world);
}

fn two_steps() -> FakeProvider {
    let capabilities = FakeProvider::default().capabilities();
    FakeProvider::new(Capabilities { closes_if_empty_atomically: false, ..capabilities })
}

async fn open(provider: &FakeProvider, name: &str) -> RoomRef {
    let order = RoomOrder {
        meeting_id: MeetingId("0190a5c2-6e9c-7b7e-8d3e-0123456789ab".parse().unwrap()),
        name: name.to_owned(),
        room_name: "standup".parse().unwrap(),
        expires_at: BASE,
        settings: Default::default(),
        asked_before: false,
    };
    let room = provider.open_room(&order).await.unwrap();
    RoomRef { name: name.to_owned(), external_id: Some(room.external_id) }
}

#[tokio::test]
async fn who_slips_in_is_put_out_where_closing_takes_two_steps_and_nowhere_else() {
    for (provider, unforced) in [(FakeProvider::default(), 0), (two_steps(), 1)] {
        let room = open(&provider, "a").await;
        provider.slip_in("a", "ada");
        let answer = provider.close_room(&room, HowToClose::IfEmpty, &Known::default()).await.unwrap();
        assert_eq!(answer, CloseAnswer::Gone);
        assert_eq!(provider.put_out(), PutOut { unforced, by_force: 0 });
    }
}

#[tokio::test]
async fn force_puts_people_out_and_is_counted_apart() {
    let provider = FakeProvider::default();
    let room = open(&provider, "a").await;
    provider.join("a", "ada", Role::Human, BASE).unwrap();
    provider.join("a", "recorder", Role::Recorder, BASE).unwrap();
    provider.close_room(&room, HowToClose::Force, &Known::default()).await.unwrap();
    assert_eq!(provider.put_out(), PutOut { unforced: 0, by_force: 1 });
}

#[tokio::test]
async fn a_lost_answer_has_still_done_it() {
    let provider = FakeProvider::default();
    let room = open(&provider, "a").await;
    provider.fail(Some(Failure::AfterDoing));
    let answer = provider.close_room(&room, HowToClose::IfEmpty, &Known::default()).await;
    assert!(matches!(answer, Err(ProviderError::Unavailable { .. })));
    assert!(!provider.is_there("a"));
}

#[tokio::test]
async fn one_room_fails_and_the_others_do_not() {
    let provider = FakeProvider::default();
    let (a, b) = (open(&provider, "a").await, open(&provider, "b").await);
    provider.fail_room("a", Some(Failure::Refuses));
    let refused = provider.presence(&a, &Known::default()).await;
    assert!(matches!(refused, Err(ProviderError::Refused { .. })));
    assert_eq!(
        provider.presence(&b, &Known::default()).await.unwrap(),
        PresenceAnswer::Snapshot(Presence::Empty)
    );
    assert_eq!(provider.count(|call| matches!(call, ProviderCall::Presence(_))), 2);
}

#[tokio::test]
async fn a_room_that_ended_says_so_and_one_that_is_forgotten_does_not() {
    let provider = FakeProvider::default();
    let room = open(&provider, "a").await;
    provider.end("a").unwrap();
    assert_eq!(provider.presence(&room, &Known::default()).await.unwrap(), PresenceAnswer::Ended);
    provider.forget("a");
    assert_eq!(provider.presence(&room, &Known::default()).await.unwrap(), PresenceAnswer::Missing);
}

#[tokio::test]
async fn facts_are_told_once_they_are_news_and_not_again() {
    let provider = FakeProvider::telling_facts();
    assert_eq!(provider.capabilities().presence, PresenceSource::EventsAndFacts);
    let room = open(&provider, "a").await;
    provider.join("a", "ada", Role::Human, BASE).unwrap();
    let answer = provider.presence(&room, &Known::default()).await.unwrap();
    assert!(matches!(&answer, PresenceAnswer::Facts(facts) if facts.len() == 1), "{answer:?}");
    let known = Known { newest_event_at: Some(BASE), ..Known::default() };
    assert_eq!(provider.presence(&room, &known).await.unwrap(), PresenceAnswer::Facts(vec![]));
}

#[tokio::test]
async fn its_messages_are_read_again_and_others_are_not() {
    let provider = FakeProvider::default();
    open(&provider, "a").await;
    let message = provider.join("a", "ada", Role::Human, BASE).unwrap();
    let reader = provider.webhook().unwrap();
    let delivery = reader.read(&message, &message.body, BASE).unwrap();
    assert_eq!(delivery.id, message.id);
    assert!(matches!(&delivery.facts[..], [Fact::Joined(movement)] if movement.humans == Some(1)));

    let mut forged = message.clone();
    forged.signature = "another word".to_owned();
    let refusal = reader.read(&forged, &forged.body, BASE).unwrap_err();
    assert_eq!(refusal, DeliveryError::Unverified(Unverified::Wrong));
    assert!(matches!(reader.read(&message, b"no JSON", BASE), Err(DeliveryError::Unreadable(_))));

    provider.configure_endpoint(7);
    assert_eq!(reader.endpoint(), 7);
}
