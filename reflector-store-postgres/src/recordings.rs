//! The recordings, and the messages that cannot be read.

use async_trait::async_trait;
use reflector_core::recording::{Belongs, Candidate, Recording, RecordingStatus, SoughtRoom};
use reflector_core::store::document::Document;
use reflector_core::store::{
    Committed, DeadLetter, LoadedRecording, OwedNotice, Page, Paging, RecordingStore, StoreError, TakenIn,
    Viewer, WhichRecordings,
};
use reflector_core::{RecordingId, RoomId, Timestamp};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::PostgresStore;
use crate::key::{escaped, key, unescaped};
use crate::notices::bind_notices;
use crate::rows::{
    clamped, column, document, document_or_none, instant, instant_or_none, limit, meeting_id, number, page,
};
use crate::statements::{
    CANDIDATES, CHANGE_RECORDING, DEAD_LETTERS, DELETE_RECORDING, LIST_RECORDINGS, LIST_RECORDINGS_OF_OWNER,
    LOAD_RECORDING, SET_ASIDE, UNMATCHED,
};

#[async_trait]
impl RecordingStore for PostgresStore {
    async fn take_in(&self, batch: Vec<Recording>) -> Result<Vec<TakenIn>, StoreError> {
        self.take_batch_in(batch).await
    }

    async fn candidates(&self, rooms: &[SoughtRoom]) -> Result<Vec<Vec<Candidate>>, StoreError> {
        let texts = |text: fn(&SoughtRoom) -> &str| -> Vec<String> {
            rooms.iter().map(|room| key(text(room)).into_owned()).collect()
        };
        let question = sqlx::query(CANDIDATES)
            .bind(texts(|room| room.provider.as_str()))
            .bind(texts(|room| &room.name))
            .bind(rooms.iter().map(|room| room.meeting.map(|id| id.0)).collect::<Vec<_>>());
        let mut candidates = vec![Vec::new(); rooms.len()];
        for row in self.rows(question).await? {
            let of_room = usize::try_from(number(&row, "place")? - 1).unwrap_or(usize::MAX);
            if let Some(of_room) = candidates.get_mut(of_room) {
                of_room.push(candidate(&row)?);
            }
        }
        Ok(candidates)
    }

    async fn load_recording(&self, id: RecordingId) -> Result<Option<LoadedRecording>, StoreError> {
        self.row(sqlx::query(LOAD_RECORDING).bind(id.0)).await?.as_ref().map(loaded_recording).transpose()
    }

    async fn commit_recording(
        &self,
        expected: u64,
        recording: &Recording,
        notice: Option<OwedNotice>,
    ) -> Result<Committed, StoreError> {
        // What stays as it is stands in the document alone, as it came.
        let before = self.load_recording(recording.id).await?;
        let Some(before) = before.filter(|before| before.version == expected) else {
            return Ok(Committed::Conflict);
        };
        let recording = before.recording.changed_to(recording);
        let question = sqlx::query(CHANGE_RECORDING)
            .bind(recording.id.0)
            .bind(expected.cast_signed())
            .bind(recording.belongs_to.map(|belongs| belongs.room.0))
            .bind(recording.status.as_str())
            .bind(recording.to_document()?);
        let row = self.one(bind_notices(question, notice.as_slice())).await?;
        Ok(if column(&row, "stored")? { Committed::Stored } else { Committed::Conflict })
    }

    async fn list_recordings(
        &self,
        which: &WhichRecordings,
        paging: Paging,
    ) -> Result<Page<Recording>, StoreError> {
        let (statement, owner) = match &which.viewer {
            Viewer::Operator => (LIST_RECORDINGS, None),
            Viewer::User(user) => (LIST_RECORDINGS_OF_OWNER, Some(escaped(user.as_str()))),
        };
        let mut question = sqlx::query(statement)
            .bind(which.status.map(RecordingStatus::as_str))
            .bind(which.room.map(|room| room.0))
            .bind(clamped(paging.offset))
            .bind(clamped(paging.limit));
        if let Some(owner) = owner {
            question = question.bind(owner);
        }
        let rows = self.rows(question.persistent(false)).await?;
        page(&rows, |row| document_or_none(row, "document"))
    }

    async fn unmatched(
        &self,
        received_since: Timestamp,
        after: Option<(Timestamp, RecordingId)>,
        most: usize,
    ) -> Result<Vec<LoadedRecording>, StoreError> {
        let question = sqlx::query(UNMATCHED)
            .bind(received_since.as_micros())
            .bind(after.map(|(received_at, _)| received_at.as_micros()))
            .bind(after.map(|(_, id)| id.0))
            .bind(limit(most));
        self.rows(question.persistent(false)).await?.iter().map(loaded_recording).collect()
    }

    async fn delete_recording(&self, id: RecordingId, now: Timestamp) -> Result<bool, StoreError> {
        let question = sqlx::query(DELETE_RECORDING).bind(id.0).bind(now.as_micros());
        Ok(self.changed(question).await? > 0)
    }

    async fn set_aside(&self, letter: DeadLetter) -> Result<bool, StoreError> {
        let question = sqlx::query(SET_ASIDE)
            .bind(key(&letter.id))
            .bind(escaped(&letter.id))
            .bind(escaped(&letter.body))
            .bind(escaped(&letter.error))
            .bind(letter.at.as_micros());
        Ok(self.changed(question).await? > 0)
    }

    async fn dead_letters(&self, paging: Paging) -> Result<Page<DeadLetter>, StoreError> {
        let question = sqlx::query(DEAD_LETTERS).bind(clamped(paging.offset)).bind(clamped(paging.limit));
        page(&self.rows(question.persistent(false)).await?, letter)
    }
}

fn candidate(row: &PgRow) -> Result<Candidate, StoreError> {
    Ok(Candidate {
        belongs: Belongs { meeting: meeting_id(row, "id")?, room: RoomId(column::<Uuid>(row, "room_id")?) },
        began_at: instant(row, "created_at")?,
        ended_at: instant_or_none(row, "closed_at")?,
    })
}

pub(crate) fn loaded_recording(row: &PgRow) -> Result<LoadedRecording, StoreError> {
    Ok(LoadedRecording { recording: document(row, "document")?, version: number(row, "version")? })
}

fn letter(row: &PgRow) -> Result<Option<DeadLetter>, StoreError> {
    let Some(at) = instant_or_none(row, "at")? else { return Ok(None) };
    let text = |name| column(row, name).map(unescaped);
    Ok(Some(DeadLetter { id: text("whole_id")?, body: text("body")?, error: text("error")?, at }))
}
