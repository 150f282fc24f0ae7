//! The writes of a meeting: keeping a new one, and the one that changes it.

use async_trait::async_trait;
use reflector_core::lifecycle::EffectKind;
use reflector_core::store::document::Document;
use reflector_core::store::{
    Commit, Committed, Created, DeliveryKey, DueRow, Entry, NewMeeting, OwedEffect, StoreError, TakenDelivery,
};
use reflector_core::{Claim, Meeting, MeetingId};
use sqlx::sqlite::SqliteConnection;
use sqlx::{query, query_as, query_scalar};
use uuid::Uuid;

use crate::error::{ill, is_taken};
use crate::line::Work;
use crate::rows::{Query, bits, micros};
use crate::{SqliteStore, notices};

impl SqliteStore {
    pub(crate) async fn create_meeting(&self, new: NewMeeting) -> Result<Created, StoreError> {
        let document = new.meeting.to_document()?;
        let mut write = self.writer.begin().await?;
        if let Some(answer) = refused(&mut write, &new.meeting).await? {
            write.abandon().await?;
            return Ok(answer);
        }
        let insert =
            "INSERT INTO meetings (id, room_id, created_at, version, entries, forgotten, start_at, closed_at,
                is_forced, claim, provider, external_id, room_name, due_at, wakes_at, fingerprint, document)
            VALUES (?1, ?2, ?3, 1, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?13, ?14)";
        let insert = query(insert)
            .bind(new.meeting.id.0)
            .bind(new.meeting.room_id.0)
            .bind(new.meeting.life.created_at.as_micros())
            .bind(bits(new.entries.len() as u64));
        bind_columns(insert, &new.meeting, new.due, &document).execute(&mut *write).await.map_err(ill)?;
        note(&mut write, new.meeting.id, &new.entries).await?;
        owe(&mut write, &new.effects).await?;
        write.commit().await?;
        Ok(Created::Stored)
    }

    pub(crate) async fn commit_meeting(&self, commit: Commit) -> Result<Committed, StoreError> {
        self.line.write(WrittenOut::of(commit)?).await
    }
}

/// A commit with its meeting written out.
struct WrittenOut {
    commit: Commit,
    document: String,
}

impl WrittenOut {
    fn of(commit: Commit) -> Result<Self, StoreError> {
        let document = commit.meeting.to_document()?;
        Ok(Self { commit, document })
    }
}

#[async_trait]
impl Work for WrittenOut {
    type Answer = Committed;

    async fn write(&self, write: &mut SqliteConnection) -> Result<Committed, StoreError> {
        let Self { commit, document } = self;
        if !change(write, commit, document).await? {
            let was_taken = match &commit.delivery {
                Some(delivery) => was_taken(write, &delivery.key).await?,
                None => false,
            };
            return Ok(if was_taken { Committed::Duplicate } else { Committed::Conflict });
        }
        if let Some(delivery) = &commit.delivery {
            take(write, delivery).await?;
        }
        note(write, commit.meeting.id, &commit.entries).await?;
        supersede(write, commit.meeting.id, &commit.superseded).await?;
        owe(write, &commit.effects).await?;
        notices::owe(write, &commit.notices).await?;
        Ok(Committed::Stored)
    }
}

/// Why a meeting is not kept, or need not be.
async fn refused(write: &mut SqliteConnection, meeting: &Meeting) -> Result<Option<Created>, StoreError> {
    let asked = "SELECT EXISTS (SELECT 1 FROM meetings WHERE id = ?1),
            EXISTS (SELECT 1 FROM rooms WHERE id = ?2 AND deleted_at IS NULL),
            (SELECT id FROM meetings WHERE room_id = ?2 AND claim = ?3)";
    let (is_known, room_is_there, holder): (bool, bool, Option<Uuid>) = query_as(asked)
        .bind(meeting.id.0)
        .bind(meeting.room_id.0)
        .bind(meeting.claim.as_ref().map(Claim::key))
        .fetch_one(write)
        .await
        .map_err(ill)?;
    Ok(match holder {
        _ if is_known => Some(Created::Stored),
        _ if !room_is_there => Some(Created::RoomMissing),
        Some(holder) => Some(Created::ClaimTaken(MeetingId(holder))),
        None => None,
    })
}

