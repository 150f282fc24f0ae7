//! What a source holds is compared with what is known (rule R8). It takes no hints: it looks at what is there.

use super::{NewIds, Recordings};
use crate::ids::RecordingId;
use crate::recording::{RecordingSource, RecordingStatus, SourceError};
use crate::store::{StoreError, TakenIn};
use crate::time::Timestamp;

/// What a look at one page of a source found.
#[derive(Debug, Default)]
pub struct ReconciledPage {
    /// How many wanted objects are there.
    pub there: u32,
    /// Those that nobody had taken in: recordings now.
    pub stored: Vec<RecordingId>,
    /// Recordings that had failed: they are worked on again.
    pub requeued: Vec<RecordingId>,
    /// Where the next page begins, if there is one. After an error one goes on with the page that failed.
    pub next: Option<String>,
}

/// A page could not be compared: try the same one again later.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The source did not give it.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The store is ill.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Recordings {
    /// Compares one page of what a source holds with what is known, and takes in what is missing or has failed.
    ///
    /// # Errors
    ///
    /// [`ReconcileError`] when the source or the store is ill.
    pub async fn reconcile_page(
        &self,
        source: &dyn RecordingSource,
        page: Option<&str>,
        now: Timestamp,
        ids: &NewIds,
    ) -> Result<ReconciledPage, ReconcileError> {
        let mut listing = source.list(page).await?;
        listing.notices.retain(|notice| self.wanted().holds(&notice.object.bucket, &notice.object.key));
        let mut found = ReconciledPage { next: listing.next, ..ReconciledPage::default() };
        found.there = u32::try_from(listing.notices.len()).unwrap_or(u32::MAX);
        let recordings = self.recordings_of(listing.notices, now, ids).await?;
        let new: Vec<_> = recordings.iter().map(|recording| recording.id).collect();
        if new.is_empty() {
            return Ok(found);
        }
        for (new, taken_in) in new.into_iter().zip(self.store().take_in(recordings).await?) {
            match taken_in {
                TakenIn::Stored { .. } => found.stored.push(new),
                TakenIn::Known { id, status: Some(RecordingStatus::Failed) } => {
                    self.requeue(id).await?;
                    found.requeued.push(id);
                }
                TakenIn::Known { .. } | TakenIn::Outdated => {}
            }
        }
        Ok(found)
    }
}
