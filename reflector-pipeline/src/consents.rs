//! `consent`: who denied it, and what follows.

use std::fmt::Debug;

use async_trait::async_trait;
use reflector_core::pipeline::{StageError, Transcript};
use reflector_core::recording::ObjectVersion;
use reflector_core::{MeetingId, OnDenied};
use serde::{Deserialize, Serialize};

use crate::workdir::Workdir;

/// Knows what participants answered when they were asked for their consent, and can erase recordings.
#[async_trait]
pub trait Consents: Send + Sync + Debug + 'static {
    /// What follows for a meeting, if somebody in it denied consent. Asked before anything is sent anywhere.
    ///
    /// # Errors
    ///
    /// When it cannot be told: the stage ends, and nothing was sent.
    async fn denied(&self, meeting: MeetingId) -> Result<Option<OnDenied>, StageError>;

    /// Erases all versions of an object. One that is gone is no error.
    ///
    /// # Errors
    ///
    /// Without the right to do so [`StageError::Failed`], naming the permission.
    async fn erase(&self, object: &ObjectVersion) -> Result<(), StageError>;
}

/// Nobody is asked for consent, so nobody denies it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NobodyAsked;

#[async_trait]
impl Consents for NobodyAsked {
    async fn denied(&self, _: MeetingId) -> Result<Option<OnDenied>, StageError> {
        Ok(None)
    }

    async fn erase(&self, _: &ObjectVersion) -> Result<(), StageError> {
        Err(StageError::failed("nobody is asked for consent here, so nothing is erased for want of it"))
    }
}

/// What the stage made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consented {
    /// What followed, if somebody denied consent.
    pub denied: Option<OnDenied>,
}

impl Consented {
    /// The stages before the last one whose output shows how it sounded, or what was said as well.
    pub(crate) fn erased(self) -> Vec<String> {
        let of_audio: &[&str] = &["waveform"];
        let of_all: &[&str] = &["waveform", "transcribe", "topics", "title", "final-summaries"];
        let erased = match self.denied {
            None => &[],
            Some(OnDenied::DeleteAudio) => of_audio,
            Some(OnDenied::DeleteAll) => of_all,
        };
        erased.iter().map(|stage| (*stage).to_owned()).collect()
    }
}

/// Asks, and erases the audio where somebody denied consent: first where it comes from, so that nobody fetches it
/// again, then here.
pub(crate) async fn obey(
    consents: &dyn Consents,
    workdir: &Workdir,
    transcript: &Transcript,
) -> Result<Option<OnDenied>, StageError> {
    let denied = consents.denied(transcript.belongs_to.meeting).await?;
    if denied.is_some() {
        consents.erase(&transcript.object).await?;
        workdir.remove().await?;
    }
    Ok(denied)
}
