//! The suite that every [`TranscriptStore`] passes: one case for each sentence of its contract, under its name.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

mod claims;
mod reopening;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::recording_suite::RecordingHarness;
use super::store_suite::{RACERS, RACES, Spawn, World};
use crate::ids::{RecordingId, UserId};
use crate::pipeline::{Outcome, Retry, Start, Transcript, advance, start};
use crate::recording::{Recording, RecordingStatus};
use crate::room::Room;
use crate::store::{
    ClaimRuns, Committed, LoadedRecording, LoadedTranscript, Paging, RecordingStore, RunCommit, Store,
    StoreError, TranscriptStore, Viewer, WhichTranscripts,
};
use crate::testing::sample::{
    self, at, pending_recording, recording, recording_id, transcript, transcript_id,
};

pub use claims::{
    a_commit_of_a_run_changes_everything_or_nothing, a_heartbeat_keeps_a_claim, a_lost_claim_commits_nothing,
    a_run_is_claimed_by_one_worker_at_a_time, a_run_whose_claim_runs_out_is_given_to_another,
};

pub use reopening::transcripts_are_there_after_reopening;

/// Holds on to a store of transcripts, and the recordings and meetings beside it, all empty at first.
pub trait TranscriptHarness: RecordingHarness {
    /// The transcripts.
    fn transcripts(&self) -> Arc<dyn TranscriptStore>;
}

impl<S: Store + RecordingStore + TranscriptStore> TranscriptHarness for Arc<S> {
    fn transcripts(&self) -> Arc<dyn TranscriptStore> {
        Self::clone(self)
    }
}

/// Holds on to a store of transcripts that outlives its process.
#[async_trait]
pub trait DurableTranscripts: TranscriptHarness {
    /// The same data through a new handle, as the next process would open it.
    async fn reopen_transcripts(&self) -> Arc<dyn TranscriptStore>;
}

/// The suite for a store of transcripts, as one test for each sentence of the port's contract.
///
/// It takes an async function that gives a fresh, empty store behind an `Arc` that also keeps recordings and meetings,
/// or a [`TranscriptHarness`](crate::testing::transcript_suite::TranscriptHarness). `durable` after it adds the case
/// `transcripts_are_there_after_reopening`, for
/// [`DurableTranscripts`](crate::testing::transcript_suite::DurableTranscripts).
#[macro_export]
macro_rules! transcript_suite {
    ($make:expr) => {
        $crate::transcript_suite! { @cases tests ($make) }
    };
    ($make:expr, durable) => {
        $crate::transcript_suite! { @cases tests ($make) }

        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn transcripts_are_there_after_reopening() -> ::core::result::Result<(), $crate::store::StoreError> {
            let harness = $make().await;
            $crate::testing::transcript_suite::transcripts_are_there_after_reopening(&harness).await
        }
    };
    (@cases $what:tt $with:tt) => {
        $crate::transcript_suite! { @$what $with
            recordings_that_wait_for_a_run_are_found_oldest_first
            a_run_begins_with_its_recording
            a_recording_has_one_transcript
            a_run_is_claimed_by_one_worker_at_a_time
            a_run_whose_claim_runs_out_is_given_to_another
            a_heartbeat_keeps_a_claim
            a_lost_claim_commits_nothing
            a_commit_of_a_run_changes_everything_or_nothing
            what_stages_made_is_kept_to_the_byte
            the_next_ready_instant_is_told
            transcripts_are_listed_newest_first_in_pages
            a_deleted_transcript_is_gone
        }
    };
    (@tests ($make:expr) $($case:ident)*) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() -> ::core::result::Result<(), $crate::store::StoreError> {
                let harness = $make().await;
                let desk = $crate::testing::transcript_suite::Desk::new(&harness, |task| {
                    ::tokio::spawn(task);
                });
                $crate::testing::transcript_suite::$case(&desk).await
            }
        )*
    };
    (@names () $($case:ident)*) => {
        &[$(stringify!($case)),*]
    };
}

