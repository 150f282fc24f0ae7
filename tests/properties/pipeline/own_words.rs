//! What runs say of themselves, at exact instants.

use std::time::Duration;

use reflector_core::Timestamp;
use reflector_core::pipeline::{
    NoSuchStage, Outcome, RestartAt, Retry, Run, RunState, StageStatus, Start, TranscriptStatus, advance,
    begin, give_back, restart, start, violated,
};
use reflector_core::recording::RecordingStatus;

use crate::stories::{JUST, minute};

const STAGES: [&str; 2] = ["fetch", "publish"];

fn begun() -> Run {
    begin(&STAGES, minute(0))
}

fn started(run: &Run, now: Timestamp) -> Run {
    let Start::Stage(run, _) = start(run, now, &Retry::default()) else { panic!("it is ready: {run:#?}") };
    run
}

fn after(run: &Run, outcome: &Outcome, now: Timestamp) -> Run {
    advance(&started(run, now), outcome, now, &Retry::default(), 0)
}

fn busy() -> Outcome {
    Outcome::Again { reason: "busy".to_owned(), after: None }
}

#[test]
fn a_run_that_was_just_begun_waits_for_its_first_stage() {
    let run = begun();
    assert_eq!((run.number, run.begun_at), (1, minute(0)));
    assert_eq!(run.state, RunState::Waiting { ready_at: minute(0) });
    assert_eq!(run.current().map(|stage| stage.name.as_str()), Some("fetch"));
    assert!(!run.is_over());
    assert_eq!(begin(&[], minute(0)).state, RunState::Done { at: minute(0) }, "there is nothing to do");
}

#[test]
fn how_a_transcript_and_its_recording_stand_is_told_by_the_run() {
    let stands = |run: &Run| (run.status(), run.recording_status(), run.is_over());
    let (uploaded, processing) = (TranscriptStatus::Uploaded, TranscriptStatus::Processing);
    assert_eq!(stands(&begun()), (uploaded, RecordingStatus::Processing, false));
    assert_eq!(stands(&started(&begun(), minute(1))), (processing, RecordingStatus::Processing, false));
    let again = after(&begun(), &busy(), minute(1));
    assert_eq!(stands(&again), (processing, RecordingStatus::Processing, false));
    let fetched = after(&begun(), &Outcome::Done, minute(1));
    assert_eq!(stands(&fetched), (processing, RecordingStatus::Processing, false));
    let done = after(&fetched, &Outcome::Skipped("nobody listens".to_owned()), minute(2));
    assert_eq!(stands(&done), (TranscriptStatus::Ended, RecordingStatus::Completed, true));
    let failed = after(&fetched, &Outcome::Failed("gone".to_owned()), minute(2));
    assert_eq!(stands(&failed), (TranscriptStatus::Error, RecordingStatus::Failed, true));
    let anew = restart(&failed, RestartAt::Beginning, &STAGES, minute(3)).unwrap();
    assert_eq!(stands(&anew), (uploaded, RecordingStatus::Processing, false));
    let on = restart(&failed, RestartAt::WhereItStands, &STAGES, minute(3)).unwrap();
    assert_eq!(stands(&on), (processing, RecordingStatus::Processing, false));
}

#[test]
fn a_stage_tells_when_it_was_started_and_finished_and_why_it_was_left_out() {
    let run = after(&begun(), &Outcome::Done, minute(1));
    let stage = &run.stages[0];
    assert_eq!((stage.status, stage.attempts, &stage.reason), (StageStatus::Done, 1, &None));
    assert_eq!((stage.started_at, stage.finished_at), (Some(minute(1)), Some(minute(1))));
    assert_eq!(run.state, RunState::Waiting { ready_at: minute(1) });
    let run = after(&run, &Outcome::Skipped("no endpoint".to_owned()), minute(2));
    let stage = &run.stages[1];
    assert_eq!((stage.status, stage.reason.as_deref()), (StageStatus::Skipped, Some("no endpoint")));
    assert_eq!(stage.finished_at, Some(minute(2)));
    assert_eq!((run.state, run.current()), (RunState::Done { at: minute(2) }, None));
    let failed = after(&begun(), &Outcome::Failed("gone".to_owned()), minute(1));
    let stage = &failed.stages[0];
    assert_eq!((stage.status, stage.reason.as_deref()), (StageStatus::Failed, Some("gone")));
    assert_eq!((stage.finished_at, failed.state), (Some(minute(1)), RunState::Failed { at: minute(1) }));
}

