//! Each invariant notices what it is there for, and nothing else: transitions that no rule makes, made by hand.

use reflector_core::Timestamp;
use reflector_core::lifecycle::invariants::{Transition, violated};
use reflector_core::lifecycle::{
    Announcement, Close, CloseReason, Effect, Empty, Event, Hearing, Life, Phase, Presence, Report, Sighting,
};

use crate::stories::{HOUR, JUST, MINUTE, Story, minute, person, quiet};

/// A step that was never made.
#[derive(Clone)]
struct Forged {
    before: Life,
    event: Event,
    now: Timestamp,
    after: Life,
    effects: Vec<Effect>,
}

impl Forged {
    /// Something that happens and changes nothing.
    fn of(story: &Story, event: Event, now: Timestamp) -> Self {
        Self { before: story.life.clone(), event, now, after: story.life.clone(), effects: Vec::new() }
    }

    /// The same, ending in this phase.
    fn into(self, phase: Phase) -> Self {
        Self { after: Life { phase, ..self.after }, ..self }
    }

    fn owing(self, effect: Effect) -> Self {
        Self { effects: vec![effect], ..self }
    }

    #[track_caller]
    fn breaks(&self, invariant: &str) {
        assert!(self.violated().contains(&invariant), "{invariant} does not notice: {:?}", self.violated());
    }

    #[track_caller]
    fn keeps(&self, invariant: &str) {
        assert!(!self.violated().contains(&invariant), "{invariant} is wrong about what keeps it");
    }

    fn violated(&self) -> Vec<&'static str> {
        let Self { before, event, now, after, effects } = self;
        violated(&Transition { before, event, now: *now, policy: &quiet(), after, effects })
    }
}

fn waiting() -> Story {
    Story::unscheduled(quiet())
}

fn live() -> Story {
    let mut story = waiting();
    story.joins("ada", minute(1)).unwrap();
    story
}

/// In grace since minute 10, so until minute 25.
fn in_grace() -> Story {
    let mut story = live();
    story.leaves("ada", minute(10)).unwrap();
    story
}

fn woken() -> Event {
    Event::DeadlineReached { hearing: Hearing::Answered }
}

fn closing(reason: CloseReason, close: Close) -> Phase {
    Phase::Closing { reason, close, since: minute(0) }
}

fn after_grace() -> Phase {
    closing(CloseReason::GraceExpired, Close::IfEmpty { was: Empty::Left { since: minute(10) } })
}

fn never_joined() -> Phase {
    closing(CloseReason::NeverJoined, Close::IfEmpty { was: Empty::NeverJoined { since: minute(0) } })
}

fn forced() -> Phase {
    closing(CloseReason::MaxLifetime, Close::Force)
}

fn closed() -> Phase {
    Phase::Closed { reason: CloseReason::MaxLifetime, at: minute(0) }
}

#[test]
fn l2_notices_a_phase_that_is_not_what_was_told() {
    const L2: &str = "l2_nobody_has_been_in_a_waiting_meeting";
    let told = Forged::of(&live(), Event::Knocked, minute(2));
    told.clone().into(Phase::Waiting { since: minute(0) }).breaks(L2);
    told.keeps(L2);
    told.into(closed()).keeps(L2);
}

#[test]
fn l3_notices_a_grace_that_begins_long_before_the_last_leaving_was_heard_of() {
    const L3: &str = "l3_grace_starts_at_the_last_leaving";
    let heard = Sighting { received_at: minute(20), ..person("ada", minute(2)) };
    let left =
        |since| Forged::of(&live(), Event::ParticipantLeft(heard), minute(20)).into(Phase::Grace { since });
    left(minute(15) - JUST).breaks(L3);
    left(minute(15)).keeps(L3);
    left(minute(1)).keeps(L3);
    left(minute(1) + JUST).breaks(L3);
    Forged { event: Event::Knocked, ..left(minute(2)) }.keeps(L3);
}

#[test]
fn l4_notices_a_meeting_that_stops_because_somebody_comes_or_goes() {
    const L4: &str = "l4_people_coming_and_going_keep_it_active";
    let left = Event::ParticipantLeft(person("ada", minute(5)));
    Forged::of(&live(), left.clone(), minute(5)).into(forced()).breaks(L4);
    Forged::of(&live(), left.clone(), minute(5)).keeps(L4);
    Forged::of(&live(), Event::EndRequested, minute(5)).into(forced()).keeps(L4);
    let mut was_closing = Forged::of(&live(), left, minute(5)).into(closed());
    was_closing.before.phase = forced();
    was_closing.keeps(L4);
}