/// The names of the cases.
pub const CASES: &[&str] = crate::transcript_suite!(@cases names ());

/// What a case runs in: transcripts, and what they are of.
#[derive(Debug)]
pub struct Desk {
    used: AtomicU32,
    pub(super) meetings: World,
    pub(super) recordings: Arc<dyn RecordingStore>,
    transcripts: Arc<dyn TranscriptStore>,
}

impl Desk {
    /// A world around the stores of a harness.
    pub fn new(harness: &impl TranscriptHarness, spawn: Spawn) -> Self {
        Self {
            used: AtomicU32::new(0),
            meetings: World::of(harness.meetings(), spawn),
            recordings: harness.recordings(),
            transcripts: harness.transcripts(),
        }
    }

    /// Lets several loose on the transcripts at the same instant.
    pub(super) async fn race<T, F>(
        &self,
        task: impl Fn(u32, Arc<dyn TranscriptStore>) -> F,
    ) -> Result<Vec<T>, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        self.meetings.race(|n, _| task(n, Arc::clone(&self.transcripts))).await
    }

    /// A number that no recording of this world has, of those that are counted from the end.
    pub(super) fn fresh(&self) -> u32 {
        u32::MAX - self.used.fetch_add(1, Ordering::Relaxed)
    }

    /// Keeps a recording with this number that waits for a run.
    async fn recorded(&self, n: u32) -> Result<LoadedRecording, StoreError> {
        self.recordings.take_in(vec![pending_recording(n, u64::from(n))]).await?;
        self.recording(n).await
    }

    async fn recording(&self, n: u32) -> Result<LoadedRecording, StoreError> {
        Ok(self.recordings.load_recording(recording_id(n)).await?.expect("it was kept"))
    }

    /// Begins the run of a recording with this number, which is kept first, so many seconds into the story.
    pub(super) async fn begun(&self, n: u32, seconds: u64) -> Result<LoadedTranscript, StoreError> {
        let recorded = processing(self.recorded(n).await?);
        assert_eq!(self.begin(&recorded, &transcript(n, seconds), None).await?, Committed::Stored);
        self.loaded(n).await
    }

    async fn loaded(&self, n: u32) -> Result<LoadedTranscript, StoreError> {
        Ok(self.load_transcript(transcript_id(n)).await?.expect("the transcript is there"))
    }

    /// The numbers of the runs that are claimed now, for ten seconds.
    async fn claimed(&self, seconds: u64, limit: usize) -> Result<Vec<u128>, StoreError> {
        let claimed = self.claim_runs(claim(seconds, limit)).await?;
        Ok(claimed.iter().map(|loaded| number(&loaded.transcript)).collect())
    }
}

impl Deref for Desk {
    type Target = dyn TranscriptStore;
    fn deref(&self) -> &Self::Target {
        &*self.transcripts
    }
}

fn processing(loaded: LoadedRecording) -> LoadedRecording {
    let recording = Recording { status: RecordingStatus::Processing, ..loaded.recording };
    LoadedRecording { recording, version: loaded.version }
}

fn claim(seconds: u64, limit: usize) -> ClaimRuns {
    ClaimRuns { now: at(seconds), until: at(seconds + 10), limit, only: None }
}

fn number(transcript: &Transcript) -> u128 {
    transcript.id.0.as_u128() & 0xFFFF_FFFF
}

/// A commit that changes nothing, and lets go of the run.
pub(super) fn unchanged(loaded: &LoadedTranscript) -> RunCommit {
    RunCommit {
        expected: loaded.version,
        transcript: loaded.transcript.clone(),
        claimed_until: None,
        made: None,
        dropped: Vec::new(),
        recording: None,
        notices: Vec::new(),
    }
}

