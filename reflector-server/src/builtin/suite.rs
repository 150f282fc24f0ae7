//! The cases that whatever keeps the connections passes: one for each sentence of the port's contract.

use std::time::Duration;

use reflector_core::Timestamp;
use reflector_core::provider::HowToClose;
use uuid::Uuid;

use super::connections::{
    Attach, Attached, Closing, Connections, Latest, Leaving, Left, Renewed, RoomSeen, Seat, TokenHash,
};

/// The cases as tests, for an expression that gives connections without rooms.
macro_rules! connections_suite {
    ($make:expr) => {
        $crate::builtin::suite::connections_suite! { @cases $make;
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
        }
    };
    (@cases $make:expr; $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::builtin::suite::$case(&$make).await;
            }
        )*
    };
}
pub(crate) use connections_suite;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000) + Duration::from_secs(seconds)
}

/// Until when somebody who came so many seconds into the story is in: ten seconds.
fn lease(seconds: u64) -> Timestamp {
    at(seconds + 10)
}

async fn ask(connections: &impl Connections, room: &str, before: Option<Uuid>, second: u64) -> Attached {
    let token = TokenHash::of(&Uuid::new_v4().to_string());
    connections.admit(room, token, at(second + 60), at(second)).await.unwrap();
    connections.attach(attach(room, token, before, second), at(second)).await.unwrap()
}

fn attach(room: &str, token: TokenHash, before: Option<Uuid>, second: u64) -> Attach {
    Attach { room: room.to_owned(), token, before, fresh: Uuid::new_v4(), until: lease(second), limit: 3 }
}

async fn join(connections: &impl Connections, room: &str, second: u64) -> (Seat, Latest) {
    match ask(connections, room, None, second).await {
        Attached::Joined { seat, latest } => (seat, latest),
        other => panic!("they should have joined: {other:?}"),
    }
}

async fn humans(connections: &impl Connections, room: &str, second: u64) -> u32 {
    match connections.look(room, at(second)).await.unwrap() {
        RoomSeen::Open { humans, .. } => humans,
        other => panic!("the room should be open: {other:?}"),
    }
}

pub(crate) async fn a_room_is_opened_once(connections: &impl Connections) {
    assert_eq!(connections.look("a", at(0)).await.unwrap(), RoomSeen::Unknown);
    connections.open("a", at(0)).await.unwrap();
    join(connections, "a", 1).await;
    connections.open("a", at(2)).await.unwrap();
    assert_eq!(connections.look("a", at(2)).await.unwrap(), RoomSeen::Open { opened_at: at(0), humans: 1 });
    connections.close("a", HowToClose::Force, at(3)).await.unwrap();
    connections.open("a", at(4)).await.unwrap();
    assert_eq!(connections.look("a", at(4)).await.unwrap(), RoomSeen::Open { opened_at: at(4), humans: 0 });
}

pub(crate) async fn a_token_lets_one_connection_in_once(connections: &impl Connections) {
    connections.open("a", at(0)).await.unwrap();
    connections.open("b", at(0)).await.unwrap();
    let token = TokenHash::of("secret");
    assert!(connections.admit("a", token, at(60), at(0)).await.unwrap());
    let try_at =
        |room: &'static str, token, second| connections.attach(attach(room, token, None, second), at(second));
    assert_eq!(try_at("b", token, 1).await.unwrap(), Attached::BadToken, "it was given for another room");
    assert_eq!(try_at("a", TokenHash::of("other"), 1).await.unwrap(), Attached::BadToken);
    assert!(matches!(try_at("a", token, 1).await.unwrap(), Attached::Joined { .. }));
    assert_eq!(try_at("a", token, 1).await.unwrap(), Attached::BadToken, "it is spent");
    let late = TokenHash::of("late");
    connections.admit("a", late, at(60), at(0)).await.unwrap();
    assert_eq!(try_at("a", late, 60).await.unwrap(), Attached::BadToken, "it has run out");
}

