//! Whereby's messages: nothing unsigned is believed, and nothing signed brings the reader or the rules down.

use reflector_core::Timestamp;
use reflector_core::lifecycle::invariants::{Transition, violated};
use reflector_core::lifecycle::{Event, Life, Outcome, Policy, Schedule, Sighting, step};
use reflector_core::provider::{DeliveryError, Fact, Movement, WebhookReader};
use reflector_whereby::{WherebyWebhook, signature};
use secrecy::SecretString;

use super::bytes::Bytes;

const SECRET: &str = "the secret of a fuzzed endpoint";
const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

/// The first byte tells how long the header is; then come the header and the bodies, with zeros between them.
pub fn run(input: &[u8]) {
    let mut bytes = Bytes(input);
    let length = usize::from(bytes.next());
    let header = String::from_utf8_lossy(bytes.take(length)).into_owned();
    let reader = WherebyWebhook::new(vec![SECRET.into()], Some("ours".to_owned())).expect("it has a secret");

    let unsigned = reader.read(&[("Whereby-Signature", header.as_str())], bytes.0, NOW);
    assert!(matches!(unsigned, Err(DeliveryError::Unverified(_))), "{header:?} proves nothing: {unsigned:?}");

    let policy = Policy::default();
    let mut life = Life::begin(Schedule::from_now(NOW, &policy), NOW, &policy).life;
    tell(&mut life, &Event::RoomOpened { generation: 0, expires_at: None }, &policy);
    for body in bytes.0.split(|byte| *byte == 0) {
        let signed = signature::sign(&SecretString::from(SECRET), NOW, body);
        let read = reader.read(&[(signature::HEADER, signed.as_str())], body, NOW);
        assert_eq!(read, reader.read(&[(signature::HEADER, signed.as_str())], body, NOW));
        let delivery = match read {
            Ok(delivery) => delivery,
            Err(DeliveryError::Unreadable(why)) => {
                assert!(!why.contains('\n'), "{why:?} is more than a line");
                continue;
            }
            Err(refused) => panic!("it is signed: {refused}"),
        };
        assert!(!delivery.id.is_empty() && !delivery.facts.is_empty(), "{delivery:?}");
        for event in delivery.facts.iter().filter_map(event_of) {
            tell(&mut life, &event, &policy);
        }
    }
}

fn event_of(fact: &Fact) -> Option<Event> {
    let sighting = |movement: &Movement| Sighting {
        participant: movement.participant,
        at: movement.at,
        received_at: NOW,
        humans: movement.humans,
    };
    match fact {
        Fact::Joined(movement) => Some(Event::ParticipantJoined(sighting(movement))),
        Fact::Left(movement) => Some(Event::ParticipantLeft(sighting(movement))),
        Fact::Knocked => Some(Event::Knocked),
        _ => None,
    }
}

fn tell(life: &mut Life, event: &Event, policy: &Policy) {
    if let Outcome::Changed(change) = step(life, event, NOW, policy) {
        let effects = &change.effects;
        let transition = Transition { before: life, event, now: NOW, policy, after: &change.life, effects };
        assert_eq!(violated(&transition), Vec::<&str>::new(), "{transition:#?}");
        *life = change.life;
    }
}