#[test]
fn a_stage_that_is_tried_again_says_what_went_wrong_until_it_is_done() {
    let run = after(&begun(), &busy(), minute(1));
    assert_eq!(run.state, RunState::Waiting { ready_at: minute(1) + Retry::default().wait_after(1, 0) });
    let (stage, running) = (&run.stages[0], started(&run, minute(2)));
    assert_eq!((stage.status, stage.finished_at), (StageStatus::Pending, None));
    assert_eq!((running.stages[0].reason.as_deref(), running.stages[0].attempts), (Some("busy"), 2));
    let done = after(&run, &Outcome::Done, minute(2));
    assert_eq!((&done.stages[0].reason, done.stages[0].attempts), (&None, 2));
}

#[test]
fn a_stage_is_tried_as_often_as_the_policy_says_and_at_least_once() {
    for (attempts, tried) in [(0, 1), (1, 1), (2, 2), (3, 3)] {
        let retry = Retry { attempts, ..Retry::default() };
        let (mut run, mut times) = (begun(), 0);
        while let Start::Stage(started, _) = start(&run, minute(600), &retry) {
            times += 1;
            assert!(times <= tried, "{attempts}");
            run = advance(&started, &busy(), minute(0), &retry, 0);
        }
        assert_eq!((times, run.state), (tried, RunState::Failed { at: minute(0) }), "{attempts}");
        assert_eq!(run.stages[0].reason.as_deref(), Some("busy"), "{attempts}");
    }
}

#[test]
fn a_run_of_which_nothing_more_may_be_started_says_why_of_the_last_time() {
    let once = Retry { attempts: 1, ..Retry::default() };
    let Start::Exhausted(run) = start(&started(&begun(), minute(1)), minute(2), &once) else {
        panic!("it was started once")
    };
    let stage = &run.stages[0];
    let died = "its worker ended without a word at attempt 1, the last one";
    assert_eq!((stage.reason.as_deref(), stage.finished_at), (Some(died), Some(minute(2))));
    assert_eq!((stage.status, stage.attempts), (StageStatus::Failed, 1));
    // It may be fewer by now than when it was tried.
    let run = after(&begun(), &busy(), minute(1));
    let Start::Exhausted(run) = start(&run, minute(9), &once) else { panic!("it was started once") };
    assert_eq!(run.stages[0].reason.as_deref(), Some("busy"));
}

#[test]
fn a_stage_that_is_given_back_is_ready_at_once_and_was_not_tried() {
    let tried = after(&begun(), &busy(), minute(1));
    let run = give_back(&started(&tried, minute(2)), minute(3));
    assert_eq!(run.state, RunState::Waiting { ready_at: minute(3) });
    let stage = &run.stages[0];
    assert_eq!((stage.status, stage.attempts), (StageStatus::Pending, 1));
    assert_eq!((stage.reason.as_deref(), stage.finished_at), (Some("busy"), None));
    assert_eq!(run.stages[1], begun().stages[1]);
    let failed = after(&begun(), &Outcome::Failed("gone".to_owned()), minute(1));
    for run in [begun(), tried, failed] {
        assert_eq!(give_back(&run, minute(9)), run, "nobody works on it");
    }
}

#[test]
fn a_stage_that_was_given_back_and_may_not_be_tried_any_more_says_why() {
    // Its first worker died, the second one gave it back, and since then a stage may be tried only once.
    let run = give_back(&started(&started(&begun(), minute(1)), minute(2)), minute(2));
    let once = Retry { attempts: 1, ..Retry::default() };
    let Start::Exhausted(run) = start(&run, minute(3), &once) else { panic!("it was started once") };
    assert_eq!(violated(&run, &once), Vec::<&str>::new());
    let died = "its worker ended without a word at attempt 1, the last one";
    assert_eq!(run.stages[0].reason.as_deref(), Some(died));
}

