//! The suite that every [`ConnectionStore`] passes: one case for each sentence of its contract, under its name.
#![expect(missing_docs, reason = "the name of a case is its sentence")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use uuid::Uuid;

use crate::provider::HowToClose;
use crate::store::{
    Attach, Attached, CLOSED_ROOM_KEPT, Closing, ConnectionStore, Latest, Leaving, Left, Renewed, RoomSeen,
    Seat, StoreError, TokenHash,
};
use crate::time::Timestamp;

/// The suite for a store of connections, as one test for each sentence of the port's contract.
///
/// It takes an async function that gives something that leads to a fresh, empty store: an `Arc` of it, or whatever
/// holds on to what it needs and dereferences to one.
#[macro_export]
macro_rules! connection_suite {
    ($make:expr) => {
        $crate::connection_suite! { @cases tests ($make) }
    };
    (@cases $what:tt $with:tt) => {
        $crate::connection_suite! { @$what $with
            a_room_is_opened_once
            a_token_lets_one_connection_in_once
            who_is_in_is_counted_until_they_leave
            a_lease_that_ran_out_counts_as_left
            a_renewed_lease_is_not_lapsed
            a_connection_whose_socket_dropped_goes_on_in_another
            a_connection_that_is_in_is_not_taken_over
            a_connection_that_left_does_not_come_back
            a_full_room_lets_nobody_in
            an_occupied_room_is_not_closed_if_empty
            a_closed_room_lets_nobody_in
            open_rooms_are_listed_by_name
            a_closed_room_is_forgotten_after_a_while
        }
    };
    (@tests ($make:expr) $($case:ident)*) => {
        $(
            #[::tokio::test]
            async fn $case() -> ::core::result::Result<(), $crate::store::StoreError> {
                let harness = $make().await;
                $crate::testing::connection_suite::$case(&*harness).await
            }
        )*
    };
    (@names () $($case:ident)*) => {
        &[$(stringify!($case)),*]
    };
}

/// The names of the cases.
pub const CASES: &[&str] = crate::connection_suite!(@cases names ());

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000) + Duration::from_secs(seconds)
}

/// Until when somebody who came so many seconds into the story is in: ten seconds.
fn lease(seconds: u64) -> Timestamp {
    at(seconds + 10)
}

/// What the token with this text is known by.
fn hash_of(text: &str) -> TokenHash {
    let mut hash = [0; 32];
    hash[..text.len()].copy_from_slice(text.as_bytes());
    TokenHash::new(hash)
}

/// A number that no other visit has.
fn fresh() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

async fn ask(
    connections: &dyn ConnectionStore,
    room: &str,
    before: Option<Uuid>,
    second: u64,
) -> Result<Attached, StoreError> {
    let token = hash_of(&fresh().to_string());
    connections.admit(room, token, at(second + 60), at(second)).await?;
    connections.attach(attach(room, token, before, second), at(second)).await
}

fn attach(room: &str, token: TokenHash, before: Option<Uuid>, second: u64) -> Attach {
    let fresh = Uuid::from_u128(0xC0 << 64 | u128::from(fresh()));
    Attach { room: room.to_owned(), token, before, fresh, until: lease(second), limit: 3 }
}

async fn join(
    connections: &dyn ConnectionStore,
    room: &str,
    second: u64,
) -> Result<(Seat, Latest), StoreError> {
    match ask(connections, room, None, second).await? {
        Attached::Joined { seat, latest } => Ok((seat, latest)),
        other => panic!("they should have joined: {other:?}"),
    }
}

async fn humans(connections: &dyn ConnectionStore, room: &str, second: u64) -> Result<u32, StoreError> {
    match connections.look(room, at(second)).await? {
        RoomSeen::Open { humans, .. } => Ok(humans),
        other => panic!("the room should be open: {other:?}"),
    }
}

pub async fn a_room_is_opened_once(connections: &dyn ConnectionStore) -> Result<(), StoreError> {
    assert_eq!(connections.look("a", at(0)).await?, RoomSeen::Unknown);
    connections.open("a", at(0)).await?;
    join(connections, "a", 1).await?;
    connections.open("a", at(2)).await?;
    assert_eq!(connections.look("a", at(2)).await?, RoomSeen::Open { opened_at: at(0), humans: 1 });
    connections.close("a", HowToClose::Force, at(3)).await?;
    connections.open("a", at(4)).await?;
    assert_eq!(connections.look("a", at(4)).await?, RoomSeen::Open { opened_at: at(4), humans: 0 });
    Ok(())
}