/// The transcript after its next stage came to this.
fn worked(transcript: &Transcript, outcome: &Outcome, seconds: u64) -> Transcript {
    let retry = Retry::default();
    let Start::Stage(run, _) = start(&transcript.run, at(seconds), &retry) else { panic!("it is ready") };
    Transcript { run: advance(&run, outcome, at(seconds), &retry, 7), ..transcript.clone() }
}

fn all(viewer: Viewer) -> WhichTranscripts {
    WhichTranscripts { viewer, room: None, unfinished: false }
}

fn whole() -> Paging {
    Paging { offset: 0, limit: 100 }
}

pub async fn recordings_that_wait_for_a_run_are_found_oldest_first(desk: &Desk) -> Result<(), StoreError> {
    let batch = vec![
        pending_recording(1, 30),
        pending_recording(2, 10),
        recording(3, 5),
        pending_recording(4, 20),
        pending_recording(5, 40),
    ];
    desk.recordings.take_in(batch).await?;
    desk.recordings.delete_recording(recording_id(4), at(50)).await?;
    let ids = async |limit| {
        let awaiting = desk.awaiting(limit).await?;
        for loaded in &awaiting {
            assert_eq!(Some(loaded), desk.recordings.load_recording(loaded.recording.id).await?.as_ref());
        }
        Ok::<_, StoreError>(awaiting.iter().map(|loaded| loaded.recording.id).collect::<Vec<RecordingId>>())
    };
    assert_eq!(ids(10).await?, [2, 1, 5].map(recording_id));
    assert_eq!(ids(2).await?, [2, 1].map(recording_id));
    let second = processing(desk.recording(2).await?);
    desk.begin(&second, &transcript(2, 60), None).await?;
    assert_eq!(ids(10).await?, [1, 5].map(recording_id));
    Ok(())
}

pub async fn a_run_begins_with_its_recording(desk: &Desk) -> Result<(), StoreError> {
    assert_eq!(desk.load_transcript(transcript_id(1)).await?, None);
    assert_eq!(desk.transcript_of(recording_id(1)).await?, None);
    let recorded = desk.recorded(1).await?;
    let kept = transcript(1, 10);
    assert_eq!(desk.begin(&processing(recorded.clone()), &kept, None).await?, Committed::Stored);
    let loaded = desk.loaded(1).await?;
    assert_eq!((&loaded.transcript, loaded.claimed_until), (&kept, None));
    assert_eq!(desk.transcript_of(recording_id(1)).await?, Some(loaded.clone()));
    let after = desk.recording(1).await?;
    assert_eq!(after.recording.status, RecordingStatus::Processing);
    assert!(after.version > recorded.version, "whoever read it before is outdated");

    assert_eq!(
        desk.begin(&processing(recorded), &transcript(1, 20), Some(loaded.version)).await?,
        Committed::Conflict
    );
    assert_eq!(desk.loaded(1).await?, loaded);
    let nowhere = LoadedRecording { recording: pending_recording(9, 9), version: 1 };
    assert_eq!(desk.begin(&nowhere, &transcript(9, 20), None).await?, Committed::Conflict);
    assert_eq!(desk.load_transcript(transcript_id(9)).await?, None);

    for race in 1..=RACES {
        let recorded = processing(desk.recorded(100 * race).await?);
        let answers = desk
            .race(|n, store| {
                let recorded = recorded.clone();
                let own = Transcript { id: transcript_id(1_000 * race + n), ..transcript(100 * race, 10) };
                async move { store.begin(&recorded, &own, None).await }
            })
            .await?;
        let stored = answers.iter().filter(|answer| **answer == Committed::Stored).count();
        assert_eq!((stored, answers.len()), (1, RACERS as usize), "{answers:?}");
    }
    Ok(())
}

