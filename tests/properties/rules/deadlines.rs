//! L9, L10, L17, L20 and L25: what happens by itself, when, and what is said before.

use reflector_core::Timestamp;
use std::time::Duration;

use reflector_core::lifecycle::{
    Announcement, CloseMode, CloseReason, Effect, Event, Hearing, Ignored, Overtime, Phase, Policy, Presence,
    Wake, next_closing,
};

use crate::stories::{HOUR, JUST, MINUTE, Story, minute, quiet};

/// A meeting from minute 0 to minute 60, in which somebody is.
fn running(policy: Policy) -> Story {
    let mut story = Story::scheduled(0, 60, policy);
    story.joins("ada", minute(1)).unwrap();
    story
}

/// Wakes up at every deadline up to and with this one, and gives what became owed at which instants.
fn wake_up_to(story: &mut Story, last: Timestamp) -> Vec<(Timestamp, Effect)> {
    let mut owed = Vec::new();
    while !story.phase().is_closed() && story.due().at <= last {
        let at = story.due().at;
        owed.extend(story.wakes(at).unwrap().into_iter().map(|effect| (at, effect)));
    }
    owed
}

#[test]
fn l9_an_occupied_meeting_goes_on_past_its_end() {
    let mut story = running(quiet());
    wake_up_to(&mut story, minute(89));
    assert!(story.phase().is_live());
    story.joins("grace", minute(89)).unwrap();
    assert_eq!(story.phase().humans(), 2);
}

#[test]
fn l9_at_the_hard_deadline_it_is_closed_by_force() {
    let mut story = running(quiet());
    wake_up_to(&mut story, minute(90) - JUST);
    assert!(story.phase().is_live());
    assert_eq!(story.wakes(minute(90)), Ok(vec![Effect::CloseRoom { generation: 0 }]));
    assert!(story.phase().is_forced());
    assert_eq!(story.phase().close_reason(), Some(CloseReason::Overtime));
}

#[test]
fn l9_grace_holds_in_overtime() {
    let mut story = running(quiet());
    story.leaves("ada", minute(62)).unwrap();
    assert_eq!(story.due().at, minute(77));
    assert_eq!(story.due().why, Wake::Close(CloseReason::GraceExpired));
}

#[test]
fn l9_overtime_counts_from_the_change_of_the_end_if_that_is_later() {
    let mut story = running(quiet());
    story.moved_to_end(minute(30), minute(50)).unwrap();
    wake_up_to(&mut story, minute(80) - JUST);
    assert!(story.phase().is_live());
    story.wakes(minute(80)).unwrap();
    assert!(story.phase().is_forced());
}

#[test]
fn l9_the_owner_can_extend_a_meeting_in_overtime() {
    let mut story = running(quiet());
    wake_up_to(&mut story, minute(85));
    story.moved_to_end(minute(120), minute(86)).unwrap();
    wake_up_to(&mut story, minute(150) - JUST);
    assert!(story.phase().is_live());
    story.wakes(minute(150)).unwrap();
    assert!(story.phase().is_forced());
}

#[test]
fn l9_without_overtime_it_closes_at_its_end() {
    let mut story = running(Policy { overtime: Overtime::For(Duration::ZERO), ..quiet() });
    wake_up_to(&mut story, minute(60));
    assert!(story.phase().is_forced());
}

#[test]
fn l10_an_unscheduled_meeting_lives_a_day() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    wake_up_to(&mut story, minute(0) + HOUR * 24 - JUST);
    assert!(story.phase().is_live(), "its end after eight hours is information only");
    story.wakes(minute(0) + HOUR * 24).unwrap();
    assert_eq!(
        (story.phase().close_reason(), story.phase().is_forced()),
        (Some(CloseReason::MaxLifetime), true)
    );
}

#[test]
fn l10_overtime_without_end_is_bounded_by_the_lifetime_or_the_end() {
    let never = Policy { overtime: Overtime::Never, ..quiet() };
    for (end, closes) in [(60, 24 * 60), (30 * 60, 30 * 60)] {
        let mut story = Story::scheduled(0, end, never);
        story.joins("ada", minute(1)).unwrap();
        wake_up_to(&mut story, minute(closes) - JUST);
        assert!(story.phase().is_live(), "end {end}");
        story.wakes(minute(closes)).unwrap();
        assert_eq!(story.phase().close_reason(), Some(CloseReason::MaxLifetime), "end {end}");
    }
}

