//! The suite that every [`ConsentStore`] passes: one case for each sentence of its contract, under its name.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use crate::ids::MeetingId;
use crate::store::{ConsentAnswer, ConsentStore, DeploymentKey, StoreError, TokenHash};
use crate::testing::sample::{at, meeting_id};

/// The suite for a store of answers, as one test for each sentence of the port's contract.
///
/// It takes an async function that gives something that leads to a fresh, empty store: an `Arc` of it, or whatever
/// holds on to what it needs and dereferences to one.
#[macro_export]
macro_rules! consent_suite {
    ($make:expr) => {
        $crate::consent_suite! { @cases tests ($make) }
    };
    (@cases $what:tt $with:tt) => {
        $crate::consent_suite! { @$what $with
            the_newest_answer_of_a_participant_counts
            one_denial_is_enough
            answers_of_other_meetings_do_not_count
            a_deployment_has_one_key
        }
    };
    (@tests ($make:expr) $($case:ident)*) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() -> ::core::result::Result<(), $crate::store::StoreError> {
                let harness = $make().await;
                $crate::testing::consent_suite::$case(&*harness).await
            }
        )*
    };
    (@names () $($case:ident)*) => {
        &[$(stringify!($case)),*]
    };
}

/// The names of the cases.
pub const CASES: &[&str] = crate::consent_suite!(@cases names ());

fn answer(meeting: MeetingId, who: u8, given: bool, seconds: u64) -> ConsentAnswer {
    ConsentAnswer { meeting, participant: TokenHash::new([who; 32]), given, at: at(seconds) }
}

pub async fn the_newest_answer_of_a_participant_counts(
    consents: &dyn ConsentStore,
) -> Result<(), StoreError> {
    let meeting = meeting_id(1);
    assert_eq!(consents.denied_at(meeting).await?, None, "nobody has answered");
    consents.answer(answer(meeting, 1, false, 20)).await?;
    assert_eq!(consents.denied_at(meeting).await?, Some(at(20)));
    consents.answer(answer(meeting, 1, true, 10)).await?;
    assert_eq!(consents.denied_at(meeting).await?, Some(at(20)), "an older answer came late");
    consents.answer(answer(meeting, 1, true, 20)).await?;
    assert_eq!(consents.denied_at(meeting).await?, Some(at(20)), "of the same instant the denial");
    consents.answer(answer(meeting, 1, true, 30)).await?;
    assert_eq!(consents.denied_at(meeting).await?, None);
    consents.answer(answer(meeting, 1, false, 30)).await?;
    assert_eq!(consents.denied_at(meeting).await?, Some(at(30)));
    Ok(())
}

pub async fn one_denial_is_enough(consents: &dyn ConsentStore) -> Result<(), StoreError> {
    let meeting = meeting_id(1);
    for (who, given, seconds) in [(1, true, 10), (2, false, 20), (3, false, 15), (4, true, 30)] {
        consents.answer(answer(meeting, who, given, seconds)).await?;
    }
    assert_eq!(consents.denied_at(meeting).await?, Some(at(20)), "the newest denial");
    consents.answer(answer(meeting, 2, true, 40)).await?;
    assert_eq!(consents.denied_at(meeting).await?, Some(at(15)));
    consents.answer(answer(meeting, 3, true, 40)).await?;
    assert_eq!(consents.denied_at(meeting).await?, None);
    Ok(())
}

pub async fn answers_of_other_meetings_do_not_count(consents: &dyn ConsentStore) -> Result<(), StoreError> {
    consents.answer(answer(meeting_id(1), 1, false, 10)).await?;
    consents.answer(answer(meeting_id(2), 1, true, 20)).await?;
    assert_eq!(consents.denied_at(meeting_id(1)).await?, Some(at(10)));
    assert_eq!(consents.denied_at(meeting_id(2)).await?, None);
    Ok(())
}

pub async fn a_deployment_has_one_key(consents: &dyn ConsentStore) -> Result<(), StoreError> {
    let offers: Vec<_> = (1..=16).map(|n| consents.key(DeploymentKey::new([n; 32]))).collect();
    let keys = futures::future::try_join_all(offers).await?;
    assert!(keys.iter().all(|key| *key == keys[0]), "there are several");
    assert!((1..=16).any(|n| keys[0] == DeploymentKey::new([n; 32])), "nobody offered this one");
    assert_eq!(consents.key(DeploymentKey::new([99; 32])).await?, keys[0]);
    assert!(!format!("{:?}", keys[0]).contains(char::is_numeric), "it is a secret");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CASES;
    use crate::testing::contract::sentences;

    #[test]
    fn every_sentence_of_the_contract_is_a_case_and_every_case_a_sentence() {
        assert_eq!(CASES, sentences(include_str!("../store/consent.rs")));
    }
}
