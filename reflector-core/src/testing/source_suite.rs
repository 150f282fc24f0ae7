//! The suite that every [`RecordingSource`] passes: one case for each sentence of its contract, under its name.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::collections::BTreeSet;
use std::fmt::Debug;

use async_trait::async_trait;

use crate::recording::{Message, Notice, Receipt, RecordingSource, SourceError};

/// A source with nothing in it, and the hands of those who put things there.
///
/// What is put there may be on its way for a while: a case receives until it came.
#[async_trait]
pub trait SourceHarness: Send + Sync + Debug {
    /// The source.
    fn source(&self) -> &dyn RecordingSource;

    /// Puts an object there, which is announced. Two of the same key differ in what they hold.
    async fn put(&self, key: &str);

    /// Sends a message that cannot be read, with this body. `false` if there are no such messages.
    async fn send_garbage(&self, body: &str) -> bool;
}

/// The suite for a source, as one test for each sentence of the port's contract.
///
/// It takes an async function that gives a [`SourceHarness`](crate::testing::source_suite::SourceHarness) around a
/// fresh, empty source.
#[macro_export]
macro_rules! source_suite {
    ($make:expr) => {
        $crate::source_suite! { @cases tests ($make) }
    };
    (@cases $what:tt $with:tt) => {
        $crate::source_suite! { @$what $with
            what_is_put_there_is_announced
            what_was_received_is_in_hand
            what_is_given_back_comes_again
            what_is_acknowledged_comes_no_more
            one_that_cannot_be_acknowledged_holds_up_no_other
            what_is_extended_stays_in_hand
            a_message_that_cannot_be_read_comes_with_its_body
            what_is_listed_is_what_was_announced
            a_listing_goes_on_where_a_page_ended
            what_is_put_again_is_another_version
            what_is_erased_is_there_no_more
        }
    };
    (@tests ($make:expr) $($case:ident)*) => {
        $(
            #[::tokio::test]
            async fn $case() -> ::core::result::Result<(), $crate::recording::SourceError> {
                let harness = $make().await;
                $crate::testing::source_suite::$case(&harness).await
            }
        )*
    };
    (@names () $($case:ident)*) => {
        &[$(stringify!($case)),*]
    };
}

/// The names of the cases.
pub const CASES: &[&str] = crate::source_suite!(@cases names ());

/// How often a case receives before it gives up on what should come.
const PATIENCE: u32 = 100;
/// How often nothing is received before a case believes that nothing comes.
const QUIET: u32 = 2;

type Answer = Result<(), SourceError>;

/// Receives until so many messages that say something have come; what says nothing is acknowledged on the way.
async fn received(harness: &impl SourceHarness, count: usize) -> Result<Vec<Message>, SourceError> {
    let mut all = Vec::new();
    for _ in 0..PATIENCE {
        let (some, nothing): (Vec<_>, Vec<_>) = harness
            .source()
            .receive()
            .await?
            .into_iter()
            .partition(|message| !message.notices.is_empty() || message.unreadable.is_some());
        acknowledge(harness, &nothing).await?;
        all.extend(some);
        if all.len() >= count {
            return Ok(all);
        }
    }
    panic!("of {count} messages {} came: {all:?}", all.len());
}

async fn nothing_comes(harness: &impl SourceHarness) -> Answer {
    for _ in 0..QUIET {
        let messages = harness.source().receive().await?;
        let announced: Vec<_> = messages.iter().flat_map(|message| &message.notices).collect();
        assert_eq!(announced, Vec::<&Notice>::new());
        assert!(messages.iter().all(|message| message.unreadable.is_none()), "{messages:?}");
    }
    Ok(())
}

async fn acknowledge(harness: &impl SourceHarness, messages: &[Message]) -> Answer {
    if !messages.is_empty() {
        assert_eq!(harness.source().acknowledge(&receipts(messages)).await?, []);
    }
    Ok(())
}

fn receipts(messages: &[Message]) -> Vec<Receipt> {
    messages.iter().map(|message| message.receipt.clone()).collect()
}

fn keys(messages: &[Message]) -> BTreeSet<&str> {
    messages.iter().flat_map(|message| &message.notices).map(|notice| notice.object.key.as_str()).collect()
}

async fn listed(harness: &impl SourceHarness) -> Result<Vec<Notice>, SourceError> {
    let mut all = Vec::new();
    let mut page: Option<String> = None;
    loop {
        let listing = harness.source().list(page.as_deref()).await?;
        all.extend(listing.notices);
        page = listing.next;
        if page.is_none() {
            return Ok(all);
        }
    }
}

pub async fn what_is_put_there_is_announced(harness: &impl SourceHarness) -> Answer {
    nothing_comes(harness).await?;
    let all = ["a.mp4", "a folder/Größe + 100%.mp4", "deep/er/b-2023-10-31T13:09:35Z.mp4"];
    for key in all {
        harness.put(key).await;
    }
    let messages = received(harness, all.len()).await?;
    assert_eq!(keys(&messages), BTreeSet::from(all));
    for message in &messages {
        assert_eq!((message.receives, message.unreadable.as_ref()), (1, None));
        assert!(message.notices.iter().all(|notice| notice.size > 0), "{message:?}");
    }
    Ok(())
}

pub async fn what_was_received_is_in_hand(harness: &impl SourceHarness) -> Answer {
    harness.put("a.mp4").await;
    received(harness, 1).await?;
    nothing_comes(harness).await
}