pub(crate) async fn who_is_in_is_counted_until_they_leave(connections: &impl Connections) {
    connections.open("a", at(0)).await.unwrap();
    let (ada, first) = join(connections, "a", 5).await;
    let (_, second) = join(connections, "a", 5).await;
    assert_eq!((first.humans, second.humans), (1, 2));
    // The clock has gone back.
    let Left::Left(third) = connections.leave(&ada, Leaving::Now, at(3)).await.unwrap() else {
        panic!("it was in")
    };
    assert_eq!(third.humans, 1);
    assert!(at(5) <= first.at && first.at < second.at && second.at < third.at);
    assert_eq!(connections.leave(&ada, Leaving::Now, at(6)).await.unwrap(), Left::Gone, "leaving is final");
    assert_eq!(humans(connections, "a", 6).await, 1);
}

pub(crate) async fn a_lease_that_ran_out_counts_as_left(connections: &impl Connections) {
    connections.open("a", at(0)).await.unwrap();
    let (seat, _) = join(connections, "a", 0).await;
    assert_eq!(humans(connections, "a", 9).await, 1);
    let early = connections.leave(&seat, Leaving::IfLapsed, at(9)).await.unwrap();
    assert_eq!(early, Left::NotYet { until: lease(0) });
    assert_eq!(humans(connections, "a", 10).await, 0);
    let left = connections.leave(&seat, Leaving::IfLapsed, at(10)).await.unwrap();
    assert!(matches!(left, Left::Left(Latest { humans: 0, .. })), "{left:?}");
}

pub(crate) async fn a_renewed_lease_is_not_lapsed(connections: &impl Connections) {
    connections.open("a", at(0)).await.unwrap();
    let (seat, _) = join(connections, "a", 0).await;
    // It had run out at 10.
    let renewed = connections.renew(&seat, lease(12), at(12)).await.unwrap();
    assert!(matches!(renewed, Renewed::In(Latest { humans: 1, .. })), "{renewed:?}");
    assert_eq!(humans(connections, "a", 21).await, 1);
    let left = connections.leave(&seat, Leaving::IfLapsed, at(21)).await.unwrap();
    assert_eq!(left, Left::NotYet { until: lease(12) });
    connections.leave(&seat, Leaving::IfLapsed, at(22)).await.unwrap();
    assert_eq!(connections.renew(&seat, lease(23), at(23)).await.unwrap(), Renewed::Gone);
}

pub(crate) async fn a_connection_whose_socket_dropped_goes_on_in_another(connections: &impl Connections) {
    connections.open("a", at(0)).await.unwrap();
    let (old, joined) = join(connections, "a", 0).await;
    connections.detach(&old).await.unwrap();
    assert_eq!(humans(connections, "a", 2).await, 1);
    let Attached::Resumed { seat, latest } = ask(connections, "a", Some(old.connection), 3).await else {
        panic!("it had not left");
    };
    assert_eq!((seat.connection, latest), (old.connection, joined));
    assert!(seat.socket > old.socket);
    assert_eq!(connections.leave(&old, Leaving::Now, at(4)).await.unwrap(), Left::Gone);
    assert_eq!(connections.renew(&old, lease(4), at(4)).await.unwrap(), Renewed::Gone);
    connections.detach(&old).await.unwrap();
    assert_eq!(humans(connections, "a", 12).await, 1, "the new socket's lease counts");
    let taken_over = ask(connections, "a", Some(old.connection), 12).await;
    assert!(
        matches!(taken_over, Attached::Joined { .. }),
        "the old socket's word has let somebody in: {taken_over:?}"
    );
}

