//! What outlives a process.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use super::{Desk, DurableTranscripts, unchanged, worked};
use crate::pipeline::Outcome;
use crate::store::{RunCommit, StoreError};
use crate::testing::sample::{at, transcript_id};

pub async fn transcripts_are_there_after_reopening(
    harness: &impl DurableTranscripts,
) -> Result<(), StoreError> {
    let desk = Desk::new(harness, |_| panic!("nobody races in this case"));
    desk.begun(1, 10).await?;
    desk.begun(2, 20).await?;
    let first = desk.loaded(1).await?;
    let made = Some(("fetch".to_owned(), "[ 1 ]".to_owned()));
    let transcript = worked(&first.transcript, &Outcome::Skipped("no endpoint".to_owned()), 30);
    desk.commit_run(RunCommit { transcript, made, ..unchanged(&first) }).await?;
    assert_eq!(desk.claimed(25, 1).await?, [2]);
    let before = [desk.loaded(1).await?, desk.loaded(2).await?];
    drop(desk);
    let reopened = harness.reopen_transcripts().await;
    for loaded in before {
        assert_eq!(reopened.load_transcript(loaded.transcript.id).await?, Some(loaded));
    }
    assert_eq!(reopened.made(transcript_id(1)).await?.get("fetch").map(String::as_str), Some("[ 1 ]"));
    assert_eq!(reopened.next_run().await?, Some(at(30)));
    Ok(())
}
