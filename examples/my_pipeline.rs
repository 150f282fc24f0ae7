//! A pipeline of one's own: an imaginary service writes down what is said in a recording, and the minutes go on a shelf.
//!
//! Stages, retries, leases and going on after a crash come with the library; a stage is an async function.
//! `cargo test -p reflector-examples --example my_pipeline` runs it, and the suite that checks it.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use reflector_core::TranscriptId;
use reflector_core::engine::{Runs, Worked};
use reflector_core::pipeline::{Inputs, Made, Pipeline, Retry, StageError, Unseen};
use reflector_core::store::{RecordingStore, TranscriptStore};
use reflector_core::testing::sample;
use reflector_store_memory::MemoryStore;
use serde_json::json;

/// Where minutes are put, each under its transcript: putting them there twice leaves them there once.
type Shelf = Arc<Mutex<BTreeMap<TranscriptId, String>>>;

/// Who said what.
type Said = (String, String);

#[derive(Debug)]
struct Minutes {
    shelf: Shelf,
    translate_to: Option<&'static str>,
}

impl Minutes {
    /// A real one would send the object to a service, piece by piece, and tell how far it is.
    async fn listen(&self, inputs: Inputs<'_>) -> Result<Vec<Said>, StageError> {
        let mut said = Vec::new();
        for (piece, (who, what)) in (1..).zip([("ann", "Shall we begin?"), ("ben", "Let us.")]) {
            tokio::task::yield_now().await;
            said.push((who.to_owned(), what.to_owned()));
            inputs.progress.is_at(piece, 2);
        }
        match inputs.transcript.size {
            // No other attempt would go better: the run fails at once, and says this. `StageError::again` waits.
            0 => Err(StageError::failed("the recording is empty")),
            _ => Ok(said),
        }
    }

    async fn shelve(&self, inputs: Inputs<'_>) -> Result<usize, StageError> {
        // What an earlier stage made was kept: by this process or by one that died since.
        let said: Vec<Said> = inputs.made_by("listen")?.unwrap_or_default();
        let lines: Vec<_> = said.iter().map(|(who, what)| format!("{who}: {what}")).collect();
        let count = lines.len();
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.insert(inputs.transcript.id, lines.join("\n"));
        Ok(count)
    }
}

#[async_trait]
impl Pipeline for Minutes {
    fn stages(&self) -> &[&'static str] {
        &["listen", "translate", "shelve"]
    }

    async fn work(&self, stage: &str, inputs: Inputs<'_>) -> Result<Made, StageError> {
        Ok(match stage {
            "listen" => Made::Output(json!(self.listen(inputs).await?)),
            "translate" if self.translate_to.is_none() => Made::Skipped("no language is set".to_owned()),
            "translate" => return Err(StageError::failed("we speak no other language")),
            _ => Made::Output(json!({ "lines": self.shelve(inputs).await? })),
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (store, shelf) = (Arc::new(MemoryStore::new()), Shelf::default());
    let minutes = Minutes { shelf: shelf.clone(), translate_to: None };
    let runs = Runs::new(store.clone(), Arc::new(minutes), Retry::default());

    // A recording that was taken in, and belongs to a meeting, waits for a run.
    store.take_in(vec![sample::pending_recording(1, 0)]).await?;

    // A program of yours does this whenever `next_run` says so, on as many computers as it likes.
    let now = sample::at(60);
    let transcript = runs.begin_once(now).await?.transcripts[0];
    for mut claimed in runs.claim(None, 10, now).await? {
        // Beside a long stage, `beat` tells the others that this worker is alive.
        while let Worked::Next(next) = runs.work_once(claimed, &|| now, &Unseen).await? {
            claimed = *next;
        }
    }

    let loaded = store.load_transcript(transcript).await?.ok_or("it was begun")?;
    for stage in &loaded.transcript.run.stages {
        let why = stage.reason.as_deref().unwrap_or_default();
        println!("{:<10} {:<8} {why}", stage.name, stage.status.as_str());
    }
    let shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    println!("{}", shelf[&transcript]);
    assert_eq!(loaded.transcript.run.status().as_str(), "ended");
    Ok(())
}

#[cfg(test)]
mod tests {
    use reflector_core::pipeline::Transcript;
    use reflector_core::testing::pipeline_suite::PipelineHarness;

    use super::{Arc, Error, Minutes, Pipeline, Shelf, sample};

    /// What outlives a process.
    struct World(Shelf);

    impl PipelineHarness for World {
        fn pipeline(&self) -> Arc<dyn Pipeline> {
            Arc::new(Minutes { shelf: self.0.clone(), translate_to: None })
        }

        fn transcript(&self) -> Transcript {
            sample::transcript(1, 0)
        }
    }

    async fn fresh() -> World {
        World(Shelf::default())
    }

    reflector_core::pipeline_suite!(fresh);

    #[test]
    fn the_recording_of_the_example_becomes_minutes() -> Result<(), Box<dyn Error>> {
        super::main()
    }
}