pub(crate) async fn a_connection_that_is_in_is_not_taken_over(connections: &impl Connections) {
    connections.open("a", at(0)).await.unwrap();
    let (seat, _) = join(connections, "a", 0).await;
    let Attached::Joined { seat: other, latest } = ask(connections, "a", Some(seat.connection), 1).await
    else {
        panic!("a duplicated tab is one of its own");
    };
    assert_ne!(other.connection, seat.connection);
    assert_eq!(latest.humans, 2);
    assert!(matches!(connections.renew(&seat, lease(2), at(2)).await.unwrap(), Renewed::In(_)));
}

pub(crate) async fn a_connection_that_left_does_not_come_back(connections: &impl Connections) {
    connections.open("a", at(0)).await.unwrap();
    let (seat, _) = join(connections, "a", 0).await;
    connections.leave(&seat, Leaving::Now, at(1)).await.unwrap();
    let Attached::Joined { seat: other, .. } = ask(connections, "a", Some(seat.connection), 2).await else {
        panic!("leaving is final");
    };
    assert_ne!(other.connection, seat.connection);
}

pub(crate) async fn a_full_room_lets_nobody_in(connections: &impl Connections) {
    connections.open("a", at(0)).await.unwrap();
    let (seat, _) = join(connections, "a", 0).await;
    join(connections, "a", 0).await;
    join(connections, "a", 0).await;
    assert_eq!(ask(connections, "a", None, 1).await, Attached::Full);
    connections.detach(&seat).await.unwrap();
    assert!(matches!(ask(connections, "a", Some(seat.connection), 1).await, Attached::Resumed { .. }));
}

pub(crate) async fn an_occupied_room_is_not_closed_if_empty(connections: &impl Connections) {
    connections.open("a", at(0)).await.unwrap();
    connections.open("b", at(0)).await.unwrap();
    let (dropped, _) = join(connections, "a", 0).await;
    connections.detach(&dropped).await.unwrap();
    join(connections, "b", 0).await;
    let if_empty = |room, second| connections.close(room, HowToClose::IfEmpty, at(second));
    assert_eq!(if_empty("a", 9).await.unwrap(), Closing::Occupied(1), "it may still come back");
    assert_eq!(if_empty("a", 10).await.unwrap(), Closing::Closed);
    assert_eq!(if_empty("a", 11).await.unwrap(), Closing::NotOpen);
    assert_eq!(connections.close("b", HowToClose::Force, at(1)).await.unwrap(), Closing::Closed);
    assert_eq!(if_empty("c", 1).await.unwrap(), Closing::NotOpen);
}

pub(crate) async fn a_closed_room_lets_nobody_in(connections: &impl Connections) {
    connections.open("a", at(0)).await.unwrap();
    let (seat, _) = join(connections, "a", 0).await;
    let token = TokenHash::of("given before");
    connections.admit("a", token, at(60), at(0)).await.unwrap();
    connections.close("a", HowToClose::Force, at(1)).await.unwrap();
    assert_eq!(connections.look("a", at(1)).await.unwrap(), RoomSeen::Closed);
    assert!(!connections.admit("a", TokenHash::of("new"), at(60), at(1)).await.unwrap());
    assert_eq!(connections.attach(attach("a", token, None, 1), at(1)).await.unwrap(), Attached::Closed);
    assert_eq!(connections.renew(&seat, lease(1), at(1)).await.unwrap(), Renewed::Closed);
    assert_eq!(connections.leave(&seat, Leaving::Now, at(1)).await.unwrap(), Left::Gone);
}

pub(crate) async fn open_rooms_are_listed_by_name(connections: &impl Connections) {
    for room in ["x-3", "x-1", "y-1", "x-2", "x-4"] {
        connections.open(room, at(0)).await.unwrap();
    }
    connections.close("x-2", HowToClose::Force, at(1)).await.unwrap();
    assert_eq!(connections.rooms("x-", None, 2).await.unwrap(), ["x-1", "x-3"]);
    assert_eq!(connections.rooms("x-", Some("x-3"), 2).await.unwrap(), ["x-4"]);
    assert!(connections.rooms("x-", Some("x-4"), 2).await.unwrap().is_empty());
}
