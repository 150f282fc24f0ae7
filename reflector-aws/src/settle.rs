//! What becomes of messages in hand: they go for good, or come again.

use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry as Change,
    DeleteMessageBatchRequestEntry as Delete,
};
use reflector_core::recording::{Receipt, SourceError, Unacknowledged};

use crate::queue::{BATCH, IN_HAND, Queue};
use crate::trouble::{Kind, Trouble, bare};

/// What deleting takes, and what changing when a message can be received again takes.
const DELETE: &str = "sqs:DeleteMessage";
const CHANGE: &str = "sqs:ChangeMessageVisibility";

/// What becomes of messages in hand.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// They go for good.
    Deleted,
    /// They can be received again in so many seconds.
    ReceivedIn(i32),
}

/// A message to which it did not happen, and the code that SQS gave for that.
struct Left {
    receipt: Receipt,
    code: String,
}

/// What SQS says of a batch: the ids of the entries that are done, and the others.
type Answer = (Vec<String>, Vec<BatchResultErrorEntry>);

impl Queue {
    pub(crate) async fn acknowledge(&self, receipts: &[Receipt]) -> Result<Vec<Unacknowledged>, SourceError> {
        let left = self.settle(receipts, Fate::Deleted).await?;
        let left = left.into_iter().map(|Left { receipt, code }| {
            let error = format!("SQS has not deleted it ({code})");
            Unacknowledged { receipt, error }
        });
        Ok(left.collect())
    }

    pub(crate) async fn give_back(&self, receipts: &[Receipt]) -> Result<(), SourceError> {
        self.receive_in(0, receipts).await
    }

    pub(crate) async fn extend(&self, receipts: &[Receipt]) -> Result<(), SourceError> {
        self.receive_in(IN_HAND, receipts).await
    }

    async fn receive_in(&self, seconds: i32, receipts: &[Receipt]) -> Result<(), SourceError> {
        let mut left = self.settle(receipts, Fate::ReceivedIn(seconds)).await?;
        left.retain(|left| !is_in_nobodys_hand(&left.code));
        let Some(first) = left.first() else { return Ok(()) };
        Err(SourceError::unavailable(format!(
            "SQS has not changed when {} messages can be received again ({})",
            left.len(),
            first.code
        )))
    }

    /// Does something to all messages, and gives those to which it was not done.
    async fn settle(&self, receipts: &[Receipt], fate: Fate) -> Result<Vec<Left>, SourceError> {
        let mut left = Vec::new();
        for chunk in receipts.chunks(usize::try_from(BATCH).unwrap_or(1)) {
            match self.settle_batch(chunk, fate).await {
                Ok(answer) => left.extend(left_of(chunk, &answer)),
                // It may be one of them that SQS does not like: the others need not wait for it.
                Err(trouble) if trouble.kind == Kind::Request => {
                    self.settle_each(chunk, fate, &mut left).await?;
                }
                Err(trouble) => return Err(trouble.into()),
            }
        }
        Ok(left)
    }

    async fn settle_each(
        &self,
        chunk: &[Receipt],
        fate: Fate,
        left: &mut Vec<Left>,
    ) -> Result<(), SourceError> {
        for receipt in chunk {
            match self.settle_one(receipt, fate).await {
                Ok(()) => {}
                Err(trouble) if trouble.kind == Kind::Request => {
                    left.push(Left { receipt: receipt.clone(), code: trouble.code });
                }
                Err(trouble) => return Err(trouble.into()),
            }
        }
        Ok(())
    }

    async fn settle_batch(&self, chunk: &[Receipt], fate: Fate) -> Result<Answer, Trouble> {
        match fate {
            Fate::Deleted => self.delete_batch(chunk).await,
            Fate::ReceivedIn(seconds) => self.change_batch(chunk, seconds).await,
        }
    }

    async fn delete_batch(&self, chunk: &[Receipt]) -> Result<Answer, Trouble> {
        let entry =
            |(id, receipt): (_, &Receipt)| Delete::builder().id(id).receipt_handle(&receipt.0).build().ok();
        let entries = numbered(chunk).filter_map(entry).collect();
        let call = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let answer = call.send().await.map_err(|error| Trouble::of(error, self.asked(DELETE)))?;
        Ok((answer.successful.into_iter().map(|done| done.id).collect(), answer.failed))
    }

    async fn change_batch(&self, chunk: &[Receipt], seconds: i32) -> Result<Answer, Trouble> {
        let entry = |(id, receipt): (_, &Receipt)| {
            Change::builder().id(id).receipt_handle(&receipt.0).visibility_timeout(seconds).build().ok()
        };
        let entries = numbered(chunk).filter_map(entry).collect();
        let call = self.client.change_message_visibility_batch().queue_url(&self.url);
        let answer = call.set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| Trouble::of(error, self.asked(CHANGE)))?;
        Ok((answer.successful.into_iter().map(|done| done.id).collect(), answer.failed))
    }

    async fn settle_one(&self, receipt: &Receipt, fate: Fate) -> Result<(), Trouble> {
        match fate {
            Fate::Deleted => {
                let call = self.client.delete_message().queue_url(&self.url).receipt_handle(&receipt.0);
                call.send().await.map(drop).map_err(|error| Trouble::of(error, self.asked(DELETE)))
            }
            Fate::ReceivedIn(seconds) => {
                let call = self.client.change_message_visibility().queue_url(&self.url);
                let call = call.receipt_handle(&receipt.0).visibility_timeout(seconds);
                call.send().await.map(drop).map_err(|error| Trouble::of(error, self.asked(CHANGE)))
            }
        }
    }
}

/// Receipts with ids that differ within a batch. Those of messages may not: one may have been received twice.
fn numbered(chunk: &[Receipt]) -> impl Iterator<Item = (String, &Receipt)> {
    chunk.iter().enumerate().map(|(index, receipt)| (index.to_string(), receipt))
}

/// The messages of which SQS does not say that it is done: also those of which it says nothing.
fn left_of(chunk: &[Receipt], (done, failed): &Answer) -> Vec<Left> {
    let left = numbered(chunk).filter(|(id, _)| !done.contains(id)).map(|(id, receipt)| {
        let code = failed.iter().find(|failed| failed.id == id).map(|failed| failed.code.clone());
        Left { receipt: receipt.clone(), code: code.unwrap_or_else(|| "it does not say why".to_owned()) }
    });
    left.collect()
}

/// Whether SQS says of a receipt that its message was deleted, was received again since, or cannot be held any longer:
/// twelve hours after it was received it comes again, whoever extends it.
fn is_in_nobodys_hand(code: &str) -> bool {
    matches!(bare(code), "InvalidParameterValue" | "MessageNotInflight" | "ReceiptHandleIsInvalid")
}