pub async fn a_recording_has_one_transcript(desk: &Desk) -> Result<(), StoreError> {
    let first = desk.begun(1, 10).await?;
    let commit = RunCommit { made: Some(("fetch".to_owned(), "1".to_owned())), ..unchanged(&first) };
    assert_eq!(desk.commit_run(commit).await?, Committed::Stored);
    let outdated = desk.loaded(1).await?;
    let again = Transcript { created_at: first.transcript.created_at, ..transcript(1, 50) };
    let recorded = processing(desk.recording(1).await?);
    for over in [None, Some(first.version)] {
        assert_eq!(desk.begin(&recorded, &again, over).await?, Committed::Conflict, "it was written since");
    }
    assert_eq!(desk.made(transcript_id(1)).await?.len(), 1);
    assert_eq!(desk.begin(&recorded, &again, Some(outdated.version)).await?, Committed::Stored);
    assert_eq!(desk.loaded(1).await?.transcript, again);
    assert_eq!(desk.made(transcript_id(1)).await?, BTreeMap::new(), "what was made is dropped");
    assert_eq!(desk.commit_run(unchanged(&outdated)).await?, Committed::Conflict);
    let (recording, another) =
        (desk.recording(1).await?, Transcript { id: transcript_id(2), ..again.clone() });
    let over = Some(desk.loaded(1).await?.version);
    assert_eq!(desk.begin(&recording, &another, over).await?, Committed::Conflict);
    assert_eq!((desk.recording(1).await?, desk.loaded(1).await?.transcript), (recording, again));
    assert_eq!(desk.list_transcripts(&all(Viewer::Operator), whole()).await?.total, 1);
    Ok(())
}

pub async fn what_stages_made_is_kept_to_the_byte(desk: &Desk) -> Result<(), StoreError> {
    let long = "ä".repeat(400_000);
    let texts = [
        ("fetch", "{\"b\": 1,  \"a\":\t[1.0, 1e3, 9007199254740993]}"),
        ("Ünïcode stage", "\"\\u0000 🦀 'quoted'\""),
        ("long", long.as_str()),
        ("fetch", "{ }"),
    ];
    desk.begun(1, 10).await?;
    for (stage, text) in texts {
        let loaded = desk.loaded(1).await?;
        let commit = RunCommit { made: Some((stage.to_owned(), text.to_owned())), ..unchanged(&loaded) };
        assert_eq!(desk.commit_run(commit).await?, Committed::Stored);
        assert_eq!(desk.made(transcript_id(1)).await?.get(stage).map(String::as_str), Some(text));
    }
    assert_eq!(
        desk.made(transcript_id(1)).await?.len(),
        3,
        "what a stage made again stands for what it made"
    );
    assert_eq!(desk.made(transcript_id(2)).await?, BTreeMap::new());
    Ok(())
}

pub async fn the_next_ready_instant_is_told(desk: &Desk) -> Result<(), StoreError> {
    assert_eq!(desk.next_run().await?, None);
    desk.begun(1, 30).await?;
    desk.begun(2, 20).await?;
    assert_eq!(desk.next_run().await?, Some(at(20)));
    assert_eq!(desk.claimed(25, 1).await?, [2]);
    assert_eq!(desk.next_run().await?, Some(at(30)));
    assert_eq!(desk.claimed(30, 1).await?, [1]);
    assert_eq!(desk.next_run().await?, Some(at(35)), "the end of the first claim");
    let second = desk.loaded(2).await?;
    let again = Outcome::Again { reason: "busy".to_owned(), after: Some(Duration::from_secs(500)) };
    let waiting = worked(&second.transcript, &again, 32);
    desk.commit_run(RunCommit { transcript: waiting, ..unchanged(&second) }).await?;
    assert_eq!(desk.next_run().await?, Some(at(40)));
    let first = desk.loaded(1).await?;
    let failed = worked(&first.transcript, &Outcome::Failed("gone".to_owned()), 33);
    desk.commit_run(RunCommit { transcript: failed, ..unchanged(&first) }).await?;
    assert_eq!(desk.next_run().await?, Some(at(532)));
    Ok(())
}

