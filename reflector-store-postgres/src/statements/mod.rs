//! The statements exactly as the store sends them, for tests and benchmarks that look at their plans.
//!
//! Every operation that happens often is one statement, and so one round trip and one transaction. Those of a row or two are
//! prepared once for each connection; those that give a part of an ordered index are planned anew with their values each
//! time, because a plan for any number of rows would read the whole table.

/// What is to be told, each of a room whose owner listens, once, where this relation has a row.
macro_rules! owing {
    ($where:literal, $id:literal, $whole:literal, $room:literal, $event:literal, $body:literal, $at:literal) => {
        concat!(
            "
    INSERT INTO notices (id, whole_id, room_id, event, body, owed_at, ready_at)
    SELECT notice.id, notice.whole_id, notice.room_id, notice.event, notice.body, notice.owed_at, notice.owed_at
    FROM ",
            $where,
            ", unnest(",
            $id,
            "::text[], ",
            $whole,
            "::text[], ",
            $room,
            "::uuid[], ",
            $event,
            "::text[], ",
            $body,
            "::text[], ",
            $at,
            "::bigint[])
        WITH ORDINALITY AS notice (id, whole_id, room_id, event, body, owed_at, place)
    WHERE EXISTS (SELECT FROM rooms WHERE rooms.id = notice.room_id AND rooms.listens)
    ORDER BY notice.id, notice.place
    ON CONFLICT DO NOTHING
"
        )
    };
}

mod connections;
mod effects;
mod meetings;
mod notices;
mod others;
mod recordings;
mod tally;
mod transcripts;

pub use connections::*;
pub use effects::*;
pub use meetings::*;
pub use notices::*;
pub use others::*;
pub use recordings::*;
pub use tally::*;
pub use transcripts::*;