#[test]
fn l5_notices_a_close_before_the_grace_is_over() {
    const L5: &str = "l5_not_closed_before_its_grace_is_over";
    let at = |now| Forged::of(&in_grace(), woken(), now);
    at(minute(25) - JUST).into(after_grace()).breaks(L5);
    at(minute(25)).into(after_grace()).keeps(L5);
    let cancelled =
        closing(CloseReason::Cancelled, Close::IfEmpty { was: Empty::Left { since: minute(10) } });
    at(minute(11)).into(cancelled).keeps(L5);
    let mut was_closing = at(minute(11)).into(after_grace());
    was_closing.before.phase = after_grace();
    was_closing.keeps(L5);
}

#[test]
fn l6_notices_a_close_while_somebody_is_on_the_way_in() {
    const L6: &str = "l6_not_closed_while_somebody_is_on_the_way_in";
    let mut story = in_grace();
    story.tell(Event::JoinRequested, minute(25) - JUST).unwrap();
    let until = minute(25) - JUST + quiet().lease;
    Forged::of(&story, woken(), minute(25)).into(after_grace()).breaks(L6);
    Forged::of(&story, woken(), until).into(after_grace()).keeps(L6);
    Forged::of(&live(), woken(), minute(25)).into(after_grace()).breaks(L6);
    Forged::of(&story, woken(), minute(25)).keeps(L6);
}

#[test]
fn l8_notices_a_close_before_anybody_could_join() {
    const L8: &str = "l8_not_closed_before_anybody_could_join";
    let scheduled = Story::scheduled(0, 60, quiet());
    for (story, until) in [(waiting(), minute(30)), (scheduled, minute(60))] {
        Forged::of(&story, woken(), until - JUST).into(never_joined()).breaks(L8);
        Forged::of(&story, woken(), until).into(never_joined()).keeps(L8);
        let was = Empty::NeverJoined { since: minute(0) };
        let cancelled = closing(CloseReason::Cancelled, Close::IfEmpty { was });
        Forged::of(&story, woken(), minute(1)).into(cancelled).keeps(L8);
    }
}

#[test]
fn l9_notices_force_that_is_neither_the_owners_nor_due() {
    const L9: &str = "l9_forced_only_at_the_hard_deadline_or_by_the_owner";
    let hard = minute(0) + HOUR * 24;
    Forged::of(&live(), woken(), hard - JUST).into(forced()).breaks(L9);
    Forged::of(&live(), woken(), hard).into(forced()).keeps(L9);
    Forged::of(&live(), Event::EndRequested, minute(2)).into(forced()).keeps(L9);
    let mut was_forced = Forged::of(&live(), Event::Knocked, minute(2)).into(forced());
    was_forced.before.phase = forced();
    was_forced.keeps(L9);
}

#[test]
fn l13_notices_an_answer_that_says_nothing_and_changes_something() {
    const L13: &str = "l13_unknown_never_closes";
    let says = |presence| {
        let report = Report { presence, asked_at: minute(2), staleness: MINUTE };
        Forged::of(&live(), Event::PresenceReported(report), minute(2))
    };
    says(Presence::Unknown).breaks(L13);
    says(Presence::Empty).keeps(L13);
    Forged::of(&live(), Event::Knocked, minute(2)).keeps(L13);
}

#[test]
fn l13_notices_silence_that_closes_what_we_do_not_hear() {
    const L13: &str = "l13_silence_closes_only_what_we_hear";
    let hearing =
        |hearing| Forged::of(&in_grace(), Event::DeadlineReached { hearing }, minute(25)).into(after_grace());
    hearing(Hearing::Deaf).breaks(L13);
    hearing(Hearing::Since(minute(10) + JUST)).breaks(L13);
    hearing(Hearing::Since(minute(10))).keeps(L13);
    Forged { event: Event::Knocked, ..hearing(Hearing::Answered) }.breaks(L13);
    Forged::of(&in_grace(), Event::DeadlineReached { hearing: Hearing::Deaf }, minute(25)).keeps(L13);
}

#[test]
fn l14_notices_a_forced_closing_that_goes_back() {
    const L14: &str = "l14_forced_closing_does_not_go_back";
    let mut story = live();
    let phase = story.life.phase;
    story.life.phase = forced();
    let at = Forged::of(&story, Event::Knocked, minute(2));
    at.clone().into(phase).breaks(L14);
    at.keeps(L14);
    at.into(closed()).keeps(L14);
    Forged::of(&live(), Event::Knocked, minute(2)).keeps(L14);
}

