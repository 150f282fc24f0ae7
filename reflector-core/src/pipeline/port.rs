//! The port to what a pipeline's stages do.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Transcript;

/// Makes transcripts of recordings, stage by stage. Names of stages are stored: one that was used is not given to
/// another stage.
///
/// # Contract
///
/// 1. `every_stage_has_a_name_of_its_own`
/// 2. `a_run_comes_to_its_end`: each stage, in order, is done or says why it is skipped.
/// 3. `a_stage_that_is_repeated_makes_the_same`: what a worker that died had done already does not matter.
/// 4. `a_stage_that_is_dropped_anywhere_can_be_done_again`: at each of its awaits.
/// 5. `failing_before_any_stage_leads_to_the_same_end`
#[async_trait]
pub trait Pipeline: Send + Sync + Debug + 'static {
    /// The names of its stages, in order.
    fn stages(&self) -> &[&'static str];

    /// Does one of its stages. It may be done again after it was dropped in the middle, by this process or another one.
    async fn work(&self, stage: &str, inputs: Inputs<'_>) -> Result<Made, StageError>;
}

/// What a stage works with.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The transcript that it is for.
    pub transcript: &'a Transcript,
    /// What earlier stages made, by their names. What was skipped is not among it.
    pub made: &'a BTreeMap<String, Value>,
    /// Whom to tell how far it is.
    pub progress: &'a dyn Progress,
}

impl Inputs<'_> {
    /// What an earlier stage made, if it made something.
    ///
    /// # Errors
    ///
    /// [`StageError::Failed`] when it made something else than is wanted here.
    pub fn made_by<T: DeserializeOwned>(&self, stage: &str) -> Result<Option<T>, StageError> {
        let Some(made) = self.made.get(stage) else { return Ok(None) };
        T::deserialize(made).map(Some).map_err(|error| {
            StageError::Failed(format!(
                "what the stage {stage} made cannot be used ({error}): do it again from there"
            ))
        })
    }
}

/// Is told how far a stage is.
pub trait Progress: Send + Sync + Debug {
    /// So many parts of so many are done.
    fn is_at(&self, done: u64, of: u64);
}

/// Nobody looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unseen;

impl Progress for Unseen {
    fn is_at(&self, _: u64, _: u64) {}
}

/// What a stage came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// It is done, and made this.
    Output(Value),
    /// It is done, made this, and what these earlier stages made may be kept no longer.
    Erasing {
        /// What it made.
        output: Value,
        /// Whose output goes, by their names.
        erased: Vec<String>,
    },
    /// It is left out, for this reason.
    Skipped(String),
}

/// A stage could not be done. The variants are what is done about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// It is tried again.
    #[error("{reason}")]
    Again {
        /// What went wrong, without secrets.
        reason: String,
        /// How long to wait at least, if that is known.
        after: Option<Duration>,
    },
    /// It will never go better: the run has failed, and this is told to whoever looks.
    #[error("{0}")]
    Failed(String),
}

impl StageError {
    /// It may go better another time.
    pub fn again(reason: impl Into<String>) -> Self {
        Self::Again { reason: reason.into(), after: None }
    }

    /// It will never go better.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(reason.into())
    }
}
