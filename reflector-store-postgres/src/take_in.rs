//! Taking in recordings: one statement for a batch, and so one transaction and one round trip, unless its keys are known.
//!
//! A batch is judged here, from what is known of its keys, and written if that is still so. What nobody has seen before is
//! what comes most: that is judged from nothing. Whoever else takes in objects of the same keys at the same time makes one
//! of the two fail on a revision, and that one takes its turn alone.

use std::collections::HashMap;

use reflector_core::RecordingId;
use reflector_core::notice::of_arrival;
use reflector_core::recording::{ObjectVersion, Recording, RecordingStatus, Version, is_newer};
use reflector_core::store::document::Document;
use reflector_core::store::{StoreError, TakenIn};
use sqlx::Error;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::PostgresStore;
use crate::error::unavailable;
use crate::key::{escaped, hash_of, key, unescaped};
use crate::line::{Line, Question};
use crate::notices::bind_notices;
use crate::rows::column;
use crate::statements::{TAKE_IN, TAKE_TURNS};

/// How often a batch is judged: from nothing, and from what is there.
const TRIES: usize = 2;

impl PostgresStore {
    pub(crate) async fn take_batch_in(&self, recordings: Vec<Recording>) -> Result<Vec<TakenIn>, StoreError> {
        if recordings.is_empty() {
            return Ok(Vec::new());
        }
        let mut batch = Batch::unknown(recordings);
        let mut line = self.line().await?;
        if let Some(answers) = batch.write(&mut line).await? {
            return Ok(answers);
        }
        line.begin().await?;
        line.rows(sqlx::query(TAKE_TURNS)).await?;
        let answers = batch.write(&mut line).await?;
        line.commit().await?;
        answers.ok_or_else(|| StoreError::Unavailable("recordings were taken in out of turn".into()))
    }
}

struct Batch {
    recordings: Vec<Recording>,
    /// What is there of each.
    seen: Vec<Seen>,
}

/// What is there of an object and of its key.
#[derive(Clone, Default)]
struct Seen {
    /// The recording of the object, and how it stands if it was not deleted.
    known: Option<(RecordingId, Option<RecordingStatus>)>,
    /// The newest revision of the key, and what orders it.
    newest: Option<(u32, Option<String>)>,
}

impl Batch {
    fn unknown(recordings: Vec<Recording>) -> Self {
        Self { seen: vec![Seen::default(); recordings.len()], recordings }
    }

    /// Writes what of it is new, and says what came of each. Nothing if somebody else was faster.
    async fn write(&mut self, line: &mut Line) -> Result<Option<Vec<TakenIn>>, StoreError> {
        for _ in 0..TRIES {
            let question = self.question(&judged(&self.recordings, &self.seen))?;
            let rows = match line.ask(question).await {
                Ok(rows) => rows,
                Err(error) if is_lost_race(&error) => return Ok(None),
                Err(error) => return Err(unavailable(error)),
            };
            self.seen = rows.iter().map(Seen::read).collect::<Result<_, _>>()?;
            let answers = judged(&self.recordings, &self.seen);
            let stored = rows.first().map_or(Ok(false), |row| column(row, "stored"))?;
            if stored || !answers.iter().any(|answer| matches!(answer, TakenIn::Stored { .. })) {
                return Ok(Some(answers));
            }
        }
        Ok(None)
    }

