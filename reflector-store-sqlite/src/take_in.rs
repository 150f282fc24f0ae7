//! Taking in recordings: a batch is one write, and shares its wait for the disk with whatever else is written.

use async_trait::async_trait;
use reflector_core::RecordingId;
use reflector_core::notice::of_arrival;
use reflector_core::recording::{Recording, RecordingStatus, Version, is_newer};
use reflector_core::store::document::Document;
use reflector_core::store::{StoreError, TakenIn};
use sqlx::sqlite::SqliteConnection;
use sqlx::{FromRow, query, query_as};
use uuid::Uuid;

use crate::error::{corrupt, ill};
use crate::line::Work;
use crate::notices::owe;
use crate::rows::narrow;

/// Recordings to take in, in this order.
pub(crate) struct Batch(pub(crate) Vec<Recording>);

#[async_trait]
impl Work for Batch {
    type Answer = Vec<TakenIn>;

    async fn write(&self, write: &mut SqliteConnection) -> Result<Vec<TakenIn>, StoreError> {
        let mut answers = Vec::with_capacity(self.0.len());
        for recording in &self.0 {
            let answer = take_in(write, recording).await?;
            if matches!(answer, TakenIn::Stored { .. }) {
                owe(write, &of_arrival(recording)).await?;
            }
            answers.push(answer);
        }
        Ok(answers)
    }
}

async fn take_in(write: &mut SqliteConnection, recording: &Recording) -> Result<TakenIn, StoreError> {
    let object_version = object_version(recording);
    // What nobody has seen before is what comes most: it is looked for only if it is refused.
    if insert(write, recording, &object_version, 1).await? {
        return Ok(TakenIn::Stored { revision: 1 });
    }
    let answer = judge(write, recording, &object_version).await?;
    if let TakenIn::Stored { revision } = answer
        && !insert(write, recording, &object_version, revision).await?
    {
        return Err(StoreError::Unavailable(
            format!("the id {} is another recording's", recording.id).into(),
        ));
    }
    Ok(answer)
}

/// Writes it as this revision. `false` if there is one, or another one of its object or its id.
async fn insert(
    write: &mut SqliteConnection,
    recording: &Recording,
    object_version: &str,
    revision: u32,
) -> Result<bool, StoreError> {
    let insert = "INSERT INTO recordings (id, bucket, key, object_version, revision, sequencer, version,
            received_at, room_id, status, document)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING";
    let recording = Recording { revision, ..recording.clone() };
    let inserted = query(insert)
        .bind(recording.id.0)
        .bind(&recording.object.bucket)
        .bind(&recording.object.key)
        .bind(object_version)
        .bind(revision)
        .bind(&recording.sequencer)
        .bind(recording.received_at.as_micros())
        .bind(recording.belongs_to.map(|belongs| belongs.room.0))
        .bind(recording.status.as_str())
        .bind(recording.to_document()?)
        .execute(write)
        .await
        .map_err(ill)?;
    Ok(inserted.rows_affected() > 0)
}

/// What comes of taking in this one.
async fn judge(
    write: &mut SqliteConnection,
    recording: &Recording,
    object_version: &str,
) -> Result<TakenIn, StoreError> {
    let seen: Seen = query_as(SEEN)
        .bind(&recording.object.bucket)
        .bind(&recording.object.key)
        .bind(object_version)
        .fetch_one(write)
        .await
        .map_err(ill)?;
    if let Some(id) = seen.id {
        let status = seen.status.as_deref().map(status).transpose()?;
        return Ok(TakenIn::Known { id: RecordingId(id), status });
    }
    let Some(revision) = seen.revision else { return Ok(TakenIn::Stored { revision: 1 }) };
    if !is_newer(recording.sequencer.as_deref(), seen.sequencer.as_deref()) {
        return Ok(TakenIn::Outdated);
    }
    Ok(TakenIn::Stored { revision: narrow(revision + 1)? })
}

/// The recording of an object, and the newest one of its key.
pub(crate) const SEEN: &str = "
    SELECT known.id, iif(known.deleted_at IS NULL, known.status, NULL) AS status, newest.revision, newest.sequencer
    FROM (SELECT 1)
    LEFT JOIN recordings known ON known.bucket = ?1 AND known.key = ?2 AND known.object_version = ?3
    LEFT JOIN recordings newest ON newest.bucket = ?1 AND newest.key = ?2
        AND newest.revision = (SELECT max(revision) FROM recordings WHERE bucket = ?1 AND key = ?2)";

#[derive(FromRow)]
struct Seen {
    id: Option<Uuid>,
    status: Option<String>,
    revision: Option<i64>,
    sequencer: Option<String>,
}

fn status(word: &str) -> Result<RecordingStatus, StoreError> {
    RecordingStatus::named(word)
        .ok_or_else(|| corrupt("how a recording stands", format!("{word} is no status")))
}

/// Which of the objects of a key, as a key.
fn object_version(recording: &Recording) -> String {
    match &recording.object.version {
        Version::Id(text) => format!("id {text}"),
        Version::Tag(text) => format!("tag {text}"),
    }
}
