//! Recordings: announced objects become recordings of meetings, once each, and none is lost.
//!
//! ```text
//! source.receive ─► ingest_once ─► take in, all of a batch in one write ─► acknowledge
//! source.list ────► reconcile_page ─┘      unmatched ones: match_once      failed ones: requeue
//! ```
//!
//! Like the [`Engine`] it owns no loop, clock or task.

mod ingest;
mod operate;
mod reconcile;

use std::sync::Arc;

pub use ingest::Ingested;
pub use operate::{Attachment, Matched, Requeued};
pub use reconcile::{ReconcileError, ReconciledPage};

use super::Engine;
use crate::ids::{RecordingId, RoomId};
use crate::recording::{
    Belongs, Notice, Recording, RecordingName, RecordingStatus, SoughtRoom, Wanted, belongs_to,
};
use crate::store::{RecordingStore, StoreError};
use crate::time::Timestamp;

/// Gives an id that was never given before.
pub type NewIds = dyn Fn() -> RecordingId + Send + Sync;

/// What a key tells.
struct Whose {
    name: Option<RecordingName>,
    belongs_to: Option<Belongs>,
    /// The room that it names, where no meeting of it is near enough in time.
    sought_room: Option<RoomId>,
}

/// Takes recordings in and says whose they are.
#[derive(Clone, Debug)]
pub struct Recordings {
    engine: Arc<Engine>,
    store: Arc<dyn RecordingStore>,
    wanted: Wanted,
}

impl Recordings {
    /// Recordings kept in this store, of the meetings of this engine: its providers read the keys.
    pub fn new(engine: Arc<Engine>, store: Arc<dyn RecordingStore>, wanted: Wanted) -> Self {
        Self { engine, store, wanted }
    }

    /// The store it works on.
    pub fn store(&self) -> &dyn RecordingStore {
        &*self.store
    }

    /// Which objects are recordings.
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Whose each of these keys is, and when what it names began.
    async fn whose(&self, keys: impl Iterator<Item = &str>) -> Result<Vec<Whose>, StoreError> {
        let mut rooms = Vec::new();
        let mut read = Vec::new();
        for key in keys {
            let from = rooms.len();
            let mut name = None;
            for (provider, adapter) in &self.engine.providers {
                let Some(found) = adapter.recording_name(key) else { continue };
                let ours = self.engine.settings.deployment.meeting_of(&found.room);
                rooms.push(SoughtRoom {
                    provider: provider.clone(),
                    name: found.room.clone(),
                    meeting: ours.map(|(meeting, _)| meeting),
                });
                name.get_or_insert(found);
            }
            read.push((name, from..rooms.len()));
        }
        let candidates = if rooms.is_empty() { Vec::new() } else { self.store.candidates(&rooms).await? };
        let whose = read.into_iter().map(|(name, places)| {
            let all: Vec<_> = candidates.get(places).unwrap_or_default().concat();
            let belongs_to = name.as_ref().and_then(|name| belongs_to(name.recorded_at, &all));
            let named = all.first().map(|candidate| candidate.belongs.room);
            Whose { sought_room: named.filter(|_| belongs_to.is_none()), name, belongs_to }
        });
        Ok(whose.collect())
    }

    /// The recordings that these objects are, as they would be taken in now.
    async fn recordings_of(
        &self,
        notices: Vec<Notice>,
        now: Timestamp,
        ids: &NewIds,
    ) -> Result<Vec<Recording>, StoreError> {
        let whose = self.whose(notices.iter().map(|notice| notice.object.key.as_str())).await?;
        let recordings = notices.into_iter().zip(whose).map(|(notice, whose)| Recording {
            id: ids(),
            object: notice.object,
            size: notice.size,
            sequencer: notice.sequencer,
            revision: 0,
            recorded_at: whose.name.map(|name| name.recorded_at),
            received_at: now,
            belongs_to: whose.belongs_to,
            sought_room: whose.sought_room,
            status: if whose.belongs_to.is_some() {
                RecordingStatus::Pending
            } else {
                RecordingStatus::Unmatched
            },
            error: None,
        });
        Ok(recordings.collect())
    }
}
