//! The suite that every store passes: one case for each sentence of the ports' contracts, under its name.
//!
//! ```text
//! async fn empty() -> Arc<MyStore> {
//!     Arc::new(MyStore::default())
//! }
//!
//! reflector_core::store_suite!(empty);
//! ```
//!
//! The cases are plain functions over an empty store, and the macro only names them as tests. It needs the features
//! `macros` and `rt-multi-thread` of tokio: the cases in which many write at once do so on several threads.

pub mod commits;
pub mod deadlines;
pub mod deliveries;
pub mod effects;
pub mod hearing;
pub mod meetings;
pub mod reopening;
pub mod retention;
pub mod rooms;
mod world;

pub use world::{Durable, Harness, Spawn, World};
pub(super) use world::{RACERS, RACES};

/// The suite for a store, as one test for each sentence of the ports' contracts.
///
/// It takes an async function that gives a fresh, empty store behind an `Arc`, or a
/// [`Harness`](crate::testing::store_suite::Harness) that holds on to what the store needs. `durable` after it adds the
/// case `everything_is_there_after_reopening` for stores that outlive their process, whose harness is
/// [`Durable`](crate::testing::store_suite::Durable). See [`store_suite`](crate::testing::store_suite).
#[macro_export]
macro_rules! store_suite {
    ($make:expr) => {
        $crate::store_suite! { @cases tests ($make) }
    };
    ($make:expr, durable) => {
        $crate::store_suite! { @cases tests ($make) }

        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn everything_is_there_after_reopening() -> ::core::result::Result<(), $crate::store::StoreError> {
            let harness = $make().await;
            $crate::testing::store_suite::reopening::everything_is_there_after_reopening(&harness).await
        }
    };
    // The one list of the cases, for whoever wants to do something with each.
    (@cases $what:tt $with:tt) => {
        $crate::store_suite! { @$what $with
            meetings {
                a_created_meeting_is_loaded_as_it_was
                a_repeated_create_is_the_same_create
                a_claim_is_held_by_one_meeting_of_a_room
                a_released_claim_can_be_taken
                a_meeting_is_found_by_its_provider_room
                the_open_meetings_of_a_room_are_listed
                meetings_are_listed_oldest_first_in_pages
            }
            commits {
                a_commit_changes_everything_or_nothing
                a_commit_from_an_old_version_is_a_conflict
                a_delivery_is_taken_in_once
                history_is_numbered_in_order
            }
            deadlines {
                due_gives_what_is_due_and_nothing_else
                due_rows_are_claimed_for_a_while
                the_next_due_instant_is_told
                rows_of_another_policy_are_outdated
                a_changed_room_outdates_its_open_meetings
            }
            effects {
                owed_work_is_claimed_by_one_worker_at_a_time
                a_claim_that_runs_out_is_given_to_another
                settled_work_is_not_given_out_again
                work_that_failed_comes_again_at_its_time
                superseded_work_is_not_given_out
                a_lost_claim_settles_nothing
                the_next_owed_instant_is_told
            }
            deliveries {
                a_kept_delivery_waits_for_its_room
                a_delivery_is_kept_once
                a_forgotten_delivery_is_gone
                old_deliveries_are_dropped_in_batches
            }
            hearing {
                listening_goes_on_while_the_heart_beats
                a_gap_begins_listening_anew
                an_endpoint_is_heard_once_a_delivery_is_verified
                an_endpoint_that_is_configured_anew_must_prove_itself_again
                a_commit_that_takes_in_a_delivery_proves_the_endpoint
                a_hold_lasts_until_it_is_lifted
            }
            retention {
                the_history_of_meetings_closed_long_ago_is_dropped
                delivery_ids_of_long_ago_are_dropped
                settled_work_of_long_ago_is_dropped
                what_is_old_is_dropped_in_batches
            }
            rooms {
                a_room_is_found_by_id_and_by_name
                a_name_is_taken_once
                a_deleted_room_frees_its_name
                a_room_with_open_meetings_is_not_deleted
                rooms_are_listed_by_name_in_pages
                an_updated_room_keeps_its_name_and_id
            }
        }
    };
    (@tests ($make:expr) $($group:ident { $($case:ident)* })*) => {
        $($(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() -> ::core::result::Result<(), $crate::store::StoreError> {
                let harness = $make().await;
                let world = $crate::testing::store_suite::World::new(&harness, |task| {
                    ::tokio::spawn(task);
                });
                $crate::testing::store_suite::$group::$case(&world).await
            }
        )*)*
    };
    (@names () $($group:ident { $($case:ident)* })*) => {
        &[$($(stringify!($case)),*),*]
    };
}

/// The names of the cases.
pub const CASES: &[&str] = crate::store_suite!(@cases names ());

#[cfg(test)]
mod tests {
    use super::CASES;
    use crate::testing::contract::sentences;

    const PORTS: [(&str, &str, usize); 6] = [
        ("MeetingStore", include_str!("../../store/meeting.rs"), 16),
        ("EffectStore", include_str!("../../store/effect.rs"), 7),
        ("DeliveryStore", include_str!("../../store/delivery.rs"), 4),
        ("HearingStore", include_str!("../../store/hearing.rs"), 6),
        ("RetentionStore", include_str!("../../store/retention.rs"), 4),
        ("RoomStore", include_str!("../../store/room.rs"), 6),
    ];

    #[test]
    fn every_sentence_of_the_contracts_is_a_case_and_every_case_a_sentence() {
        let mut promised = Vec::new();
        for (port, source, at_least) in PORTS {
            let sentences = sentences(source);
            assert!(sentences.len() >= at_least, "{port} lost a sentence, or it is not read: {sentences:?}");
            promised.extend(sentences);
        }
        let mut cases = CASES.to_vec();
        promised.sort_unstable();
        cases.sort_unstable();
        assert_eq!(cases, promised);
    }
}
