//! The queue: what is received from it. What becomes of messages in hand stands in [`settle`](crate::settle).

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message as Received, MessageSystemAttributeName, QueueAttributeName};
use reflector_core::Timestamp;
use reflector_core::recording::{Message, Receipt, SourceError, Unreadable};
use serde_json::Value;

use crate::notice;
use crate::time_outs::TimeOuts;
use crate::trouble::{Asked, On, Trouble};

/// How long a message is in hand unless something else is said, in seconds: what AWS advises for work that may have to
/// be extended.
pub(crate) const IN_HAND: i32 = 120;
/// How many messages SQS gives or takes in one call at most.
pub(crate) const BATCH: i32 = 10;

/// How many messages are taken in hand together at most: where there are many, one write keeps them all.
const TOGETHER: usize = 100;

/// A queue that buckets notify.
pub(crate) struct Queue {
    pub(crate) client: Client,
    /// The same with time for SQS to wait.
    pub(crate) patient: Client,
    pub(crate) url: String,
    /// For how many seconds SQS waits for a message before it says that there is none.
    pub(crate) wait: i32,
    /// For how many seconds a message is in hand.
    pub(crate) in_hand: i32,
    pub(crate) time_outs: TimeOuts,
}

impl Queue {
    pub(crate) fn new(client: Client, url: String, wait: i32, time_outs: TimeOuts) -> Self {
        let patient = client.clone();
        Self { client, patient, url, wait, in_hand: IN_HAND, time_outs }.fitted()
    }

    /// The same, once it was changed: calls are waited for as long as it says now.
    pub(crate) fn fitted(self) -> Self {
        let with = |time_outs| {
            Client::from_conf(self.client.config().to_builder().timeout_config(time_outs).build())
        };
        let waited = Duration::from_secs(u64::try_from(self.waited()).unwrap_or(0));
        let patient = with(self.time_outs.of_a_call_that_waits(waited));
        Self { client: with(self.time_outs.of_a_call()), patient, ..self }
    }

    pub(crate) async fn receive(&self) -> Result<Vec<Message>, SourceError> {
        self.receive_from(&self.patient, self.waited()).await
    }

    /// Until fewer come than could: then there are no more. What fails is told when it is asked for the next time.
    pub(crate) async fn receive_more(&self, received: &mut Vec<Message>) {
        let full = usize::try_from(BATCH).unwrap_or(1);
        let mut came = received.len();
        while came == full && received.len() + full <= TOGETHER {
            let more = self.receive_from(&self.client, 0).await.unwrap_or_default();
            came = more.len();
            received.extend(more);
        }
    }

    async fn receive_from(&self, client: &Client, wait: i32) -> Result<Vec<Message>, SourceError> {
        let receive = client.receive_message().queue_url(&self.url).max_number_of_messages(BATCH);
        let receive = receive.wait_time_seconds(wait).visibility_timeout(self.in_hand);
        let receive = receive
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let received = receive.send().await;
        let received = received.map_err(|error| Trouble::of(error, self.asked("sqs:ReceiveMessage")))?;
        Ok(received.messages.unwrap_or_default().into_iter().filter_map(message).collect())
    }

    /// For how many seconds SQS waits now. Nobody learns when it gave a message: who has waited for one for long must
    /// take it for one that is in hand for as long, and gives it back.
    fn waited(&self) -> i32 {
        self.wait.min((self.in_hand / 4).max(1))
    }

    pub(crate) async fn sets_dead_letters_aside(&self) -> Result<bool, SourceError> {
        let name = QueueAttributeName::RedrivePolicy;
        let attributes =
            self.client.get_queue_attributes().queue_url(&self.url).attribute_names(name.clone());
        let asked = self.asked("sqs:GetQueueAttributes");
        let attributes = attributes.send().await.map_err(|error| Trouble::of(error, asked))?;
        let policy = attributes.attributes().and_then(|attributes| attributes.get(&name));
        let policy: Option<Value> = policy.and_then(|policy| serde_json::from_str(policy).ok());
        let target = policy.as_ref().and_then(|policy| policy.get("deadLetterTargetArn")?.as_str());
        Ok(target.is_some_and(|target| !target.is_empty()))
    }

    pub(crate) fn asked(&self, permission: &'static str) -> Asked<'_> {
        Asked { permission, on: On::Queue(&self.url) }
    }
}

/// A message as it was received. Nothing without a receipt: it could not be taken out, and comes again.
fn message(received: Received) -> Option<Message> {
    let attribute = |name| received.attributes()?.get(&name)?.parse::<i64>().ok();
    let receives = attribute(MessageSystemAttributeName::ApproximateReceiveCount);
    let sent_at = attribute(MessageSystemAttributeName::SentTimestamp);
    let (receives, sent_at) = (
        receives.and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
        // It comes in milliseconds.
        sent_at.and_then(|millis| millis.checked_mul(1_000)).map(Timestamp::from_micros),
    );
    let body = received.body.unwrap_or_default();
    let said = notice::read(&body);
    Some(Message {
        receipt: Receipt(received.receipt_handle?),
        id: received.message_id.unwrap_or_default(),
        receives,
        sent_at,
        notices: said.notices,
        others: said.others,
        unreadable: said.unreadable.map(|error| Unreadable { body, error }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(attributes: &[(MessageSystemAttributeName, &str)]) -> Received {
        let mut received = Received::builder().message_id("m-1").receipt_handle("r-1").body("{}");
        for (name, value) in attributes {
            received = received.attributes(name.clone(), *value);
        }
        received.build()
    }

    #[test]
    fn a_message_tells_how_often_it_came_and_when_it_was_sent() {
        let told = message(received(&[
            (MessageSystemAttributeName::ApproximateReceiveCount, "3"),
            (MessageSystemAttributeName::SentTimestamp, "1698757775123"),
        ]))
        .unwrap();
        assert_eq!((told.id.as_str(), told.receipt.0.as_str(), told.receives), ("m-1", "r-1", 3));
        assert_eq!(told.sent_at, Some("2023-10-31T13:09:35.123Z".parse().unwrap()));
    }

    #[test]
    fn a_message_of_which_that_is_not_told_came_once_and_at_no_known_time() {
        for attributes in [&[][..], &[(MessageSystemAttributeName::SentTimestamp, "soon")]] {
            let told = message(received(attributes)).unwrap();
            assert_eq!((told.receives, told.sent_at), (1, None));
        }
    }

    #[test]
    fn a_message_that_cannot_be_read_has_its_whole_body() {
        let told = message(received(&[])).unwrap();
        assert_eq!(told.unreadable.map(|unreadable| unreadable.body).as_deref(), Some("{}"));
        let empty = message(Received::builder().receipt_handle("r-1").build()).unwrap();
        assert_eq!(empty.unreadable.map(|unreadable| unreadable.body).as_deref(), Some(""));
    }
}
