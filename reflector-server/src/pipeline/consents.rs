//! What participants answered when they were asked whether they agree to being recorded, and what follows.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reflector_core::engine::{RunError, Runs};
use reflector_core::pipeline::{RestartAt, RunState, StageError};
use reflector_core::recording::{ObjectVersion, SourceError};
use reflector_core::store::{
    ConsentAnswer, ConsentStore, LoadedTranscript, Paging, Store, StoreError, TranscriptStore, Viewer,
    WhichTranscripts,
};
use reflector_core::{Meeting, MeetingId, OnDenied, RoomId, Timestamp, TranscriptId};
use reflector_pipeline::{Consents, Published};

use super::FeedObjects;
use crate::database::Kept;
use crate::workers::Chain;

/// For how long after a meeting's close an answer is taken (rule S6).
pub(crate) const ANSWERED_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);
/// The stage that obeys a denial that came late: what was made before it is kept or dropped as the room says.
const OBEYS: &str = "publish";
const PAGE: u64 = 200;

/// Participants' answers.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    consents: Arc<dyn ConsentStore>,
    store: Arc<dyn Store>,
    transcripts: Arc<dyn TranscriptStore>,
    objects: FeedObjects,
}

impl Answers {
    pub(super) fn new(kept: &Kept, objects: FeedObjects) -> Self {
        Self {
            consents: Arc::clone(&kept.consents),
            store: Arc::clone(&kept.store),
            transcripts: Arc::clone(&kept.transcripts),
            objects,
        }
    }

    /// Keeps an answer. A denial is obeyed by every run of the meeting's recordings: those that are over, or about to
    /// be, go on from their end.
    pub(crate) async fn take(
        &self,
        answer: ConsentAnswer,
        meeting: &Meeting,
        runs: &Runs,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.consents.answer(answer).await?;
        if answer.given {
            return Ok(());
        }
        // None is older than its meeting.
        let lately = self.begun_since(Some(meeting.room_id), meeting.life.created_at).await?;
        for loaded in lately.iter().filter(|one| one.transcript.belongs_to.meeting == meeting.id) {
            self.obey_late(loaded, runs, now).await?;
        }
        Ok(())
    }

    /// Lets runs that ended lately obey denials that nobody obeyed: whoever took the answer died before.
    pub(crate) async fn obey_all(
        &self,
        runs: &Runs,
        now: Timestamp,
    ) -> Result<Vec<TranscriptId>, StoreError> {
        let mut obeyed = Vec::new();
        // A day for the meeting's recording to be there, and one for the answer.
        for loaded in self.begun_since(None, now - 2 * ANSWERED_WITHIN).await? {
            if self.is_overlooked(&loaded).await? && self.obey_late(&loaded, runs, now).await? {
                obeyed.push(loaded.transcript.id);
            }
        }
        Ok(obeyed)
    }

    /// The transcripts that were begun since then, of a room or of all, and some older ones: the newest first.
    async fn begun_since(
        &self,
        room: Option<RoomId>,
        since: Timestamp,
    ) -> Result<Vec<LoadedTranscript>, StoreError> {
        let which = WhichTranscripts { viewer: Viewer::Operator, room, unfinished: false };
        let mut all: Vec<LoadedTranscript> = Vec::new();
        loop {
            let paging = Paging { offset: all.len() as u64, limit: PAGE };
            let page = self.transcripts.list_transcripts(&which, paging).await?;
            let is_last = page.items.is_empty();
            all.extend(page.items);
            let is_older = all.last().is_some_and(|last| last.transcript.created_at < since);
            if is_last || is_older || all.len() as u64 >= page.total {
                return Ok(all);
            }
        }
    }

    /// Whether a run ended without a word of a denial that was there. One that failed since has tried.
    async fn is_overlooked(&self, loaded: &LoadedTranscript) -> Result<bool, StoreError> {
        let transcript = &loaded.transcript;
        let Some(denied_at) = self.consents.denied_at(transcript.belongs_to.meeting).await? else {
            return Ok(false);
        };
        match transcript.run.state {
            RunState::Waiting { .. } | RunState::Working { .. } => Ok(false),
            RunState::Failed { at } => Ok(denied_at > at),
            RunState::Done { .. } => {
                let made = self.transcripts.made(transcript.id).await?;
                let published = made.get(OBEYS).and_then(|text| serde_json::from_str::<Published>(text).ok());
                Ok(!published.is_some_and(|published| published.audio_deleted))
            }
        }
    }

    /// Whether the run had to go on for it: one that is still on its way to its end asks by itself.
    async fn obey_late(
        &self,
        loaded: &LoadedTranscript,
        runs: &Runs,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let run = &loaded.transcript.run;
        let asks_by_itself = match run.state {
            RunState::Waiting { .. } | RunState::Working { .. } => {
                run.current().is_some_and(|stage| stage.name != OBEYS)
            }
            RunState::Done { .. } | RunState::Failed { .. } => false,
        };
        if asks_by_itself {
            return Ok(false);
        }
        match runs.restart(loaded.transcript.id, RestartAt::Stage(OBEYS), now).await {
            Ok(_) => Ok(true),
            Err(RunError::Store(ill)) => Err(ill),
            // It was deleted meanwhile.
            Err(_) => Ok(false),
        }
    }
}

#[async_trait]
impl Consents for Answers {
    async fn denied(&self, meeting: MeetingId) -> Result<Option<OnDenied>, StageError> {
        let ill =
            |error: StoreError| StageError::again(format!("it cannot be told who agreed: {}", Chain(&error)));
        if self.consents.denied_at(meeting).await.map_err(ill)?.is_none() {
            return Ok(None);
        }
        let Some(loaded) = self.store.load(meeting).await.map_err(ill)? else {
            return Ok(Some(OnDenied::default()));
        };
        let room = self.store.load_room(loaded.meeting.room_id).await.map_err(ill)?;
        Ok(Some(room.map(|room| room.on_denied).unwrap_or_default()))
    }

    async fn erase(&self, object: &ObjectVersion) -> Result<(), StageError> {
        self.objects.erase(object).await.map_err(|error| match &error {
            SourceError::Refused { detail } => StageError::failed(format!(
                "a participant denied consent, and the audio is still there: {detail}"
            )),
            error => StageError::again(format!("the audio cannot be erased yet: {error}")),
        })
    }
}
