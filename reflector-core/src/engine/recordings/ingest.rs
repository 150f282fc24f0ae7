//! Messages of a source become recordings. A message is acknowledged only after what it says is kept (rule R1).

use super::{NewIds, Recordings};
use crate::ids::RecordingId;
use crate::recording::{Message, Receipt, RecordingSource, Unacknowledged};
use crate::store::{DeadLetter, StoreError, TakenIn};
use crate::time::Timestamp;

/// How often a message that cannot be read is received before it is kept, where no queue of dead letters takes it.
const RECEIVES_BEFORE_SET_ASIDE: u32 = 5;
/// How often acknowledging is tried at once.
const TRIES: u32 = 3;

/// What came of a batch of messages.
#[derive(Debug, Default)]
pub struct Ingested {
    /// The recordings that are new.
    pub stored: Vec<RecordingId>,
    /// Those among them of which nobody knows the meeting.
    pub unmatched: u32,
    /// Objects that were known already, or outdated by a newer one of their key.
    pub known: u32,
    /// Objects that nobody wants, and messages that announce none.
    pub others: u32,
    /// Messages that cannot be read and were kept for whoever looks.
    pub set_aside: u32,
    /// Messages that cannot be read and come again, and what reading each said.
    pub unreadable: Vec<(String, String)>,
    /// How many messages were acknowledged.
    pub acknowledged: u32,
    /// Those that could not be: they come again, which does no harm.
    pub unacknowledged: Vec<Unacknowledged>,
}

impl Recordings {
    /// Takes in what a batch of messages says, and acknowledges what is kept then.
    ///
    /// It may be called with the same messages again, after an error or a crash: each object becomes one recording.
    ///
    /// # Errors
    ///
    /// When the store is ill: no message is acknowledged then. Take the very same messages in again, and keep them in
    /// hand until then. That acknowledging failed is in the report.
    pub async fn ingest_once(
        &self,
        source: &dyn RecordingSource,
        messages: &[Message],
        now: Timestamp,
        ids: &NewIds,
    ) -> Result<Ingested, StoreError> {
        let mut ingested = Ingested::default();
        self.take_in(messages, now, ids, &mut ingested).await?;
        // A source that cannot say may well set them aside itself: then they are only received more often.
        let are_ours =
            messages.iter().any(is_worn_out) && matches!(source.sets_dead_letters_aside().await, Ok(false));
        let mut done = Vec::new();
        for message in messages {
            if self.is_done(message, are_ours, now, &mut ingested).await? {
                done.push(message.receipt.clone());
            }
        }
        self.acknowledge(source, done, &mut ingested).await;
        Ok(ingested)
    }

    async fn take_in(
        &self,
        messages: &[Message],
        now: Timestamp,
        ids: &NewIds,
        ingested: &mut Ingested,
    ) -> Result<(), StoreError> {
        ingested.others += messages.iter().map(|message| message.others).sum::<u32>();
        let announced = messages.iter().flat_map(|message| &message.notices);
        let (wanted, others): (Vec<_>, Vec<_>) =
            announced.partition(|notice| self.wanted().holds(&notice.object.bucket, &notice.object.key));
        ingested.others += u32::try_from(others.len()).unwrap_or(u32::MAX);
        if wanted.is_empty() {
            return Ok(());
        }
        let recordings = self.recordings_of(wanted.into_iter().cloned().collect(), now, ids).await?;
        let ids: Vec<_> = recordings.iter().map(|recording| (recording.id, recording.belongs_to)).collect();
        for ((id, belongs_to), taken_in) in ids.into_iter().zip(self.store().take_in(recordings).await?) {
            match taken_in {
                TakenIn::Stored { .. } => {
                    ingested.stored.push(id);
                    ingested.unmatched += u32::from(belongs_to.is_none());
                }
                TakenIn::Known { .. } | TakenIn::Outdated => ingested.known += 1,
            }
        }
        Ok(())
    }

    /// Whether a message whose objects are taken in can be acknowledged. Dead letters are ours if nobody else sets them
    /// aside.
    async fn is_done(
        &self,
        message: &Message,
        are_ours: bool,
        now: Timestamp,
        ingested: &mut Ingested,
    ) -> Result<bool, StoreError> {
        let Some(unreadable) = &message.unreadable else { return Ok(true) };
        if !(are_ours && is_worn_out(message)) {
            ingested.unreadable.push((message.id.clone(), unreadable.error.clone()));
            return Ok(false);
        }
        let letter = DeadLetter {
            id: message.id.clone(),
            body: unreadable.body.clone(),
            error: unreadable.error.clone(),
            at: now,
        };
        self.store().set_aside(letter).await?;
        ingested.set_aside += 1;
        Ok(true)
    }

    /// Acknowledges, and once more what could not be.
    async fn acknowledge(
        &self,
        source: &dyn RecordingSource,
        receipts: Vec<Receipt>,
        ingested: &mut Ingested,
    ) {
        let mut left = all_refused(receipts, "");
        for _ in 0..TRIES {
            if left.is_empty() {
                break;
            }
            let receipts: Vec<_> = left.iter().map(|left| left.receipt.clone()).collect();
            let asked = receipts.len();
            left = match source.acknowledge(&receipts).await {
                Ok(refused) => refused,
                Err(error) => all_refused(receipts, &error.to_string()),
            };
            ingested.acknowledged += u32::try_from(asked.saturating_sub(left.len())).unwrap_or(0);
        }
        ingested.unacknowledged = left;
    }
}

/// Whether a message that cannot be read was received as often as it needs to be.
fn is_worn_out(message: &Message) -> bool {
    message.unreadable.is_some() && message.receives >= RECEIVES_BEFORE_SET_ASIDE
}

fn all_refused(receipts: Vec<Receipt>, error: &str) -> Vec<Unacknowledged> {
    receipts.into_iter().map(|receipt| Unacknowledged { receipt, error: error.to_owned() }).collect()
}