/// Writes the meeting over the version that it was read in. `false` if there is another version by now, or if the message
/// was taken in before.
async fn change(write: &mut SqliteConnection, commit: &Commit, document: &str) -> Result<bool, StoreError> {
    let update =
        "UPDATE meetings SET room_id = ?2, created_at = ?3, version = version + 1, entries = entries + ?4,
            start_at = ?5, closed_at = ?6, is_forced = ?7, claim = ?8, provider = ?9, external_id = ?10,
            room_name = ?11, due_at = ?12, wakes_at = ?12, fingerprint = ?13, document = ?14
        WHERE id = ?1 AND version = ?15
            AND NOT EXISTS (SELECT 1 FROM deliveries WHERE provider = ?16 AND id = ?17)";
    let key = commit.delivery.as_ref().map(|delivery| &delivery.key);
    let update = query(update)
        .bind(commit.meeting.id.0)
        .bind(commit.meeting.room_id.0)
        .bind(commit.meeting.life.created_at.as_micros())
        .bind(bits(commit.entries.len() as u64));
    let updated = bind_columns(update, &commit.meeting, commit.due, document)
        .bind(bits(commit.expected))
        .bind(key.map(|key| key.provider.as_str()))
        .bind(key.map(|key| key.id.as_str()))
        .execute(write)
        .await;
    match updated {
        Ok(updated) => Ok(updated.rows_affected() > 0),
        // The engine never takes a claim in a commit; one that did and found it held has read an older world.
        Err(error) if is_taken(&error) => Ok(false),
        Err(error) => Err(ill(error)),
    }
}

async fn was_taken(write: &mut SqliteConnection, key: &DeliveryKey) -> Result<bool, StoreError> {
    query_scalar("SELECT EXISTS (SELECT 1 FROM deliveries WHERE provider = ?1 AND id = ?2)")
        .bind(key.provider.as_str())
        .bind(&key.id)
        .fetch_one(write)
        .await
        .map_err(ill)
}

/// Writes down that a message is taken in.
async fn take(write: &mut SqliteConnection, delivery: &TakenDelivery) -> Result<(), StoreError> {
    query("INSERT INTO deliveries (provider, id, endpoint, received_at) VALUES (?1, ?2, ?3, ?4)")
        .bind(delivery.key.provider.as_str())
        .bind(&delivery.key.id)
        .bind(bits(delivery.endpoint))
        .bind(delivery.received_at.as_micros())
        .execute(write)
        .await
        .map_err(ill)?;
    Ok(())
}

/// Binds `?5` to `?14`: what a meeting is searched by, and itself.
fn bind_columns<'q>(
    query: Query<'q>,
    meeting: &'q Meeting,
    due: Option<DueRow>,
    document: &'q str,
) -> Query<'q> {
    let room = meeting.room.as_ref();
    query
        .bind(meeting.life.schedule.start.as_micros())
        .bind(micros(meeting.life.phase.closed_at()))
        .bind(meeting.life.phase.is_forced())
        .bind(meeting.claim.as_ref().map(Claim::key))
        .bind(meeting.provider.as_str())
        .bind(room.map(|room| room.external_id.as_str()))
        .bind(room.map(|room| room.name.as_str()))
        .bind(micros(due.map(|due| due.at)))
        .bind(due.map(|due| bits(due.fingerprint)))
        .bind(document)
}

/// Writes the newest entries of a history, which the meeting's row has counted already.
async fn note(write: &mut SqliteConnection, meeting: MeetingId, entries: &[Entry]) -> Result<(), StoreError> {
    let insert = "INSERT INTO history (meeting_id, seq, document, place)
        SELECT id, entries - ?2, ?3, (SELECT coalesce(max(place), 0) + 1 FROM history WHERE place IS NOT NULL)
        FROM meetings WHERE id = ?1";
    for (later, entry) in (0..entries.len() as u64).map(bits).rev().zip(entries) {
        let insert = query(insert).bind(meeting.0).bind(later).bind(entry.to_document()?);
        insert.execute(&mut *write).await.map_err(ill)?;
    }
    Ok(())
}

/// Drops the work of these kinds that a meeting owes, also when somebody has it in hand.
async fn supersede(
    write: &mut SqliteConnection,
    meeting: MeetingId,
    kinds: &[EffectKind],
) -> Result<(), StoreError> {
    let delete = "DELETE FROM effects WHERE meeting_id = ?1 AND kind = ?2 AND settled_at IS NULL";
    for kind in kinds {
        query(delete).bind(meeting.0).bind(kind.as_str()).execute(&mut *write).await.map_err(ill)?;
    }
    Ok(())
}

/// Writes down what became owed. What is there already is owed once.
async fn owe(write: &mut SqliteConnection, effects: &[OwedEffect]) -> Result<(), StoreError> {
    let insert = "INSERT INTO effects
            (meeting_id, version, place, kind, urgency, owed_at, ready_at, attempts, document)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 0, ?7) ON CONFLICT DO NOTHING";
    for OwedEffect { id, effect, owed_at } in effects {
        let kind = effect.kind();
        let insert = query(insert)
            .bind(id.meeting.0)
            .bind(bits(id.version))
            .bind(id.index)
            .bind(kind.as_str())
            .bind(kind.urgency())
            .bind(owed_at.as_micros())
            .bind(effect.to_document()?);
        insert.execute(&mut *write).await.map_err(ill)?;
    }
    Ok(())
}