#[test]
fn l17_a_changed_grace_counts_from_when_the_timer_started() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    story.leaves("ada", minute(2)).unwrap();
    story.policy.grace = MINUTE * 5;
    assert_eq!(story.due().at, minute(7));
    story.tell(Event::GraceChanged { grace: Some(MINUTE * 40) }, minute(6)).unwrap();
    assert_eq!(story.due().at, minute(42));
    story.tell(Event::GraceChanged { grace: None }, minute(6)).unwrap();
    assert_eq!(story.due().at, minute(7));
}

#[test]
fn l20_a_silent_live_meeting_is_asked_about_at_intervals_that_double_up_to_two_hours() {
    let mut story = Story::unscheduled(Policy::default());
    story.joins("ada", minute(0)).unwrap();
    let owed = wake_up_to(&mut story, minute(600));
    let asked: Vec<_> =
        owed.into_iter().filter(|(_, owed)| *owed == Effect::AskPresence).map(|(at, _)| at).collect();
    assert_eq!(asked, [15, 45, 105, 225, 345, 465, 585].map(minute));
}

#[test]
fn l20_an_answer_ends_the_silence() {
    let mut story = Story::unscheduled(Policy::default());
    story.joins("ada", minute(0)).unwrap();
    wake_up_to(&mut story, minute(45));
    story.says(Presence::Occupied(1), minute(46)).unwrap();
    assert_eq!((story.due().at, story.due().why), (minute(61), Wake::Ask));
}

#[test]
fn l20_a_deployment_that_observes_says_each_close_once_and_closes_nothing() {
    let mut story = running(Policy { close: CloseMode::Observe, ..quiet() });
    story.wakes(minute(90)).unwrap();
    assert!(story.phase().is_live());
    assert_eq!(story.life.watch.spared, [CloseReason::Overtime]);
    assert_eq!(story.wakes(minute(200)), Err(Ignored::NotDue));
    assert_eq!(story.tell(Event::EndRequested, minute(200)), Err(Ignored::Observing));
    story.moved_to_end(minute(240), minute(200)).unwrap();
    assert_eq!(story.due().at, minute(270), "another end is another close");
}

fn announced(story: &mut Story, up_to: u32) -> Vec<(Timestamp, Timestamp)> {
    let told = |(at, effect)| match effect {
        Effect::Announce(Announcement::ClosingSoon { closes_at }) => Some((at, closes_at)),
        _ => None,
    };
    wake_up_to(story, minute(up_to)).into_iter().filter_map(told).collect()
}

#[test]
fn l25_a_forced_close_is_announced_ten_minutes_and_one_minute_before() {
    let mut story = running(quiet());
    assert_eq!(announced(&mut story, 90), [(minute(80), minute(90)), (minute(89), minute(90))]);
}

#[test]
fn l25_what_would_be_announced_before_the_scheduled_end_is_skipped() {
    let mut story = running(Policy { overtime: Overtime::For(MINUTE * 5), ..quiet() });
    assert_eq!(announced(&mut story, 65), [(minute(64), minute(65))]);
}

#[test]
fn l25_what_is_to_be_announced_at_the_end_itself_is_announced() {
    let mut story = running(Policy { overtime: Overtime::For(MINUTE * 10), ..quiet() });
    assert_eq!(announced(&mut story, 70), [(minute(60), minute(70)), (minute(69), minute(70))]);
}

#[test]
fn l25_what_is_past_when_the_close_is_set_is_skipped() {
    // The change of the end at minute 84 sets the close to minute 90: ten minutes before is past.
    let mut story = running(Policy { overtime: Overtime::For(MINUTE * 60), ..quiet() });
    wake_up_to(&mut story, minute(84));
    story.policy.overtime = Overtime::For(MINUTE * 6);
    story.moved_to_end(minute(61), minute(84)).unwrap();
    assert_eq!(announced(&mut story, 90), [(minute(89), minute(90))]);
}

