//! What is asked for is found without reading what is not: told by PostgreSQL itself, of the statements that the store
//! sends.

use std::time::Duration;

use reflector_core::store::{DueClaim, MeetingStore};
use reflector_core::testing::sample::{at, meeting_id};
use reflector_store_postgres::{PostgresOptions, PostgresStore, statements};
use reflector_test_postgres::{Schema, schema};
use serde_json::Value;

const DUE: u32 = 1_000;

/// A million rows, of which one in a thousand is due, scattered over the table.
const ROWS: &str = "
INSERT INTO deadlines (meeting, next_at, due_at, fingerprint, open)
SELECT ('00000000-0000-3ee7-0000-' || lpad(to_hex(n), 12, '0'))::uuid, due, due, 7, true
FROM (
    SELECT n, 1790000000123457 + 1000000::bigint * CASE WHEN n % 1000 = 7 THEN 60 ELSE 3600 + n END AS due
    FROM generate_series(0, 999999) AS n
) AS rows;
ANALYZE deadlines";

#[tokio::test]
async fn a_sweep_reads_what_is_due_and_not_every_active_meeting() {
    let schema = schema();
    let url = schema.url().to_owned().into();
    let store = PostgresStore::connect(&url, PostgresOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    schema.sql(ROWS);
    let sweep = DueClaim { now: at(60), until: at(65), limit: 2_000 };

    for limit in [10, 2_000, 100_000] {
        let values = format!("{}, {}, {limit}", sweep.now.as_micros(), sweep.until.as_micros());
        let (plan, text) = plan(&schema, statements::DUE, "bigint, bigint, bigint", &values);
        let mut nodes = Vec::new();
        collect(&plan[0]["Plan"], &mut nodes);

        let given = u64::from(DUE).min(limit);
        let of_table: Vec<_> = nodes.iter().filter(|node| node["Relation Name"] == "deadlines").collect();
        assert!(of_table.iter().all(|node| node["Node Type"] != "Seq Scan"), "{text}");
        let scan = of_table.iter().find(|node| node["Index Name"] == "deadlines_next").expect(&text);
        assert_eq!(scan["Actual Rows"].as_f64(), Some(given as f64), "exactly the due rows are read: {text}");
        assert_eq!(scan["Rows Removed by Filter"].as_u64().unwrap_or(0), 0, "{text}");

        // A row costs a few pages of the index and of the table, to find and to change it; the table has thousands.
        let buffers = |node: &Value| {
            node["Shared Hit Blocks"].as_u64().unwrap() + node["Shared Read Blocks"].as_u64().unwrap()
        };
        assert!(buffers(scan) <= 3 * given + 10, "{} for {given}: {text}", buffers(scan));
        assert!(
            buffers(&plan[0]["Plan"]) <= 25 * given + 50,
            "{} for {given}: {text}",
            buffers(&plan[0]["Plan"])
        );
    }

    // And the store itself, over and over, so that a plan that was kept would show.
    let mut given = Vec::new();
    for _ in 0..20 {
        given.extend(store.due(DueClaim { limit: 50, ..sweep }).await.unwrap());
    }
    let expected: Vec<_> = (0..DUE).map(|n| meeting_id(n * 1_000 + 7)).collect();
    assert_eq!(given, expected);
    assert_eq!(store.due(sweep).await.unwrap(), [], "they are claimed");
    assert_eq!(store.next_due().await.unwrap(), Some(at(65)));
    let later = DueClaim { now: at(65), until: at(65) + Duration::from_secs(5), limit: 1 };
    assert_eq!(store.due(later).await.unwrap(), [meeting_id(7)]);
}

/// A hundred thousand recordings of a thousand rooms, each with an owner; of a hundred nobody knows the meeting.
const RECORDINGS: &str = "
INSERT INTO rooms (id, name, owner, is_shared, policy, document)
SELECT ('00000000-0000-0b00-0000-' || lpad(to_hex(n), 12, '0'))::uuid, 'room-' || n, 'owner-' || n, false, '', ''
FROM generate_series(0, 999) AS n;
INSERT INTO recordings (bucket, key, revision, object, id, version, received_at, room_id, status, document)
SELECT 'bucket', 'key-' || n, 1, sha256(n::text::bytea),
    ('00000000-0000-04ec-0000-' || lpad(to_hex(n), 12, '0'))::uuid, 1, n,
    CASE WHEN n % 1000 > 0 THEN ('00000000-0000-0b00-0000-' || lpad(to_hex(n % 1000), 12, '0'))::uuid END,
    CASE WHEN n % 1000 > 0 THEN 'completed' ELSE 'unmatched' END, repeat('x', 500)
FROM generate_series(0, 99999) AS n;
INSERT INTO meetings (
    id, room_id, version, created_at, start_at, forced, provider, room_name, entries, has_history, document
)
SELECT ('00000000-0000-3ee7-0000-' || lpad(to_hex(n), 12, '0'))::uuid, '00000000-0000-0b00-0000-000000000001', 1, n, n,
    false, 'whereby', 'place-' || n, 0, false, ''
FROM generate_series(0, 9999) AS n;
INSERT INTO dead_letters (id, whole_id, body, error, at) SELECT n, n, '', '', n FROM generate_series(0, 9999) AS n;
ANALYZE rooms, recordings, meetings, dead_letters";

async fn with_recordings() -> Schema {
    let schema = schema();
    let url = schema.url().to_owned().into();
    let store = PostgresStore::connect(&url, PostgresOptions::default()).await.expect("the cluster is up");
    store.migrate().await.expect("an empty schema can be migrated");
    schema.sql(RECORDINGS);
    schema
}

#[tokio::test]
async fn a_page_of_recordings_reads_that_page_and_not_all_of_them() {
    let schema = with_recordings().await;
    let (listing, found) = ("text, uuid, bigint, bigint", "bigint, bigint, uuid, bigint");
    let of_room = "NULL, '00000000-0000-0b00-0000-000000000007', 10, 20";
    let after = "1000, 5000, '00000000-0000-04ec-0000-000000001388', 20";
    for (statement, types, values, index, read) in [
        (statements::LIST_RECORDINGS, listing, "NULL, NULL, 10, 20", "recordings_by_age", 30.0),
        (statements::LIST_RECORDINGS, listing, "'unmatched', NULL, 10, 20", "recordings_by_status", 30.0),
        (statements::LIST_RECORDINGS, listing, of_room, "recordings_of_room", 30.0),
        (statements::UNMATCHED, found, after, "recordings_by_status", 20.0),
        (statements::DEAD_LETTERS, "bigint, bigint", "10, 20", "dead_letters_by_age", 30.0),
    ] {
        let (plan, text) = plan(&schema, statement, types, values);
        let mut nodes = Vec::new();
        collect(&plan[0]["Plan"], &mut nodes);
        let page = nodes.iter().find(|node| node["Node Type"] == "Limit").expect(&text);
        let mut nodes = Vec::new();
        collect(page, &mut nodes);
        let scan = nodes.iter().find(|node| node["Index Name"] == index).expect(&text);
        assert_eq!(scan["Actual Rows"].as_f64(), Some(read), "{text}");
        assert_eq!(scan["Rows Removed by Filter"].as_u64().unwrap_or(0), 0, "{text}");
    }
}

#[tokio::test]
async fn whose_recordings_these_are_and_what_is_there_of_them_is_found_by_indexes() {
    let schema = with_recordings().await;
    let taken_in = "'{bucket,bucket}', '{key-7,new}', '{\\x00,\\x01}', '{NULL,NULL}', '{0,0}', '{1,1}',
        '{00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000002}', '{1,1}', '{NULL,NULL}',
        '{unmatched,unmatched}', '{a,b}'";
    let of_owner = "NULL, NULL, 0, 20, 'owner-3'";
    for (statement, types, values, indexes) in [
        (
            statements::TAKE_IN,
            "text[], text[], bytea[], text[], int[], int[], uuid[], bigint[], uuid[], text[], text[]",
            taken_in,
            &["recordings_pkey", "recordings_object"][..],
        ),
        (
            statements::CANDIDATES,
            "text[], text[], uuid[]",
            "'{whereby,whereby}', '{place-7,place-8}', '{NULL,00000000-0000-3ee7-0000-000000000007}'",
            &["meetings_room_name", "meetings_pkey"],
        ),
        (
            statements::LIST_RECORDINGS_OF_OWNER,
            "text, uuid, bigint, bigint, text",
            of_owner,
            &["recordings_of_room"],
        ),
    ] {
        let (plan, text) = plan(&schema, statement, types, values);
        let mut nodes = Vec::new();
        collect(&plan[0]["Plan"], &mut nodes);
        let whole =
            nodes.iter().find(|node| node["Node Type"] == "Seq Scan" && node["Relation Name"] != "rooms");
        assert_eq!(whole, None, "{text}");
        for index in indexes {
            assert!(nodes.iter().any(|node| node["Index Name"] == *index), "{index}: {text}");
        }
    }
}

/// How PostgreSQL went about a statement with values of these types, and that as it told it. Nothing of it stays.
fn plan(schema: &Schema, statement: &str, types: &str, values: &str) -> (Value, String) {
    let text = schema.sql(&format!(
        "SET client_min_messages = warning;
        PREPARE asked ({types}) AS {statement};
        BEGIN;
        EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE asked ({values});
        ROLLBACK"
    ));
    (serde_json::from_str(&text).expect("it was asked for as JSON"), text)
}

fn collect<'p>(node: &'p Value, nodes: &mut Vec<&'p Value>) {
    nodes.push(node);
    for child in node["Plans"].as_array().into_iter().flatten() {
        collect(child, nodes);
    }
}
