//! Claims, and what is written under them.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Desk, claim, unchanged, worked};
use crate::ids::TranscriptId;
use crate::pipeline::{Outcome, Retry, RunState, Start, Transcript, start};
use crate::recording::{Recording, RecordingStatus};
use crate::store::{ClaimRuns, Committed, LoadedRecording, RunBeat, RunCommit, StageProgress, StoreError};
use crate::testing::sample::{at, recording_id, transcript_id};
use crate::testing::store_suite::{RACERS, RACES};

pub async fn a_run_is_claimed_by_one_worker_at_a_time(desk: &Desk) -> Result<(), StoreError> {
    for (n, seconds) in [(1, 30), (2, 10), (3, 20), (4, 99)] {
        desk.begun(n, seconds).await?;
    }
    assert_eq!(desk.claimed(9, 10).await?, Vec::<u128>::new(), "none is ready");
    assert_eq!(desk.claimed(30, 2).await?, [2, 3], "the longest-waiting first");
    assert_eq!(desk.claimed(31, 10).await?, [1]);
    assert_eq!(desk.claimed(32, 10).await?, Vec::<u128>::new());
    let only = ClaimRuns { only: Some(transcript_id(4)), ..claim(99, 10) };
    let before = desk.loaded(4).await?;
    let claimed = desk.claim_runs(only).await?;
    assert_eq!(claimed, [desk.loaded(4).await?], "what is given out is what is kept");
    assert_eq!(claimed[0].claimed_until, Some(at(109)));
    assert!(claimed[0].version > before.version);
    assert_eq!(desk.claim_runs(only).await?, []);

    let done = ["fetch", "transcribe", "publish"]
        .iter()
        .fold(before.transcript, |transcript, _| worked(&transcript, &Outcome::Done, 100));
    assert!(matches!(done.run.state, RunState::Done { .. }));
    let commit = RunCommit { transcript: done, ..unchanged(&claimed[0]) };
    assert_eq!(desk.commit_run(commit).await?, Committed::Stored);
    assert_eq!(desk.claim_runs(ClaimRuns { now: at(900), ..only }).await?, [], "it is over");

    for race in 0..RACES {
        for n in 0..4 {
            desk.begun(1_000 + 10 * race + n, 1_000).await?;
        }
        let seconds = 1_000 + 100 * u64::from(race);
        let claimed = desk.race(|_, store| async move { store.claim_runs(claim(seconds, 1)).await }).await?;
        let mut ids: Vec<TranscriptId> =
            claimed.into_iter().flatten().map(|loaded| loaded.transcript.id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "one was given to two");
        assert!(count >= 4, "those that are ready are given out: {count}");
    }
    Ok(())
}

pub async fn a_run_whose_claim_runs_out_is_given_to_another(desk: &Desk) -> Result<(), StoreError> {
    desk.begun(1, 10).await?;
    let first = desk.claim_runs(claim(20, 10)).await?.remove(0);
    assert_eq!(desk.claimed(29, 10).await?, Vec::<u128>::new());
    let second = desk.claim_runs(claim(30, 10)).await?.remove(0);
    assert!(second.version > first.version);
    // So is one whose stage was started.
    let Start::Stage(run, _) = start(&second.transcript.run, at(30), &Retry::default()) else {
        panic!("it is ready")
    };
    let started = Transcript { run, ..second.transcript.clone() };
    let commit = RunCommit { transcript: started, claimed_until: Some(at(45)), ..unchanged(&second) };
    assert_eq!(desk.commit_run(commit).await?, Committed::Stored);
    assert_eq!(desk.claimed(44, 10).await?, Vec::<u128>::new());
    assert_eq!(desk.claimed(45, 10).await?, [1]);
    Ok(())
}

pub async fn a_heartbeat_keeps_a_claim(desk: &Desk) -> Result<(), StoreError> {
    desk.begun(1, 10).await?;
    let mine = desk.claim_runs(claim(20, 10)).await?.remove(0);
    let beat = |id, version, until, progress| {
        desk.beat_run(RunBeat { id: transcript_id(id), version, until: at(until), progress })
    };
    assert_eq!(mine.progress, None);
    let progress = Some(StageProgress { done: 7, of: u64::from(u32::MAX) * 2 });
    assert!(beat(1, mine.version, 60, progress).await?);
    let kept = desk.loaded(1).await?;
    assert_eq!((kept.claimed_until, kept.progress), (Some(at(60)), progress));
    assert_eq!(desk.claimed(59, 10).await?, Vec::<u128>::new());
    assert_eq!(desk.loaded(1).await?.version, mine.version, "a sign of life is no change");
    let theirs = desk.claim_runs(claim(60, 10)).await?.remove(0);
    assert_eq!(theirs.progress, None, "it was of another hand");
    assert!(!beat(1, mine.version, 90, progress).await?);
    assert_eq!(desk.loaded(1).await?, theirs);
    assert!(!beat(9, 1, 90, None).await?, "there is none");
    assert!(beat(1, theirs.version, 95, progress).await?);
    assert_eq!(desk.commit_run(unchanged(&theirs)).await?, Committed::Stored);
    assert_eq!(desk.loaded(1).await?.progress, None, "of the stage before");
    assert!(!beat(1, theirs.version + 1, 99, None).await?, "it is in nobody's hands");

    // What waits goes on waiting, and what is over is over, in whoever's hands it is.
    let again = Outcome::Again { reason: "busy".to_owned(), after: Some(Duration::from_secs(500)) };
    for (n, outcome) in [(2, again), (3, Outcome::Failed("gone".to_owned()))] {
        let begun = desk.begun(n, 10).await?;
        let transcript = worked(&begun.transcript, &outcome, 20);
        let commit = RunCommit { transcript, claimed_until: Some(at(30)), ..unchanged(&begun) };
        assert_eq!(desk.commit_run(commit).await?, Committed::Stored);
        assert!(beat(n, begun.version + 1, 40, None).await?);
        let only = ClaimRuns { only: Some(transcript_id(n)), ..claim(50, 1) };
        assert_eq!(desk.claim_runs(only).await?, []);
    }
    Ok(())
}