#[test]
fn l25_a_close_that_was_moved_is_announced_anew() {
    let mut story = running(quiet());
    assert_eq!(announced(&mut story, 85).len(), 1);
    story.moved_to_end(minute(120), minute(85)).unwrap();
    assert_eq!(announced(&mut story, 150), [(minute(140), minute(150)), (minute(149), minute(150))]);
}

#[test]
fn l25_a_meeting_that_waits_for_its_first_participant_is_told_nothing() {
    let mut story = Story::scheduled(0, 60, Policy { overtime: Overtime::For(Duration::ZERO), ..quiet() });
    assert_eq!(announced(&mut story, 60), []);
    assert!(!matches!(story.phase(), Phase::Waiting { .. }));
}

#[test]
fn what_people_are_shown_is_the_next_closing_whether_it_is_asked_or_forced() {
    let shown = |story: &Story| next_closing(&story.life, &story.policy);
    let mut story = Story::scheduled(0, 60, quiet());
    assert_eq!(shown(&story), Some((minute(60), CloseReason::NeverJoined)));
    story.joins("ada", minute(1)).unwrap();
    assert_eq!(shown(&story), Some((minute(90), CloseReason::Overtime)));
    story.leaves("ada", minute(50)).unwrap();
    assert_eq!(shown(&story), Some((minute(65), CloseReason::GraceExpired)));
    // As long as we do not hear the provider, only the forced close is sure.
    let mut unheard = story.clone();
    unheard.wakes_hearing(Hearing::Deaf, minute(65)).unwrap();
    assert_eq!(shown(&unheard), Some((minute(90), CloseReason::Overtime)));
    // What is closing has no next closing.
    story.wakes(minute(65)).unwrap();
    assert_eq!(shown(&story), None);
}

#[test]
fn l25_an_announcement_that_is_due_in_the_instant_in_which_the_close_is_set_is_made() {
    let policy = Policy { overtime: Overtime::For(10 * MINUTE), ..quiet() };
    let mut story = running(policy);
    wake_up_to(&mut story, minute(64));
    // The forced close is ten minutes after the change, and is announced ten minutes before.
    story.moved_to_end(minute(64), minute(65)).unwrap();
    assert_eq!((story.due().at, story.due().why), (minute(65), Wake::Announce));
}

#[test]
fn where_we_only_observe_who_comes_back_takes_back_what_was_said_of_emptiness_and_nothing_else() {
    let policy = Policy { close: CloseMode::Observe, ..quiet() };
    let mut story = running(policy);
    story.wakes(minute(90)).unwrap();
    story.leaves("ada", minute(91)).unwrap();
    story.wakes(minute(106)).unwrap();
    assert_eq!(story.life.watch.spared, [CloseReason::Overtime, CloseReason::GraceExpired]);
    story.joins("grace", minute(107)).unwrap();
    assert_eq!(story.life.watch.spared, [CloseReason::Overtime]);
}

#[test]
fn l13_a_close_that_was_withheld_is_made_when_we_hear_again_and_not_before() {
    let mut story = Story::unscheduled(quiet());
    story.joins("ada", minute(1)).unwrap();
    story.leaves("ada", minute(10)).unwrap();
    assert_eq!(story.wakes_hearing(Hearing::Deaf, minute(25)), Ok(Vec::new()), "nobody can be asked here");
    let mut asks = 0;
    for _ in 0..3 {
        let (at, why) = (story.due().at, story.due().why);
        assert_eq!(why, Wake::Ask);
        story.wakes_hearing(Hearing::Deaf, at).unwrap();
        asks += 1;
        let watch = &story.life.watch;
        assert_eq!((watch.withheld_since, watch.asks), (Some(minute(25)), asks), "it is asked less and less");
    }
    let at = story.due().at;
    story.wakes_hearing(Hearing::Since(minute(10)), at).unwrap();
    assert_eq!(story.phase().close_reason(), Some(CloseReason::GraceExpired));
}

#[test]
fn l14_who_is_told_to_close_the_room_is_not_asked_who_is_in_it_by_the_same_wake_up() {
    let mut story = running(Policy::default());
    let effects = story.wakes(minute(95)).unwrap();
    let closes = effects.iter().filter(|effect| matches!(effect, Effect::CloseRoom { .. })).count();
    assert_eq!((closes, effects.contains(&Effect::AskPresence)), (1, false), "{effects:?}");
}
