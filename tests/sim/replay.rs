//! A recording told again: under its own policy it comes out as it was, and under another one as one would expect.

use std::time::Duration;

use reflector_core::history::Line;
use reflector_core::lifecycle::{
    CloseReason, Event, Hearing, Overtime, Policy, Schedule, Sighting, replay as tell_life,
};
use reflector_core::store::{Entry, Source};
use reflector_core::{MeetingId, Participant, ProviderName, RoomId, Timestamp};
use reflector_sim::{Faults, PolicyChange, Replayed, Setup, Shape, replay, simulate_recorded};
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);
const AS_IT_WAS: PolicyChange = PolicyChange { grace: None, overtime: None, lease: None };

fn grace(minutes: u32) -> PolicyChange {
    PolicyChange { grace: Some(minutes * MINUTE), ..AS_IT_WAS }
}

fn overtime(minutes: u32) -> PolicyChange {
    PolicyChange { overtime: Some(Overtime::For(minutes * MINUTE)), ..AS_IT_WAS }
}

// Simulated offices.

fn recording_of(shape: Shape, faults: &str) -> Vec<Line> {
    let faults = Faults::named(faults).expect("these are faults");
    simulate_recorded(&Setup { shape, faults, ..Setup::office(3, 6) }, 7).recorded
}

#[test]
fn under_the_policy_it_was_recorded_with_every_meeting_closes_as_it_did() {
    for shape in [Shape::Asked, Shape::Facts, Shape::Events] {
        // Whatever goes wrong but for the store: where that failed, a server may know what its history does not tell.
        for faults in ["none", "messages,people", "provider", "crashes,clocks"] {
            let mut told = replay(&recording_of(shape, faults), &AS_IT_WAS);
            told.recorded_closes.sort();
            told.replayed_closes.sort();
            assert!(told.recorded_closes.len() > 30, "{shape:?} {faults}: {told:?}");
            assert_eq!(told.recorded_closes, told.replayed_closes, "{shape:?} {faults}");
            assert_eq!(told.recorded, told.replayed, "{shape:?} {faults}");
        }
    }
}

#[test]
fn what_is_counted_of_a_recording_is_what_the_simulator_saw() {
    let told = simulate_recorded(&Setup::office(4, 8), 7);
    let recorded = replay(&told.recorded, &AS_IT_WAS).recorded;
    assert_eq!(recorded.meetings, told.report.meetings);
    assert_eq!(recorded.joins, told.report.joins);
    assert_eq!(recorded.reasons, told.report.reasons);
    assert_eq!(recorded.put_out_by_force, told.report.put_out_by_force);
    // It sees people come and go at the door, and a recording tells of them when the message is in.
    assert!(recorded.empty.abs_diff(told.report.empty) < Duration::from_secs(3) * recorded.joins as u32);
}

#[test]
fn a_shorter_grace_makes_splits_and_a_longer_one_makes_rooms_stand_empty() {
    let lines = recording_of(Shape::Asked, "none");
    let told: Vec<_> = [1, 5, 15, 40].map(|minutes| replay(&lines, &grace(minutes)).replayed).into();
    for (shorter, longer) in told.iter().zip(&told[1..]) {
        assert!(shorter.splits >= longer.splits, "{told:#?}");
        assert!(shorter.meetings >= longer.meetings, "{told:#?}");
        assert!(shorter.empty < longer.empty, "{told:#?}");
    }
    assert!(told[0].splits > 5 && told[2].splits == 0, "{told:#?}");
    assert!(told.iter().all(|one| one.joins == told[0].joins), "nobody stays away: {told:#?}");
}

// Stories by hand.

/// One whose provider is not asked who is in: the stories need not tell of that.
fn policy() -> Policy {
    Policy { provider_answers: false, ..Policy::default() }
}

fn at(minutes: u32) -> Timestamp {
    Timestamp::from_micros(1_795_420_800_000_000) + minutes * MINUTE
}

fn sighting(who: &str, minutes: u32) -> Sighting {
    let at = at(minutes);
    Sighting { participant: Participant::human(who), at, received_at: at, humans: None }
}

fn comes(who: &str, minutes: u32) -> (u32, Event) {
    (minutes, Event::ParticipantJoined(sighting(who, minutes)))
}

fn goes(who: &str, minutes: u32) -> (u32, Event) {
    (minutes, Event::ParticipantLeft(sighting(who, minutes)))
}

fn due(minutes: u32) -> (u32, Event) {
    (minutes, Event::DeadlineReached { hearing: Hearing::Answered })
}

fn gone(minutes: u32) -> (u32, Event) {
    (minutes, Event::RoomClosed { generation: 0 })
}

