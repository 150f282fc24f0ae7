//! Histories in a file: what is written is read again, and what cannot be right is named by its line.

use std::iter::once;

use proptest::prelude::{any, prop_assert_eq, proptest};
use reflector_core::history::{Line, Unreadable, read, write};
use reflector_core::lifecycle::{Event, Ignored, Outcome};
use reflector_core::store::{Entry, Source};
use reflector_core::testing::sample;
use reflector_core::testing::strategies::{History, history, meeting_id, provider_name, room_id};
use reflector_core::{Meeting, MeetingId, ProviderName, RoomId, Timestamp};

use crate::stories::cases;

/// The lines of a history, as the engine would keep it.
fn lines(history: &History, meeting_id: MeetingId, room_id: RoomId, provider: &ProviderName) -> Vec<Line> {
    let created = Event::Created { schedule: history.schedule, grace: None };
    let first = (created, history.begun_at, None, history.first().phase);
    let rest = history.play().into_iter().map(|played| {
        let ignored: Option<Ignored> = match played.outcome {
            Outcome::Changed(_) => None,
            Outcome::Ignored(ignored) => Some(ignored),
        };
        let phase = played.after().phase;
        (played.event, played.now, ignored, phase)
    });
    let entries = (1..).zip(once(first).chain(rest));
    let entry = |(seq, (event, now, ignored, phase)): (u64, (Event, Timestamp, _, _))| Entry {
        seq,
        at: event.happened_at(now),
        recorded_at: now,
        source: Source::Webhook,
        event,
        delivery_id: None,
        ignored,
        wake: None,
        phase,
        policy: history.policy,
    };
    let line = |entry| Line { meeting_id, room_id, provider: provider.clone(), occurrence: None, entry };
    entries.map(entry).map(line).collect()
}

fn written(lines: &[Line]) -> Vec<u8> {
    let mut out = Vec::new();
    write(lines, &mut out).expect("there is room in memory");
    out
}

/// What is said of a file that cannot be read.
fn refusal(file: &[u8]) -> String {
    read(file).expect_err("it cannot be read").to_string()
}

fn sample_lines() -> Vec<Line> {
    let meeting = Meeting { calendar_event_id: Some("ann@example.org".to_owned()), ..in_full() };
    let created = Event::Created { schedule: meeting.life.schedule, grace: None };
    let first = Entry { seq: 1, event: created, ..sample::entry(1) };
    let second = Entry { seq: 2, ..sample::entry(2) };
    [first, second].map(|entry| Line::of(&meeting, entry)).into()
}

fn in_full() -> Meeting {
    sample::meeting_in_full(1, &sample::room(1))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn exported_histories_are_read_as_they_were_written(
        one in history(), other in history(), ids in (meeting_id(), room_id(), provider_name()), turns in any::<u64>(),
    ) {
        let (id, room, provider) = ids;
        let another = MeetingId(uuid::Uuid::from_u128(id.0.as_u128().wrapping_add(1)));
        let (mut one, mut other) =
            (lines(&one, id, room, &provider).into_iter().peekable(), lines(&other, another, room, &provider).into_iter());
        // Those of several meetings may stand mixed.
        let mut mixed = Vec::new();
        for turn in 0_u32.. {
            let next = if turns.rotate_left(turn) & 1 == 0 { one.next().or_else(|| other.next()) } else { other.next().or_else(|| one.next()) };
            let Some(next) = next else { break };
            mixed.push(next);
        }
        prop_assert_eq!(read(written(&mixed).as_slice()).expect("it is whole"), mixed);
    }
}

#[test]
fn an_export_tells_no_address_no_secret_and_no_name() {
    let text = String::from_utf8(written(&sample_lines())).expect("it is text");
    for secret in ["secret", "video.example", "ann@example.org", "Größe", "host"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    assert!(text.contains("occurrence"), "which date it was is told as a number: {text}");
}

#[test]
fn a_line_that_is_no_entry_is_named_by_its_number_with_what_is_wrong() {
    let good = String::from_utf8(written(&sample_lines())).expect("it is text");
    let (first, second) = good.split_once('\n').expect("two lines");
    let cut = &second[..second.len() / 2];
    for (file, number, what) in [
        ("hello\n".to_owned(), 1, "is no entry of a history"),
        (format!("{first}\n\n{cut}"), 3, "is no entry of a history"),
        (format!("{first}\n{{}}\n"), 2, "missing field"),
        (second.to_owned(), 1, "entry 1 is to come"),
        (format!("{first}\n{first}\n"), 2, "entry 2 is to come"),
        (second.replace("\"seq\":2", "\"seq\":1"), 1, "begins with `created`"),
    ] {
        let said = refusal(file.as_bytes());
        assert!(said.starts_with(&format!("line {number} ")) && said.contains(what), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    assert!(matches!(read(&b"\xff\n"[..]), Err(Unreadable::Line { number: 1, .. })));
}

#[test]
fn an_empty_file_has_no_entries() {
    assert_eq!(read(&b""[..]).expect("it is whole"), []);
}
