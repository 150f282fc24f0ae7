//! What participants said of being recorded.

use std::collections::HashMap;

use async_trait::async_trait;
use reflector_core::store::{ConsentAnswer, ConsentStore, DeploymentKey, StoreError, TokenHash};
use reflector_core::{MeetingId, Timestamp};

use crate::MemoryStore;

#[derive(Default)]
pub(crate) struct Consents {
    /// The newest answer of each participant.
    answers: HashMap<MeetingId, HashMap<TokenHash, ConsentAnswer>>,
    key: Option<DeploymentKey>,
}

#[async_trait]
impl ConsentStore for MemoryStore {
    async fn answer(&self, answer: ConsentAnswer) -> Result<(), StoreError> {
        let mut kept = self.kept();
        let answers = kept.consents.answers.entry(answer.meeting).or_default();
        let known = answers.entry(answer.participant).or_insert(answer);
        if (answer.at, !answer.given) > (known.at, !known.given) {
            *known = answer;
        }
        Ok(())
    }

    async fn denied_at(&self, meeting: MeetingId) -> Result<Option<Timestamp>, StoreError> {
        let kept = self.kept();
        let answers = kept.consents.answers.get(&meeting).into_iter().flat_map(HashMap::values);
        Ok(answers.filter(|answer| !answer.given).map(|answer| answer.at).max())
    }

    async fn key(&self, offered: DeploymentKey) -> Result<DeploymentKey, StoreError> {
        Ok(*self.kept().consents.key.get_or_insert(offered))
    }
}