/// The history of a meeting made at a minute, whose room is opened at once.
fn meeting(
    number: u128,
    policy: Policy,
    (begun, schedule): (u32, Schedule),
    story: &[(u32, Event)],
) -> Vec<Line> {
    let begin = [
        (begun, Event::Created { schedule, grace: None }),
        (begun, Event::RoomOpened { generation: 0, expires_at: None }),
    ];
    let mut told: Vec<(Event, Timestamp)> = Vec::new();
    let mut lines = Vec::new();
    for (seq, (minutes, event)) in (1..).zip(begin.into_iter().chain(story.iter().cloned())) {
        told.push((event.clone(), at(minutes)));
        let life = tell_life(told.iter().map(|(event, now)| (event, *now, &policy))).expect("it is created");
        let entry = Entry {
            seq,
            at: at(minutes),
            recorded_at: at(minutes),
            source: Source::Api,
            event,
            delivery_id: None,
            ignored: None,
            wake: None,
            phase: life.phase,
            policy,
        };
        lines.push(Line {
            meeting_id: MeetingId(Uuid::from_u128(number)),
            room_id: RoomId(Uuid::from_u128(1)),
            provider: ProviderName::from("fake"),
            occurrence: None,
            entry,
        });
    }
    lines
}

fn unscheduled(begun: u32, policy: &Policy) -> (u32, Schedule) {
    (begun, Schedule::from_now(at(begun), policy))
}

fn scheduled(begun: u32, end: u32) -> (u32, Schedule) {
    (begun, Schedule::of(at(begun), at(end), at(begun)))
}

fn closes(told: &Replayed) -> Vec<(CloseReason, Timestamp)> {
    told.replayed_closes.iter().map(|closing| (closing.reason, closing.at)).collect()
}

#[test]
fn who_comes_back_too_late_for_a_shorter_grace_opens_another_meeting_and_that_is_a_split() {
    let policy = policy();
    let story =
        [comes("ann", 0), goes("ann", 20), comes("ann-again", 30), goes("ann-again", 40), due(55), gone(55)];
    let lines = meeting(7, policy, unscheduled(0, &policy), &story);

    let told = replay(&lines, &grace(5));
    assert_eq!((told.recorded.meetings, told.recorded.splits, told.recorded.empty), (1, 0, 25 * MINUTE));
    assert_eq!((told.replayed.meetings, told.replayed.splits, told.replayed.empty), (2, 1, 10 * MINUTE));
    assert_eq!(closes(&told), [(CloseReason::GraceExpired, at(25)), (CloseReason::GraceExpired, at(45))]);
    assert_eq!(replay(&lines, &AS_IT_WAS).replayed.splits, 0);
}

#[test]
fn a_longer_grace_keeps_for_those_who_come_back_the_meeting_that_they_had_left() {
    let policy = Policy { grace: 5 * MINUTE, ..policy() };
    let first = [comes("ann", 0), goes("ann", 20), due(25), gone(25)];
    let second = [(30, Event::JoinRequested), comes("bob", 30), goes("bob", 40), due(45), gone(45)];
    let end = meeting(9, policy, scheduled(100, 101), &[]);
    let lines = [
        meeting(7, policy, unscheduled(0, &policy), &first),
        meeting(8, policy, unscheduled(30, &policy), &second),
        end,
    ]
    .concat();

    let told = replay(&lines, &grace(15));
    assert_eq!((told.recorded.meetings, told.recorded.splits, told.recorded.joins), (3, 1, 2));
    assert_eq!((told.replayed.meetings, told.replayed.splits, told.replayed.joins), (2, 0, 2));
    assert_eq!(closes(&told), [(CloseReason::GraceExpired, at(55))]);
    assert_eq!(
        (told.recorded.open, told.replayed.open),
        (1, 1),
        "the recording ends before the last one does"
    );
}

#[test]
fn a_shorter_overtime_puts_out_who_was_in_and_they_come_back_only_when_the_recording_says_so() {
    let policy = policy();
    let story = [comes("ann", 0), comes("bob", 10), goes("ann", 80), goes("bob", 81), due(96), gone(96)];
    let lines = meeting(7, policy, scheduled(0, 60), &story);

    let told = replay(&lines, &overtime(5));
    assert_eq!((told.recorded.put_out_by_force, told.replayed.put_out_by_force), (0, 2));
    assert_eq!(closes(&told), [(CloseReason::Overtime, at(65))]);
    assert_eq!(told.replayed.meetings, 1);
}

#[test]
fn whom_a_recorded_close_put_out_has_left_then_whatever_the_policy() {
    let policy = Policy { overtime: Overtime::For(5 * MINUTE), ..policy() };
    let story = [comes("ann", 0), comes("bob", 10), due(65), gone(65)];
    let end = meeting(9, policy, scheduled(200, 201), &[]);
    let lines = [meeting(7, policy, scheduled(0, 60), &story), end].concat();

    let told = replay(&lines, &overtime(30));
    assert_eq!((told.recorded.put_out_by_force, told.replayed.put_out_by_force), (2, 0));
    assert_eq!(closes(&told), [(CloseReason::GraceExpired, at(80))]);
}

#[test]
fn an_owners_end_stays_what_it_was() {
    let policy = policy();
    let story = [comes("ann", 0), (30, Event::EndRequested), gone(31)];
    let told = replay(&meeting(7, policy, unscheduled(0, &policy), &story), &grace(1));
    assert_eq!(closes(&told), [(CloseReason::EndedByOwner, at(31))]);
    assert_eq!(told.recorded, told.replayed);
}

#[test]
fn of_nothing_there_is_nothing_to_tell() {
    assert_eq!(replay(&[], &grace(1)), Replayed::default());
}