pub async fn a_lost_claim_commits_nothing(desk: &Desk) -> Result<(), StoreError> {
    desk.begun(1, 10).await?;
    let mine = desk.claim_runs(claim(20, 10)).await?.remove(0);
    let theirs = desk.claim_runs(claim(30, 10)).await?.remove(0);
    let transcript = worked(&mine.transcript, &Outcome::Done, 31);
    let commit = RunCommit {
        transcript,
        made: Some(("fetch".to_owned(), "{}".to_owned())),
        recording: Some((RecordingStatus::Completed, None)),
        ..unchanged(&mine)
    };
    assert_eq!(desk.commit_run(commit.clone()).await?, Committed::Conflict);
    assert_eq!(desk.loaded(1).await?, theirs);
    assert_eq!(desk.made(transcript_id(1)).await?, BTreeMap::new());
    assert_eq!(desk.recording(1).await?.recording.status, RecordingStatus::Processing);
    for _ in 0..RACES {
        let from = desk.loaded(1).await?;
        let answers = desk
            .race(|_, store| {
                let commit = unchanged(&from);
                async move { store.commit_run(commit).await }
            })
            .await?;
        let stored = answers.iter().filter(|answer| **answer == Committed::Stored).count();
        assert_eq!((stored, answers.len()), (1, RACERS as usize), "{answers:?}");
    }
    // What is begun anew under the id of one that was deleted is not taken for that.
    let mine = desk.loaded(1).await?;
    assert!(desk.delete_transcript(transcript_id(1)).await?);
    let recording = desk.recording(1).await?;
    assert_eq!(desk.begin(&recording, &mine.transcript, None).await?, Committed::Stored);
    while desk.loaded(1).await?.version < mine.version {
        let anew = desk.loaded(1).await?;
        assert_eq!(desk.commit_run(unchanged(&anew)).await?, Committed::Stored);
    }
    assert_eq!(desk.commit_run(unchanged(&mine)).await?, Committed::Conflict);
    Ok(())
}

pub async fn a_commit_of_a_run_changes_everything_or_nothing(desk: &Desk) -> Result<(), StoreError> {
    let loaded = desk.begun(1, 10).await?;
    let recording = desk.recording(1).await?;
    let transcript = worked(&loaded.transcript, &Outcome::Failed("no audio track".to_owned()), 20);
    let commit = RunCommit {
        transcript: transcript.clone(),
        claimed_until: Some(at(30)),
        made: Some(("fetch".to_owned(), "[1]".to_owned())),
        recording: Some((RecordingStatus::Failed, Some("fetch: no audio track".to_owned()))),
        ..unchanged(&loaded)
    };
    assert_eq!(desk.commit_run(commit).await?, Committed::Stored);
    let after = desk.loaded(1).await?;
    assert_eq!((after.transcript, after.claimed_until), (transcript, Some(at(30))));
    assert_eq!(after.version, loaded.version + 1);
    assert_eq!(desk.made(transcript_id(1)).await?, BTreeMap::from([("fetch".to_owned(), "[1]".to_owned())]));
    let failed = desk.recording(1).await?;
    let error = Some("fetch: no audio track".to_owned());
    assert_eq!(failed.recording, Recording { status: RecordingStatus::Failed, error, ..recording.recording });
    assert!(failed.version > recording.version);

    // What is dropped goes with the same write.
    let after = desk.loaded(1).await?;
    let commit = RunCommit {
        dropped: vec!["fetch".to_owned(), "never made".to_owned()],
        made: Some(("transcribe".to_owned(), "[2]".to_owned())),
        ..unchanged(&after)
    };
    assert_eq!(desk.commit_run(commit).await?, Committed::Stored);
    let made = desk.made(transcript_id(1)).await?;
    assert_eq!(made, BTreeMap::from([("transcribe".to_owned(), "[2]".to_owned())]));

    // A recording that was queued again meanwhile, or given to another meeting, goes on waiting for its run.
    let LoadedRecording { recording, version } = desk.recording(1).await?;
    let queued = Recording { status: RecordingStatus::Pending, error: None, ..recording };
    assert_eq!(desk.recordings.commit_recording(version, &queued, None).await?, Committed::Stored);
    let waits = desk.recording(1).await?;
    let after = desk.loaded(1).await?;
    let commit = RunCommit { recording: Some((RecordingStatus::Completed, None)), ..unchanged(&after) };
    assert_eq!(desk.commit_run(commit).await?, Committed::Stored);
    assert_eq!(desk.recording(1).await?, waits);
    assert_eq!(desk.awaiting(10).await?, [waits]);

    // One that was deleted stays deleted.
    desk.recordings.delete_recording(recording_id(1), at(40)).await?;
    let after = desk.loaded(1).await?;
    let commit = RunCommit { recording: Some((RecordingStatus::Completed, None)), ..unchanged(&after) };
    assert_eq!(desk.commit_run(commit).await?, Committed::Stored);
    assert_eq!(desk.recordings.load_recording(recording_id(1)).await?, None);
    Ok(())
}