pub async fn transcripts_are_listed_newest_first_in_pages(desk: &Desk) -> Result<(), StoreError> {
    let room = |n, owner: &str| Room { owner: UserId::from(owner), is_shared: true, ..sample::room(n) };
    for (n, owner, seconds) in [(1, "ada", 10), (2, "bob", 30), (3, "ada", 20), (4, "ada", 20)] {
        desk.meetings.create_room(room(n, owner)).await?;
        desk.begun(n, seconds).await?;
    }
    let fourth = desk.loaded(4).await?;
    let failed = worked(&fourth.transcript, &Outcome::Failed("gone".to_owned()), 40);
    desk.commit_run(RunCommit { transcript: failed, ..unchanged(&fourth) }).await?;
    let numbers = async |which: &WhichTranscripts, paging| {
        let page = desk.list_transcripts(which, paging).await?;
        for item in &page.items {
            assert_eq!(Some(item), desk.load_transcript(item.transcript.id).await?.as_ref());
        }
        let numbers: Vec<_> = page.items.iter().map(|item| number(&item.transcript)).collect();
        Ok::<_, StoreError>((numbers, page.total))
    };
    let operator = all(Viewer::Operator);
    assert_eq!(
        numbers(&operator, whole()).await?,
        (vec![2, 4, 3, 1], 4),
        "of one instant the highest id first"
    );
    assert_eq!(numbers(&operator, Paging { offset: 1, limit: 2 }).await?, (vec![4, 3], 4));
    let unfinished = WhichTranscripts { unfinished: true, ..operator.clone() };
    assert_eq!(numbers(&unfinished, whole()).await?, (vec![2, 3, 1], 3));
    let of_room = WhichTranscripts { room: Some(sample::room(3).id), ..operator };
    assert_eq!(numbers(&of_room, whole()).await?, (vec![3], 1));
    for (user, seen) in [("ada", vec![4, 3, 1]), ("bob", vec![2]), ("eve", vec![])] {
        let total = seen.len() as u64;
        assert_eq!(numbers(&all(Viewer::User(UserId::from(user))), whole()).await?, (seen, total), "{user}");
    }
    desk.meetings.delete_room(sample::room(2).id, at(50)).await?;
    let of_bob = all(Viewer::User(UserId::from("bob")));
    assert_eq!(numbers(&of_bob, whole()).await?, (vec![], 0), "the room is gone");
    Ok(())
}

pub async fn a_deleted_transcript_is_gone(desk: &Desk) -> Result<(), StoreError> {
    assert!(!desk.delete_transcript(transcript_id(1)).await?);
    let loaded = desk.begun(1, 10).await?;
    let made = Some(("fetch".to_owned(), "1".to_owned()));
    desk.commit_run(RunCommit { made, ..unchanged(&loaded) }).await?;
    let loaded = desk.loaded(1).await?;
    assert!(desk.delete_transcript(transcript_id(1)).await?);
    assert!(!desk.delete_transcript(transcript_id(1)).await?);
    assert_eq!(desk.load_transcript(transcript_id(1)).await?, None);
    assert_eq!(desk.transcript_of(recording_id(1)).await?, None);
    assert_eq!(desk.made(transcript_id(1)).await?, BTreeMap::new());
    assert_eq!(desk.commit_run(unchanged(&loaded)).await?, Committed::Conflict);
    assert_eq!(desk.next_run().await?, None);
    assert_eq!(desk.claimed(99, 10).await?, Vec::<u128>::new());
    assert_eq!(desk.list_transcripts(&all(Viewer::Operator), whole()).await?.total, 0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CASES;
    use crate::testing::contract::sentences;

    #[test]
    fn every_sentence_of_the_contract_is_a_case_and_every_case_a_sentence() {
        assert_eq!(CASES, sentences(include_str!("../../store/transcript.rs")));
    }
}
