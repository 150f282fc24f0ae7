//! The same in PostgreSQL. It makes most of the rows itself: those that are never read need no life of their own.

use std::sync::Arc;

use reflector_core::store::{MeetingStore, RoomStore};
use reflector_store_postgres::{PostgresOptions, PostgresStore};
use reflector_test_postgres::{Cluster, Schema};

use super::{Count, OF_A_ROOM, Town, engine, new_meeting, rooms};

/// How many rooms there are, however many meetings.
const ROOMS: u32 = 1_000;
/// How many meetings are made at a time.
const AT_A_TIME: usize = 16;

impl Town {
    /// One in a schema of its own. The server may be one that keeps no promises: waiting for the disk would only make the
    /// two towns more alike.
    pub(crate) async fn in_postgres(cluster: &Cluster, active: u32) -> Self {
        let schema = cluster.schema();
        let url = schema.url().to_owned().into();
        let store = PostgresStore::connect(&url, PostgresOptions::default()).await.expect("it is up");
        store.migrate().await.expect("the schema is empty");
        let store = Arc::new(store);
        let count = Count::of(active);
        make_due(&store, count).await;
        fill(&schema, count);
        Self { engine: engine(store), memory: None }
    }
}

/// Makes those that come to be due, and one that does not as a pattern for all the others.
async fn make_due(store: &Arc<PostgresStore>, count: Count) {
    let rooms = Arc::new(rooms(&**store as &dyn RoomStore, ROOMS).await);
    let pattern = (0..count.all).find(|n| count.round_of(*n).is_none()).expect("not all are due");
    let due = (0..count.all).filter(|n| count.round_of(*n).is_some());
    let numbers: Arc<Vec<_>> = Arc::new(due.chain([pattern]).collect());
    let makers: Vec<_> = (0..AT_A_TIME)
        .map(|first| {
            let (store, rooms, numbers) = (Arc::clone(store), Arc::clone(&rooms), Arc::clone(&numbers));
            tokio::spawn(async move {
                for n in numbers.iter().skip(first).step_by(AT_A_TIME) {
                    let new = new_meeting(*n, &rooms, count.round_of(*n));
                    store.create(new).await.expect("it is kept");
                }
            })
        })
        .collect();
    for maker in makers {
        maker.await.expect("they are kept");
    }
}

/// Puts the others around them: all stand in the order of their numbers, with the size that they have in life.
fn fill(schema: &Schema, count: Count) {
    let Count { all, every } = count;
    let number = |id: &str| format!("('x' || right({id}::text, 8))::bit(32)::integer AS n");
    let (of_meeting, of_deadline) = (number("id"), number("meeting"));
    let id = "('00000000-0000-3ee7-0000-' || lpad(to_hex(one.n), 12, '0'))::uuid";
    schema.sql(&format!(
        "SET client_min_messages = warning;
        CREATE TABLE due AS SELECT *, {of_meeting} FROM meetings;
        CREATE TABLE due_at AS SELECT *, {of_deadline} FROM deadlines;
        TRUNCATE meetings, deadlines;
        INSERT INTO meetings
        SELECT {id}, any_room.id, 1, live.created_at, live.start_at, NULL, false, NULL, live.provider,
            'external-' || one.n, 'sample-' || one.n, live.entries, live.has_history,
            coalesce(due.document, live.document)
        FROM generate_series(0, {all} - 1) AS one (n)
        LEFT JOIN due ON due.n = one.n
        JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM rooms) AS any_room
            ON any_room.place = one.n / {OF_A_ROOM} % {ROOMS}
        CROSS JOIN (SELECT * FROM due WHERE n % {every} <> 0 LIMIT 1) AS live;
        INSERT INTO deadlines
        SELECT {id}, coalesce(due.next_at, live.next_at + one.n), coalesce(due.due_at, live.due_at + one.n),
            live.fingerprint, true
        FROM generate_series(0, {all} - 1) AS one (n)
        LEFT JOIN due_at AS due ON due.n = one.n
        CROSS JOIN (SELECT * FROM due_at WHERE n % {every} <> 0 LIMIT 1) AS live;
        DROP TABLE due, due_at"
    ));
    schema.sql("VACUUM ANALYZE");
}