pub async fn what_is_given_back_comes_again(harness: &impl SourceHarness) -> Answer {
    harness.put("a.mp4").await;
    let first = received(harness, 1).await?;
    harness.source().give_back(&receipts(&first)).await?;
    let again = received(harness, 1).await?;
    assert_eq!((again[0].id.as_str(), again[0].receives), (first[0].id.as_str(), 2));
    assert_eq!(again[0].notices, first[0].notices);
    Ok(())
}

pub async fn what_is_acknowledged_comes_no_more(harness: &impl SourceHarness) -> Answer {
    harness.put("a.mp4").await;
    harness.put("b.mp4").await;
    let messages = received(harness, 2).await?;
    acknowledge(harness, &messages[..1]).await?;
    harness.source().give_back(&receipts(&messages)).await?;
    assert_eq!(keys(&received(harness, 1).await?), keys(&messages[1..]));
    nothing_comes(harness).await
}

pub async fn one_that_cannot_be_acknowledged_holds_up_no_other(harness: &impl SourceHarness) -> Answer {
    for n in 0..12 {
        harness.put(&format!("{n}.mp4")).await;
    }
    let messages = received(harness, 12).await?;
    let mut all = receipts(&messages);
    let stranger = Receipt("nobody gave this one out".to_owned());
    all.insert(3, stranger.clone());
    let left = harness.source().acknowledge(&all).await?;
    assert_eq!(left.iter().map(|left| &left.receipt).collect::<Vec<_>>(), [&stranger]);
    assert!(!left[0].error.is_empty());
    harness.source().give_back(&receipts(&messages)).await?;
    nothing_comes(harness).await
}

pub async fn what_is_extended_stays_in_hand(harness: &impl SourceHarness) -> Answer {
    harness.put("a.mp4").await;
    let messages = received(harness, 1).await?;
    harness.source().extend(&receipts(&messages)).await?;
    nothing_comes(harness).await?;
    acknowledge(harness, &messages).await
}

pub async fn a_message_that_cannot_be_read_comes_with_its_body(harness: &impl SourceHarness) -> Answer {
    let body = r#"{"Records":[{"eventName":"ObjectCreated:Put"#;
    harness.put("a.mp4").await;
    if !harness.send_garbage(body).await {
        return Ok(());
    }
    harness.put("b.mp4").await;
    let messages = received(harness, 3).await?;
    assert_eq!(keys(&messages), BTreeSet::from(["a.mp4", "b.mp4"]));
    let unreadable: Vec<_> = messages.iter().filter_map(|message| message.unreadable.as_ref()).collect();
    assert_eq!(unreadable.len(), 1);
    assert_eq!(unreadable[0].body, body);
    assert!(!unreadable[0].error.is_empty());
    Ok(())
}

pub async fn what_is_listed_is_what_was_announced(harness: &impl SourceHarness) -> Answer {
    for key in ["b c/Größe+1%.mp4", "a.mp4"] {
        harness.put(key).await;
    }
    let messages = received(harness, 2).await?;
    let announced: BTreeSet<_> =
        messages.into_iter().flat_map(|message| message.notices).map(|notice| notice.object).collect();
    let listed = listed(harness).await?;
    assert_eq!(listed.iter().map(|notice| notice.object.clone()).collect::<BTreeSet<_>>(), announced);
    assert!(listed.iter().all(|notice| notice.size > 0), "{listed:?}");
    Ok(())
}

pub async fn a_listing_goes_on_where_a_page_ended(harness: &impl SourceHarness) -> Answer {
    let all: BTreeSet<_> = (0..7).map(|n| format!("{n}.mp4")).collect();
    for key in &all {
        harness.put(key).await;
    }
    let listed = listed(harness).await?;
    assert_eq!(listed.len(), all.len(), "each stands there once");
    assert_eq!(listed.into_iter().map(|notice| notice.object.key).collect::<BTreeSet<_>>(), all);
    Ok(())
}

pub async fn what_is_put_again_is_another_version(harness: &impl SourceHarness) -> Answer {
    harness.put("a.mp4").await;
    let first = received(harness, 1).await?;
    acknowledge(harness, &first).await?;
    harness.put("a.mp4").await;
    let second = received(harness, 1).await?;
    let (first, second) = (&first[0].notices[0], &second[0].notices[0]);
    assert_ne!(first.object.version, second.object.version);
    let listed = listed(harness).await?;
    assert_eq!(listed.iter().map(|notice| &notice.object).collect::<Vec<_>>(), [&second.object]);
    Ok(())
}

pub async fn what_is_erased_is_there_no_more(harness: &impl SourceHarness) -> Answer {
    for _ in 0..2 {
        harness.put("a.mp4").await;
    }
    harness.put("a.mp4x").await;
    let there = listed(harness).await?;
    assert_eq!(there.len(), 2);
    for _ in 0..2 {
        harness.source().erase(&there[0].object).await?;
    }
    let left: Vec<_> = listed(harness).await?.into_iter().map(|notice| notice.object.key).collect();
    assert_eq!(left, ["a.mp4x"]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CASES;
    use crate::testing::contract::sentences;

    #[test]
    fn every_sentence_of_the_contract_is_a_case_and_every_case_a_sentence() {
        assert_eq!(CASES, sentences(include_str!("../recording/source.rs")));
    }
}
