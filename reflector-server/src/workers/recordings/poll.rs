//! Taking in what a source announces. What is in hand stays in hand until it is kept.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use reflector_core::Timestamp;
use reflector_core::engine::Ingested;
use reflector_core::recording::{Message, Receipt};
use reflector_core::store::StoreError;
use tokio::time::sleep;
use tracing::{debug, error, info, warn};

use super::super::Chain;
use super::{Backoff, Intake, new_recording};
use crate::recordings::Feed;

/// How often a source is asked that answers at once that there is nothing.
const IDLE: Duration = Duration::from_secs(1);
/// The longest rest after a failure.
const LONGEST: Duration = Duration::from_secs(60);
/// How long a write that is under way may still take when it is time to stop.
const LAST: Duration = Duration::from_secs(5);

impl Intake {
    pub(super) async fn poll_loop(self, feed: Arc<Feed>) {
        let mut backoff = Backoff::up_to(LONGEST);
        while !self.worker.stop.is_cancelled() {
            let asked_at = self.worker.now();
            let answer = tokio::select! {
                // What has come is not dropped, also when it is time to stop.
                biased;
                answer = feed.source.receive() => answer,
                () = self.worker.stop.cancelled() => return,
            };
            let now = self.worker.now();
            feed.answered(&answer, now);
            let rest = match answer {
                Ok(mut messages) => {
                    backoff = Backoff::up_to(LONGEST);
                    if !messages.is_empty() && !self.worker.stop.is_cancelled() {
                        feed.source.receive_more(&mut messages).await;
                    }
                    let least = if messages.is_empty() { IDLE } else { Duration::ZERO };
                    self.received(&feed, &messages, asked_at).await;
                    least.saturating_sub(now.since(asked_at))
                }
                Err(_) => backoff.next(),
            };
            if !rest.is_zero() && !self.worker.pause(rest).await {
                return;
            }
        }
    }

    /// Takes a batch in, or gives it back: also if receiving it took so long that it may soon be in another hand.
    async fn received(&self, feed: &Feed, messages: &[Message], asked_at: Timestamp) {
        let now = self.worker.now();
        let ages = messages.iter().filter_map(|message| message.sent_at).map(|sent_at| now.since(sent_at));
        feed.metrics.received(messages.len(), ages.max().unwrap_or_default());
        if messages.is_empty() {
            return;
        }
        let receipts: Vec<_> = messages.iter().map(|message| message.receipt.clone()).collect();
        let half = feed.source.in_hand() / 2;
        let in_time = half.checked_sub(now.since(asked_at)).filter(|_| !self.worker.stop.is_cancelled());
        let is_done = match in_time {
            None => false,
            Some(extend_in) => tokio::select! {
                is_done = self.until_kept(feed, messages) => is_done,
                never = keep_in_hand(feed, &receipts, extend_in, half) => match never {},
                () = self.out_of_time() => false,
            },
        };
        if !is_done && let Err(error) = feed.source.give_back(&receipts).await {
            warn!(source = feed.name, error = %Chain(&error), "messages could not be given back: they come again later");
        }
    }

    async fn out_of_time(&self) {
        self.worker.stop.cancelled().await;
        sleep(LAST).await;
    }

    /// Tries until every message is kept, or left to come again because the store cannot read what it is about. `false`
    /// when it is time to stop.
    async fn until_kept(&self, feed: &Feed, messages: &[Message]) -> bool {
        let mut backoff = Backoff::up_to(LONGEST);
        let mut left = VecDeque::from([messages]);
        while let Some(batch) = left.front().copied() {
            match self.keep(feed, batch).await {
                Ok(()) => {
                    left.pop_front();
                    backoff = Backoff::up_to(LONGEST);
                }
                // Somebody has to look at it. Until then it holds up nothing else.
                Err(error @ StoreError::Corrupt { .. }) => {
                    left.pop_front();
                    match batch {
                        [message] => {
                            error!(source = feed.name, message_id = message.id, error = %Chain(&error), "a message cannot be taken in; it comes again")
                        }
                        several => left.extend(several.chunks(1)),
                    }
                }
                Err(error) => {
                    warn!(source = feed.name, messages = batch.len(), error = %Chain(&error), "recordings cannot be kept; they stay in hand");
                    if !self.worker.pause(backoff.next()).await {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Keeps what the messages say, and acknowledges them as far as that goes.
    async fn keep(&self, feed: &Feed, messages: &[Message]) -> Result<(), StoreError> {
        let (source, now) = (&*feed.source, self.worker.now());
        let ingested = self.recordings.ingest_once(source, messages, now, &new_recording).await?;
        feed.metrics.ingested(&ingested);
        report(feed.name, &ingested);
        Ok(())
    }
}

/// Extends messages, first after a while and then again and again.
async fn keep_in_hand(feed: &Feed, receipts: &[Receipt], first: Duration, then: Duration) -> Infallible {
    sleep(first).await;
    loop {
        if let Err(error) = feed.source.extend(receipts).await {
            warn!(source = feed.name, error = %Chain(&error), "messages could not be kept in hand: they may come twice");
        }
        sleep(then).await;
    }
}

fn report(source: &str, ingested: &Ingested) {
    let Ingested { known, others, unmatched, acknowledged, .. } = ingested;
    let stored = ingested.stored.len();
    debug!(source, stored, known, others, acknowledged, "took in a batch");
    for recording_id in &ingested.stored {
        info!(source, %recording_id, "a recording was taken in");
    }
    if *unmatched > 0 {
        warn!(
            source,
            unmatched,
            "nobody knows the meetings of recordings: `reflector recordings list --status unmatched`"
        );
    }
    for (message_id, error) in &ingested.unreadable {
        warn!(source, message_id, error, "a message cannot be read; it comes again");
    }
    if ingested.set_aside > 0 {
        let set_aside = ingested.set_aside;
        warn!(
            source,
            set_aside,
            "messages that cannot be read were set aside: `reflector recordings list --unreadable`"
        );
    }
    if let Some(first) = ingested.unacknowledged.first() {
        let unacknowledged = ingested.unacknowledged.len();
        warn!(
            source,
            unacknowledged,
            error = first.error,
            "messages could not be acknowledged: they come again, which does no harm"
        );
    }
}
