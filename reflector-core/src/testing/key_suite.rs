//! The suite that every [`KeyStore`] passes: one case for each sentence of its contract, under its name.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use uuid::Uuid;

use crate::ids::ApiKeyId;
use crate::store::{ApiKey, KeyStore, Paging, StoreError, TokenHash};
use crate::testing::sample::at;

/// The suite for a store of API keys, as one test for each sentence of the port's contract.
///
/// It takes an async function that gives something that leads to a fresh, empty store: an `Arc` of it, or whatever
/// holds on to what it needs and dereferences to one.
#[macro_export]
macro_rules! key_suite {
    ($make:expr) => {
        $crate::key_suite! { @cases tests ($make) }
    };
    (@cases $what:tt $with:tt) => {
        $crate::key_suite! { @$what $with
            a_key_is_found_by_its_hash
            a_key_is_made_once
            a_revoked_key_is_found_no_more
            keys_are_listed_newest_first_in_pages
        }
    };
    (@tests ($make:expr) $($case:ident)*) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() -> ::core::result::Result<(), $crate::store::StoreError> {
                let harness = $make().await;
                $crate::testing::key_suite::$case(&*harness).await
            }
        )*
    };
    (@names () $($case:ident)*) => {
        &[$(stringify!($case)),*]
    };
}

/// The names of the cases.
pub const CASES: &[&str] = crate::key_suite!(@cases names ());

fn id(n: u8) -> ApiKeyId {
    ApiKeyId(Uuid::from_u128(n.into()))
}

fn hash(n: u8) -> TokenHash {
    TokenHash::new([n; 32])
}

fn key(n: u8, seconds: u64) -> ApiKey {
    let user = format!("user \u{1F511} {n}\n'\"").as_str().into();
    ApiKey { id: id(n), user, is_operator: n % 2 == 1, made_at: at(seconds), revoked_at: None }
}

pub async fn a_key_is_found_by_its_hash(keys: &dyn KeyStore) -> Result<(), StoreError> {
    keys.create_key(key(1, 10), hash(1)).await?;
    keys.create_key(key(2, 20), hash(2)).await?;
    assert_eq!(keys.find_key(hash(1)).await?, Some(key(1, 10)));
    assert_eq!(keys.find_key(hash(2)).await?, Some(key(2, 20)));
    assert_eq!(keys.find_key(hash(3)).await?, None);
    Ok(())
}

pub async fn a_key_is_made_once(keys: &dyn KeyStore) -> Result<(), StoreError> {
    keys.create_key(key(1, 10), hash(1)).await?;
    keys.create_key(key(1, 10), hash(1)).await?;
    let all = keys.list_keys(Paging { offset: 0, limit: 10 }).await?;
    assert_eq!((all.items, all.total), (vec![key(1, 10)], 1));
    Ok(())
}

pub async fn a_revoked_key_is_found_no_more(keys: &dyn KeyStore) -> Result<(), StoreError> {
    keys.create_key(key(1, 10), hash(1)).await?;
    keys.create_key(key(2, 10), hash(2)).await?;
    assert!(keys.revoke_key(id(1), at(30)).await?);
    assert_eq!(keys.find_key(hash(1)).await?, None);
    assert_eq!(keys.find_key(hash(2)).await?, Some(key(2, 10)), "another one is as it was");
    assert!(keys.revoke_key(id(1), at(40)).await?, "again is no mistake");
    let revoked = ApiKey { revoked_at: Some(at(30)), ..key(1, 10) };
    let all = keys.list_keys(Paging { offset: 0, limit: 10 }).await?;
    assert_eq!(all.items, [revoked, key(2, 10)]);
    assert!(!keys.revoke_key(id(3), at(30)).await?, "there is none");
    Ok(())
}

pub async fn keys_are_listed_newest_first_in_pages(keys: &dyn KeyStore) -> Result<(), StoreError> {
    for (n, seconds) in [(4, 20), (1, 10), (3, 20), (2, 30)] {
        keys.create_key(key(n, seconds), hash(n)).await?;
    }
    let ids = async |offset, limit| {
        let page = keys.list_keys(Paging { offset, limit }).await?;
        assert_eq!(page.total, 4);
        Ok::<_, StoreError>(page.items.into_iter().map(|key| key.id).collect::<Vec<_>>())
    };
    assert_eq!(ids(0, 10).await?, [id(2), id(3), id(4), id(1)]);
    assert_eq!(ids(1, 2).await?, [id(3), id(4)]);
    assert!(ids(4, 10).await?.is_empty() && ids(0, 0).await?.is_empty());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CASES;
    use crate::testing::contract::sentences;

    #[test]
    fn every_sentence_of_the_contract_is_a_case() {
        assert_eq!(CASES, sentences(include_str!("../store/key.rs")));
    }
}