    fn question(&mut self, answers: &[TakenIn]) -> Result<Question<'static>, StoreError> {
        let mut revisions = Vec::with_capacity(answers.len());
        let mut documents = Vec::with_capacity(answers.len());
        for (recording, answer) in self.recordings.iter_mut().zip(answers) {
            let TakenIn::Stored { revision } = *answer else {
                revisions.push(None);
                documents.push(None);
                continue;
            };
            recording.revision = revision;
            revisions.push(Some(revision.cast_signed()));
            documents.push(Some(recording.to_document()?));
        }
        let is_stored = |answer: &TakenIn| matches!(answer, TakenIn::Stored { .. });
        let stored = self.recordings.iter().zip(answers).filter(|(_, answer)| is_stored(answer));
        let notices: Vec<_> = stored.filter_map(|(recording, _)| of_arrival(recording)).collect();
        let newest = |seen: &Seen| seen.newest.as_ref().map_or(0, |(revision, _)| revision.cast_signed());
        let question = sqlx::query(TAKE_IN)
            .bind(self.each(|recording| key(&recording.object.bucket).into_owned()))
            .bind(self.each(|recording| key(&recording.object.key).into_owned()))
            .bind(self.each(|recording| object_hash(&recording.object)))
            .bind(
                self.each(|recording| recording.sequencer.as_deref().map(|text| escaped(text).into_owned())),
            )
            .bind(self.seen.iter().map(newest).collect::<Vec<_>>())
            .bind(revisions)
            .bind(self.each(|recording| recording.id.0))
            .bind(self.each(|recording| recording.received_at.as_micros()))
            .bind(self.each(|recording| recording.belongs_to.map(|belongs| belongs.room.0)))
            .bind(self.each(|recording| recording.status.as_str()))
            .bind(documents);
        Ok(bind_notices(question, &notices))
    }

    fn each<T>(&self, column: impl Fn(&Recording) -> T) -> Vec<T> {
        self.recordings.iter().map(column).collect()
    }
}

impl Seen {
    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let status = column::<Option<&str>>(row, "status")?.map(status).transpose()?;
        let id = column::<Option<Uuid>>(row, "id")?;
        let revision = column::<Option<i32>>(row, "revision")?;
        let sequencer = column::<Option<String>>(row, "sequencer")?.map(unescaped);
        Ok(Self {
            known: id.map(|id| (RecordingId(id), status)),
            newest: revision.map(|revision| (revision.cast_unsigned(), sequencer)),
        })
    }
}

/// What comes of each of a batch, where this is what is there of them: those that stand before it are there then too.
fn judged(batch: &[Recording], seen: &[Seen]) -> Vec<TakenIn> {
    let (mut known, mut newest) = (HashMap::new(), HashMap::new());
    let mut answers = Vec::with_capacity(batch.len());
    for (Recording { id, object, sequencer, status, .. }, seen) in batch.iter().zip(seen) {
        let sequencer = sequencer.as_deref();
        let of_key = (&object.bucket, &object.key);
        let there = seen.newest.as_ref().map(|(revision, sequencer)| (*revision, sequencer.as_deref()));
        let before = newest.get(&of_key).copied().or(there);
        answers.push(match (known.get(object).copied().or(seen.known), before) {
            (Some((id, status)), _) => TakenIn::Known { id, status },
            (None, Some((_, newer))) if !is_newer(sequencer, newer) => TakenIn::Outdated,
            (None, before) => {
                let revision = before.map_or(0, |(revision, _)| revision) + 1;
                known.insert(object, (*id, Some(*status)));
                newest.insert(of_key, (revision, sequencer));
                TakenIn::Stored { revision }
            }
        });
    }
    answers
}

fn status(word: &str) -> Result<RecordingStatus, StoreError> {
    RecordingStatus::named(word).ok_or_else(|| StoreError::Corrupt {
        what: "how a recording stands".to_owned(),
        source: format!("{word} is no status").into(),
    })
}

/// Which version of which object.
fn object_hash(object: &ObjectVersion) -> Vec<u8> {
    let kind = match object.version {
        Version::Id(_) => "id",
        Version::Tag(_) => "tag",
    };
    hash_of(&[&object.bucket, &object.key, kind, object.version.as_str()])
}

/// Whether somebody else has taken in an object of the same key at the same time.
fn is_lost_race(error: &Error) -> bool {
    let Some(refused) = error.as_database_error() else { return false };
    // A deadlock: the primary key may have lost its place before the other indexes when they were made anew.
    refused.code().as_deref() == Some("40P01")
        || (refused.is_unique_violation()
            && matches!(refused.constraint(), Some("recordings_pkey" | "recordings_object")))
}
