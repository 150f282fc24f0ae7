//! What goes on, counted.

use std::collections::BTreeMap;

use async_trait::async_trait;
use reflector_core::store::{OpenMeetings, OwedWork, StoreError, TallyStore};

use crate::MemoryStore;

#[async_trait]
impl TallyStore for MemoryStore {
    async fn tally_meetings(&self) -> Result<Vec<OpenMeetings>, StoreError> {
        let kept = self.kept();
        let mut open = BTreeMap::new();
        for meeting in kept.meetings.all_open() {
            *open.entry((meeting.provider.clone(), meeting.life.phase.as_str())).or_default() += 1;
        }
        let open = open.into_iter().map(|((provider, phase), meetings)| OpenMeetings {
            provider,
            phase: phase.to_owned(),
            meetings,
        });
        Ok(open.collect())
    }

    async fn tally_work(&self) -> Result<Vec<OwedWork>, StoreError> {
        let kept = self.kept();
        let mut owed = BTreeMap::new();
        for (kind, since) in kept.effects.all_owed() {
            let (pieces, oldest) = owed.entry(kind).or_insert((0, since));
            *pieces += 1;
            *oldest = since.min(*oldest);
        }
        let owed = owed.into_iter().map(|(kind, (pieces, oldest))| OwedWork {
            kind: kind.as_str().to_owned(),
            pieces,
            oldest,
        });
        Ok(owed.collect())
    }
}