#[test]
fn l14_notices_a_close_that_nobody_owes() {
    const L14: &str = "l14_a_room_to_be_closed_is_owed";
    let close = Effect::CloseRoom { generation: 0 };
    let at = Forged::of(&in_grace(), woken(), minute(25)).into(after_grace());
    at.breaks(L14);
    at.clone().owing(Effect::AskPresence).breaks(L14);
    at.owing(close.clone()).keeps(L14);
    let mut story = in_grace();
    story.life.phase = after_grace();
    Forged::of(&story, Event::Knocked, minute(26)).keeps(L14);
    Forged::of(&story, Event::EndRequested, minute(26)).into(forced()).breaks(L14);
    Forged::of(&story, Event::EndRequested, minute(26)).into(forced()).owing(close).keeps(L14);
    Forged::of(&live(), Event::Knocked, minute(2)).keeps(L14);
}

#[test]
fn l15_notices_a_closed_meeting_that_changes() {
    const L15: &str = "l15_closed_is_the_end";
    let mut story = live();
    let phase = story.life.phase;
    story.life.phase = closed();
    Forged::of(&story, Event::Knocked, minute(2)).into(phase).breaks(L15);
    Forged::of(&story, Event::Knocked, minute(2)).keeps(L15);
    Forged::of(&live(), Event::Knocked, minute(2)).into(closed()).keeps(L15);
}

#[test]
fn l16_notices_people_who_lose_their_room() {
    const L16: &str = "l16_people_keep_their_room";
    let another = |story: &Story| {
        let mut forged = Forged::of(story, Event::Cancelled, minute(2));
        forged.after.generation += 1;
        forged
    };
    another(&live()).breaks(L16);
    another(&waiting()).keeps(L16);
    Forged::of(&live(), Event::Cancelled, minute(2)).keeps(L16);
}

#[test]
fn l19_notices_a_change_before_its_deadline() {
    const L19: &str = "l19_due_at_the_deadline_and_not_before";
    Forged::of(&in_grace(), woken(), minute(25) - JUST).breaks(L19);
    Forged::of(&in_grace(), woken(), minute(25)).keeps(L19);
    Forged::of(&in_grace(), Event::Knocked, minute(11)).keeps(L19);
}

#[test]
fn l20_notices_what_was_due_and_is_left_behind() {
    const L20: &str = "l20_nothing_due_is_left_behind";
    Forged::of(&in_grace(), woken(), minute(25)).breaks(L20);
    Forged::of(&in_grace(), woken(), minute(25) - JUST).keeps(L20);
    Forged::of(&in_grace(), woken(), minute(25)).into(closed()).keeps(L20);
    Forged::of(&in_grace(), Event::Knocked, minute(25)).keeps(L20);
}

#[test]
fn l24_notices_a_room_that_nobody_is_to_make() {
    const L24: &str = "l24_a_room_to_be_made_is_owed";
    let mut another =
        Forged::of(&waiting(), Event::Cancelled, minute(2)).into(Phase::Opening { since: minute(2) });
    another.keeps(L24);
    another.after.generation += 1;
    another.breaks(L24);
    another.clone().owing(Effect::RetireRoom { generation: 0 }).breaks(L24);
    another.clone().owing(Effect::OpenRoom { generation: 1, expires_at: minute(90) }).keeps(L24);
    let phase = another.before.phase;
    another.into(phase).keeps(L24);
}

#[test]
fn l25_notices_what_is_announced_wrongly_or_too_early() {
    const L25: &str = "l25_announced_before_the_forced_close_and_after_the_end";
    let soon = |closes_at| Effect::Announce(Announcement::ClosingSoon { closes_at });
    let scheduled = Story::scheduled(0, 60, quiet());
    let at = |now| Forged::of(&scheduled, woken(), now);
    at(minute(80)).owing(soon(minute(91))).breaks(L25);
    at(minute(60) - JUST).owing(soon(minute(90))).breaks(L25);
    at(minute(60)).owing(soon(minute(90))).keeps(L25);
    at(minute(80)).owing(Effect::Announce(Announcement::CloseUnconfirmed)).keeps(L25);
    let hard = minute(0) + HOUR * 24;
    Forged::of(&waiting(), woken(), minute(1)).owing(soon(hard)).keeps(L25);
}
