//! Comings and goings are told to the engine, in order for each connection, until they are taken.

use std::time::Duration;

use reflector_core::Participant;
use reflector_core::provider::{Delivery, Fact, Movement, RoomAddress};
use reflector_core::store::{Latest, Seat};
use uuid::Uuid;

use super::{Meet, NAME};

const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// What a connection did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Did {
    Join,
    Leave,
}

impl Meet {
    /// Tells the engine, again and again if the store is ill. It gives up only when the server stops; then those who
    /// come back, and the engine's own asking, put right what was not told.
    pub(super) async fn report(&self, seat: &Seat, did: Did, latest: Latest) {
        let delivery = delivery(seat, did, latest);
        let mut wait = FIRST_RETRY;
        loop {
            match self.engine.deliver(&NAME.into(), &delivery, (self.clock)()).await {
                Ok(taken) => {
                    tracing::debug!(room = seat.room, kind = delivery.kind, ?taken, "told who came or went");
                    return;
                }
                Err(error) => {
                    tracing::warn!(room = seat.room, kind = delivery.kind, %error, "could not tell who came or went; trying again");
                }
            }
            if !self.wait(wait).await {
                return;
            }
            wait = (wait * 2).min(LONGEST_RETRY);
        }
    }
}

/// The message about it. Its id stays the same when it is told again, so that it is taken in once.
fn delivery(seat: &Seat, did: Did, latest: Latest) -> Delivery {
    let id = seat.connection.to_string();
    // The count is exact and ordered by `at`: without it a poll in between would count somebody twice.
    let movement =
        Movement { participant: Participant::human(&id), at: latest.at, humans: Some(latest.humans) };
    let (kind, fact) = match did {
        Did::Join => ("joined", Fact::Joined(movement)),
        Did::Leave => ("left", Fact::Left(movement)),
    };
    Delivery {
        id: Uuid::new_v4().to_string(),
        kind: kind.to_owned(),
        room: Some(RoomAddress { external_id: Some(seat.room.clone()), name: Some(seat.room.clone()) }),
        foreign: false,
        facts: vec![fact],
    }
}