#[test]
fn a_run_can_be_claimed_when_it_is_ready_and_in_nobodys_hands() {
    let waits = Run { state: RunState::Waiting { ready_at: minute(5) }, ..begun() };
    assert_eq!(waits.ready_at(None), Some(minute(5)));
    assert_eq!(waits.ready_at(Some(minute(3))), Some(minute(5)));
    assert_eq!(waits.ready_at(Some(minute(7))), Some(minute(7)));
    let works = started(&begun(), minute(1));
    assert_eq!(works.ready_at(None), Some(minute(1)));
    assert_eq!(works.ready_at(Some(minute(3))), Some(minute(3)));
    let done = after(&after(&begun(), &Outcome::Done, minute(1)), &Outcome::Done, minute(1));
    let failed = after(&begun(), &Outcome::Failed("gone".to_owned()), minute(1));
    assert_eq!((done.ready_at(None), failed.ready_at(Some(minute(3)))), (None, None));
}

#[test]
fn a_run_stands_still_since_it_failed_or_could_have_been_taken_up() {
    let stuck = |run: &Run, claimed_until, now| run.stuck_since(claimed_until, now);
    let waits = begun();
    assert_eq!(stuck(&waits, None, minute(0)), None);
    assert_eq!(stuck(&waits, None, minute(0) + JUST), Some(minute(0)));
    assert_eq!(stuck(&waits, Some(minute(3)), minute(3)), None, "it is in hand");
    assert_eq!(stuck(&waits, Some(minute(3)), minute(3) + JUST), Some(minute(3)));
    let later = Run { state: RunState::Waiting { ready_at: minute(5) }, ..begun() };
    assert_eq!(stuck(&later, Some(minute(3)), minute(5)), None, "its time has not come");
    assert_eq!(stuck(&later, Some(minute(3)), minute(6)), Some(minute(5)));
    let works = started(&begun(), minute(1));
    assert_eq!(stuck(&works, Some(minute(3)), minute(2)), None);
    assert_eq!(stuck(&works, Some(minute(3)), minute(4)), Some(minute(3)));
    assert_eq!(stuck(&works, None, minute(4)), Some(minute(1)), "nobody has it in hand");
    let done = after(&after(&begun(), &Outcome::Done, minute(1)), &Outcome::Done, minute(1));
    assert_eq!(stuck(&done, None, minute(9)), None);
    let failed = after(&begun(), &Outcome::Failed("gone".to_owned()), minute(1));
    assert_eq!(stuck(&failed, Some(minute(9)), minute(1)), Some(minute(1)));
}

#[test]
fn the_words_for_how_things_stand_are_those_that_are_stored() {
    for status in StageStatus::ALL {
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        assert_eq!(status.to_string(), status.as_str());
        assert_eq!(status.is_past(), matches!(status.as_str(), "done" | "skipped"));
    }
    use TranscriptStatus::{Ended, Error, Idle, Processing, Uploaded};
    for status in [Idle, Uploaded, Processing, Ended, Error] {
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
    }
}

#[test]
fn a_stage_that_is_not_there_is_named_with_those_that_are() {
    let no_such = restart(&begun(), RestartAt::Stage("title"), &STAGES, minute(1)).unwrap_err();
    assert_eq!(no_such, NoSuchStage { name: "title".to_owned(), stages: "fetch, publish".to_owned() });
    assert_eq!(no_such.to_string(), "there is no stage title: use one of fetch, publish");
}

#[test]
fn waits_are_spread_and_end_at_the_longest_however_short_the_first_is() {
    let tiny = Retry { attempts: 99, first: Duration::from_millis(1), longest: Duration::from_secs(1_800) };
    assert_eq!(tiny.wait_after(60, 0).max(tiny.longest), tiny.wait_after(60, 0));
    let retry = Retry { first: Duration::from_secs(128), longest: Duration::from_secs(4_096), ..tiny };
    let waits: std::collections::BTreeSet<_> = (0..64).map(|seed| retry.wait_after(1, seed)).collect();
    let all: Vec<_> = (0..32).map(|more| Duration::from_secs(128 + more)).collect();
    assert_eq!(waits.into_iter().collect::<Vec<_>>(), all);
}