pub async fn a_token_lets_one_connection_in_once(
    connections: &dyn ConnectionStore,
) -> Result<(), StoreError> {
    connections.open("a", at(0)).await?;
    connections.open("b", at(0)).await?;
    let token = hash_of("secret");
    assert!(connections.admit("a", token, at(60), at(0)).await?);
    let try_at =
        |room: &'static str, token, second| connections.attach(attach(room, token, None, second), at(second));
    assert_eq!(try_at("b", token, 1).await?, Attached::BadToken, "it was given for another room");
    assert_eq!(try_at("a", hash_of("other"), 1).await?, Attached::BadToken);
    assert!(matches!(try_at("a", token, 1).await?, Attached::Joined { .. }));
    assert_eq!(try_at("a", token, 1).await?, Attached::BadToken, "it is spent");
    let late = hash_of("late");
    connections.admit("a", late, at(60), at(0)).await?;
    assert_eq!(try_at("a", late, 60).await?, Attached::BadToken, "it has run out");
    Ok(())
}

pub async fn who_is_in_is_counted_until_they_leave(
    connections: &dyn ConnectionStore,
) -> Result<(), StoreError> {
    connections.open("a", at(0)).await?;
    let (ada, first) = join(connections, "a", 5).await?;
    let (_, second) = join(connections, "a", 5).await?;
    assert_eq!((first.humans, second.humans), (1, 2));
    // The clock has gone back.
    let Left::Left(third) = connections.leave(&ada, Leaving::Now, at(3)).await? else { panic!("it was in") };
    assert_eq!(third.humans, 1);
    assert!(at(5) <= first.at && first.at < second.at && second.at < third.at);
    assert_eq!(connections.leave(&ada, Leaving::Now, at(6)).await?, Left::Gone, "leaving is final");
    assert_eq!(humans(connections, "a", 6).await?, 1);
    Ok(())
}

pub async fn a_lease_that_ran_out_counts_as_left(
    connections: &dyn ConnectionStore,
) -> Result<(), StoreError> {
    connections.open("a", at(0)).await?;
    let (seat, _) = join(connections, "a", 0).await?;
    assert_eq!(humans(connections, "a", 9).await?, 1);
    let early = connections.leave(&seat, Leaving::IfLapsed, at(9)).await?;
    assert_eq!(early, Left::NotYet { until: lease(0) });
    assert_eq!(humans(connections, "a", 10).await?, 0);
    let left = connections.leave(&seat, Leaving::IfLapsed, at(10)).await?;
    assert!(matches!(left, Left::Left(Latest { humans: 0, .. })), "{left:?}");
    Ok(())
}

pub async fn a_renewed_lease_is_not_lapsed(connections: &dyn ConnectionStore) -> Result<(), StoreError> {
    connections.open("a", at(0)).await?;
    let (seat, _) = join(connections, "a", 0).await?;
    // It had run out at 10.
    let renewed = connections.renew(&seat, lease(12), at(12)).await?;
    assert!(matches!(renewed, Renewed::In(Latest { humans: 1, .. })), "{renewed:?}");
    assert_eq!(humans(connections, "a", 21).await?, 1);
    let left = connections.leave(&seat, Leaving::IfLapsed, at(21)).await?;
    assert_eq!(left, Left::NotYet { until: lease(12) });
    connections.leave(&seat, Leaving::IfLapsed, at(22)).await?;
    assert_eq!(connections.renew(&seat, lease(23), at(23)).await?, Renewed::Gone);
    Ok(())
}

pub async fn a_connection_whose_socket_dropped_goes_on_in_another(
    connections: &dyn ConnectionStore,
) -> Result<(), StoreError> {
    connections.open("a", at(0)).await?;
    let (old, joined) = join(connections, "a", 0).await?;
    connections.detach(&old).await?;
    assert_eq!(humans(connections, "a", 2).await?, 1);
    let Attached::Resumed { seat, latest } = ask(connections, "a", Some(old.connection), 3).await? else {
        panic!("it had not left");
    };
    assert_eq!((seat.connection, latest), (old.connection, joined));
    assert!(seat.socket > old.socket);
    assert_eq!(connections.leave(&old, Leaving::Now, at(4)).await?, Left::Gone);
    assert_eq!(connections.renew(&old, lease(4), at(4)).await?, Renewed::Gone);
    connections.detach(&old).await?;
    assert_eq!(humans(connections, "a", 12).await?, 1, "the new socket's lease counts");
    let taken_over = ask(connections, "a", Some(old.connection), 12).await?;
    assert!(
        matches!(taken_over, Attached::Joined { .. }),
        "the old socket's word has let somebody in: {taken_over:?}"
    );
    Ok(())
}

pub async fn a_connection_that_is_in_is_not_taken_over(
    connections: &dyn ConnectionStore,
) -> Result<(), StoreError> {
    connections.open("a", at(0)).await?;
    let (seat, _) = join(connections, "a", 0).await?;
    let Attached::Joined { seat: other, latest } = ask(connections, "a", Some(seat.connection), 1).await?
    else {
        panic!("a duplicated tab is one of its own");
    };
    assert_ne!(other.connection, seat.connection);
    assert_eq!(latest.humans, 2);
    assert!(matches!(connections.renew(&seat, lease(2), at(2)).await?, Renewed::In(_)));
    Ok(())
}

pub async fn a_connection_that_left_does_not_come_back(
    connections: &dyn ConnectionStore,
) -> Result<(), StoreError> {
    connections.open("a", at(0)).await?;
    let (seat, _) = join(connections, "a", 0).await?;
    connections.leave(&seat, Leaving::Now, at(1)).await?;
    let Attached::Joined { seat: other, .. } = ask(connections, "a", Some(seat.connection), 2).await? else {
        panic!("leaving is final");
    };
    assert_ne!(other.connection, seat.connection);
    Ok(())
}

pub async fn a_full_room_lets_nobody_in(connections: &dyn ConnectionStore) -> Result<(), StoreError> {
    connections.open("a", at(0)).await?;
    let (seat, _) = join(connections, "a", 0).await?;
    join(connections, "a", 0).await?;
    join(connections, "a", 0).await?;
    assert_eq!(ask(connections, "a", None, 1).await?, Attached::Full);
    connections.detach(&seat).await?;
    assert!(matches!(ask(connections, "a", Some(seat.connection), 1).await?, Attached::Resumed { .. }));
    assert!(
        matches!(ask(connections, "a", None, 10).await?, Attached::Joined { .. }),
        "two leases have run out"
    );
    Ok(())
}

pub async fn an_occupied_room_is_not_closed_if_empty(
    connections: &dyn ConnectionStore,
) -> Result<(), StoreError> {
    connections.open("a", at(0)).await?;
    connections.open("b", at(0)).await?;
    let (dropped, _) = join(connections, "a", 0).await?;
    connections.detach(&dropped).await?;
    join(connections, "b", 0).await?;
    let if_empty = |room, second| connections.close(room, HowToClose::IfEmpty, at(second));
    assert_eq!(if_empty("a", 9).await?, Closing::Occupied(1), "it may still come back");
    assert_eq!(if_empty("a", 10).await?, Closing::Closed);
    assert_eq!(if_empty("a", 11).await?, Closing::NotOpen);
    assert_eq!(connections.close("b", HowToClose::Force, at(1)).await?, Closing::Closed);
    assert_eq!(if_empty("c", 1).await?, Closing::NotOpen);
    Ok(())
}

pub async fn a_closed_room_lets_nobody_in(connections: &dyn ConnectionStore) -> Result<(), StoreError> {
    connections.open("a", at(0)).await?;
    let (seat, _) = join(connections, "a", 0).await?;
    let token = hash_of("given before");
    connections.admit("a", token, at(60), at(0)).await?;
    connections.close("a", HowToClose::Force, at(1)).await?;
    assert_eq!(connections.look("a", at(1)).await?, RoomSeen::Closed);
    assert!(!connections.admit("a", hash_of("new"), at(60), at(1)).await?);
    assert_eq!(connections.attach(attach("a", token, None, 1), at(1)).await?, Attached::Closed);
    assert_eq!(connections.renew(&seat, lease(1), at(1)).await?, Renewed::Closed);
    assert_eq!(connections.leave(&seat, Leaving::Now, at(1)).await?, Left::Gone);
    Ok(())
}

pub async fn open_rooms_are_listed_by_name(connections: &dyn ConnectionStore) -> Result<(), StoreError> {
    for room in ["x-3", "x-1", "y-1", "x-2", "x-4"] {
        connections.open(room, at(0)).await?;
    }
    connections.close("x-2", HowToClose::Force, at(1)).await?;
    assert_eq!(connections.rooms("x-", None, 2).await?, ["x-1", "x-3"]);
    assert_eq!(connections.rooms("x-", Some("x-3"), 2).await?, ["x-4"]);
    assert!(connections.rooms("x-", Some("x-4"), 2).await?.is_empty());
    Ok(())
}

pub async fn a_closed_room_is_forgotten_after_a_while(
    connections: &dyn ConnectionStore,
) -> Result<(), StoreError> {
    let kept = CLOSED_ROOM_KEPT.as_secs();
    for (second, room) in [(0, "a"), (kept, "b"), (kept + 1, "c")] {
        connections.open(room, at(second)).await?;
        connections.close(room, HowToClose::Force, at(second)).await?;
        let seen = connections.look("a", at(second)).await?;
        assert_eq!(seen, if second > kept { RoomSeen::Unknown } else { RoomSeen::Closed });
    }
    assert_eq!(connections.look("b", at(kept + 1)).await?, RoomSeen::Closed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CASES;
    use crate::testing::contract::sentences;

    #[test]
    fn every_sentence_of_the_contract_is_a_case_and_every_case_a_sentence() {
        let promised = sentences(include_str!("../store/connection.rs"));
        assert!(promised.len() >= 13, "a sentence is lost, or is not read: {promised:?}");
        assert_eq!(CASES, promised);
    }
}
