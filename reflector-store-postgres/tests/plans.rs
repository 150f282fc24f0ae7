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
        reads_a_page(&schema, statement, types, values, index, read);
    }
}

#[tokio::test]
async fn whose_recordings_these_are_and_what_is_there_of_them_is_found_by_indexes() {
    let schema = with_recordings().await;
    let taken_in = "'{bucket,bucket}', '{key-7,new}', '{\\x00,\\x01}', '{NULL,NULL}', '{0,0}', '{1,1}',
        '{00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000002}', '{1,1}', '{NULL,NULL}',
        '{unmatched,unmatched}', '{a,b}', '{1,2}', '{1,2}',
        '{00000000-0000-0b00-0000-000000000001,00000000-0000-0b00-0000-000000000002}', '{a,b}', '{a,b}', '{1,1}'";
    let of_owner = "NULL, NULL, 0, 20, 'owner-3'";
    for (statement, types, values, indexes) in [
        (
            statements::TAKE_IN,
            "text[], text[], bytea[], text[], int[], int[], uuid[], bigint[], uuid[], text[], text[], text[], text[], \
                uuid[], text[], text[], bigint[]",
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
        reads_indexes(&schema, statement, types, values, indexes);
    }
}

/// A hundred open meetings among ten thousand that are over, and a hundred pieces of owed work among as many that are done.
/// They are made so and not changed: what was there before is not swept away while other tests look at their own.
const GOING_ON: &str = "
TRUNCATE meetings;
INSERT INTO meetings (
    id, room_id, version, created_at, start_at, closed_at, forced, provider, room_name, entries, has_history, document
)
SELECT ('00000000-0000-3ee7-0000-' || lpad(to_hex(n), 12, '0'))::uuid, '00000000-0000-0b00-0000-000000000001', 1, n, n,
    CASE WHEN n % 100 > 0 THEN n END, false, 'whereby', 'place-' || n, 0, false, ''
FROM generate_series(0, 9999) AS n;
INSERT INTO effects (meeting, version, index, kind, urgency, owed_at, ready_at, settled_at, document)
SELECT id, 1, 0, 'close_room', 0, created_at, created_at, closed_at, '' FROM meetings";

#[tokio::test]
async fn a_tally_reads_what_goes_on_and_nothing_that_is_over() {
    let schema = with_recordings().await;
    schema.sql(GOING_ON);
    schema.sql("VACUUM ANALYZE meetings, effects");
    for (statement, index) in
        [(statements::TALLY_MEETINGS, "meetings_open"), (statements::TALLY_WORK, "effects_ready")]
    {
        // Without values there is nothing to be prepared for.
        let statement = statement.replace(" IS NULL", " IS NULL AND $1::boolean");
        let (plan, text) = plan(&schema, &statement, "boolean", "true");
        let mut nodes = Vec::new();
        collect(&plan[0]["Plan"], &mut nodes);
        let by_index =
            |node: &&&Value| node["Index Name"].as_str().is_some_and(|name| name.starts_with(index));
        let scan = nodes.iter().find(by_index).expect(&text);
        assert_eq!(scan["Actual Rows"].as_f64(), Some(100.0), "{text}");
        assert!(nodes.iter().all(|node| node["Node Type"] != "Seq Scan"), "{text}");
    }
}

/// A hundred thousand transcripts of the recordings, with what a stage made, and as many notices; the runs of a hundred
/// are not over, and a hundred notices are owed. A hundred recordings wait for a run.
const TRANSCRIPTS: &str = "
UPDATE recordings SET status = 'pending' WHERE room_id = '00000000-0000-0b00-0000-000000000001';
INSERT INTO transcripts (id, recording, room_id, version, created_at, ready_at, document)
SELECT ('00000000-0000-07e7-0000-' || lpad(to_hex(n), 12, '0'))::uuid,
    ('00000000-0000-04ec-0000-' || lpad(to_hex(n), 12, '0'))::uuid,
    ('00000000-0000-0b00-0000-' || lpad(to_hex(n % 999), 12, '0'))::uuid, 1, n,
    CASE WHEN n % 1000 = 7 THEN n END, repeat('x', 500)
FROM generate_series(0, 99999) AS n;
INSERT INTO made (transcript, stage, whole_stage, text)
SELECT id, 'fetch', 'fetch', repeat('x', 100) FROM transcripts;
INSERT INTO notices (id, whole_id, room_id, event, body, owed_at, ready_at, settled_at)
SELECT n, n, '00000000-0000-0b00-0000-000000000001', '', repeat('x', 100), n, n,
    CASE WHEN n % 1000 <> 7 THEN n END
FROM generate_series(0, 99999) AS n;
INSERT INTO consents (meeting, participant, given, at)
SELECT ('00000000-0000-3ee7-0000-' || lpad(to_hex(n / 10), 12, '0'))::uuid, sha256(n::text::bytea), n % 2 = 0, n
FROM generate_series(0, 99999) AS n;
ANALYZE recordings, transcripts, made, notices, consents";

async fn with_transcripts() -> Schema {
    let schema = with_recordings().await;
    schema.sql(TRANSCRIPTS);
    schema
}

#[tokio::test]
async fn what_is_ready_owed_settled_or_listed_is_read_and_nothing_else_of_runs_and_notices() {
    let schema = with_transcripts().await;
    let listing = "uuid, boolean, bigint, bigint";
    let claim_runs = ("bigint, bigint, bigint, uuid", "50000, 60000, 20, NULL");
    let claim_notices = ("bigint, bigint, bigint", "50000, 60000, 20");
    let of_room = "'00000000-0000-0b00-0000-000000000008', false, 10, 20";
    for (statement, (types, values), index, read) in [
        (statements::CLAIM_RUNS, claim_runs, "transcripts_ready", 20.0),
        (statements::CLAIM_NOTICES, claim_notices, "notices_ready", 20.0),
        (statements::AWAITING, ("bigint", "20"), "recordings_by_status", 20.0),
        (statements::DROP_NOTICES, ("bigint, bigint", "50000, 20"), "notices_settled", 20.0),
        (statements::LIST_TRANSCRIPTS, (listing, "NULL, false, 10, 20"), "transcripts_by_age", 30.0),
        (statements::LIST_TRANSCRIPTS, (listing, "NULL, true, 10, 20"), "transcripts_unfinished", 30.0),
        (statements::LIST_TRANSCRIPTS, (listing, of_room), "transcripts_of_room", 30.0),
    ] {
        reads_a_page(&schema, statement, types, values, index, read);
    }
    for (statement, index) in
        [(statements::NEXT_RUN, "transcripts_ready"), (statements::NEXT_NOTICE, "notices_ready")]
    {
        // Without values there is nothing to be prepared for.
        reads_a_page(&schema, &format!("{statement} AND $1::boolean"), "boolean", "true", index, 1.0);
    }
}

#[tokio::test]
async fn a_run_is_found_and_written_by_indexes() {
    let schema = with_transcripts().await;
    let (id, recording) =
        ("'00000000-0000-07e7-0000-000000000007'", "'00000000-0000-04ec-0000-000000000007'");
    let begin = format!("{recording}, 1, NULL, 'processing', '', {id}, {recording}, 1, 1, 1, 1, '', 1");
    let commit = format!(
        "{id}, 1, {id}, 1, 1, 1, 1, '', 'fetch', 'fetch', '', '{{a,b}}', {recording}, 1, 'completed', '',
        '{{7,new}}', '{{7,new}}', ARRAY[{id},{id}]::uuid[], '{{a,b}}', '{{a,b}}', '{{1,1}}'"
    );
    let change = "uuid, bigint, uuid, bigint, bigint, bigint, bigint, text, text, text, text, text[], uuid, bigint, \
        text, text, text[], text[], uuid[], text[], text[], bigint[]";
    let meeting = "'00000000-0000-3ee7-0000-000000000007'";
    for (statement, types, values, indexes) in [
        (
            statements::BEGIN_RUN,
            "uuid, bigint, uuid, text, text, uuid, uuid, bigint, bigint, bigint, bigint, text, bigint",
            begin.as_str(),
            &["transcripts_recording", "recordings_id", "made_pkey"][..],
        ),
        (
            statements::COMMIT_RUN,
            change,
            commit.as_str(),
            &["transcripts_pkey", "recordings_id", "made_pkey"],
        ),
        (statements::TRANSCRIPT_OF, "uuid", recording, &["transcripts_recording"]),
        (statements::MADE, "uuid", id, &["made_pkey"]),
        (statements::DENIED_AT, "uuid", meeting, &["consents_pkey"]),
        (
            statements::LIST_TRANSCRIPTS_OF_OWNER,
            "uuid, boolean, bigint, bigint, text",
            "NULL, false, 0, 20, 'owner-3'",
            &["transcripts_of_room"],
        ),
    ] {
        reads_indexes(&schema, statement, types, values, indexes);
    }
}

/// A hundred thousand entries of a thousand histories, by a hundred transactions of long ago.
const HISTORIES: &str = "
INSERT INTO history (meeting, seq, document, written_by)
SELECT ('00000000-0000-3ee7-0000-' || lpad(to_hex(n % 1000), 12, '0'))::uuid, n / 1000 + 1, repeat('x', 500),
    (n / 1000 + 3)::text::xid8
FROM generate_series(0, 99999) AS n;
ANALYZE history";

#[tokio::test]
async fn what_is_fed_is_read_from_its_place_on_and_no_other_history() {
    let schema = with_recordings().await;
    schema.sql(HISTORIES);
    let place = "'50', '00000000-0000-3ee7-0000-000000000007', 48, 20";
    reads_a_page(&schema, statements::FEED, "text, uuid, bigint, bigint", place, "history_in_order", 20.0);
    let meetings = "'{00000000-0000-3ee7-0000-000000000007,00000000-0000-3ee7-0000-000000000008}'";
    reads_indexes(&schema, statements::LOAD_ALL, "uuid[]", meetings, &["meetings_pkey"]);
}

/// A statement reads so many rows of this index, and none that it has no use for.
fn reads_a_page(schema: &Schema, statement: &str, types: &str, values: &str, index: &str, read: f64) {
    let (plan, text) = plan(schema, statement, types, values);
    let mut nodes = Vec::new();
    collect(&plan[0]["Plan"], &mut nodes);
    let page = nodes.iter().find(|node| node["Node Type"] == "Limit").expect(&text);
    let mut nodes = Vec::new();
    collect(page, &mut nodes);
    let scan = nodes.iter().find(|node| node["Index Name"] == index).expect(&text);
    assert_eq!(scan["Actual Rows"].as_f64(), Some(read), "{text}");
    assert_eq!(scan["Rows Removed by Filter"].as_u64().unwrap_or(0), 0, "{text}");
}

/// A statement reads these indexes, and no table as a whole but the rooms.
fn reads_indexes(schema: &Schema, statement: &str, types: &str, values: &str, indexes: &[&str]) {
    let (plan, text) = plan(schema, statement, types, values);
    let mut nodes = Vec::new();
    collect(&plan[0]["Plan"], &mut nodes);
    let whole = nodes.iter().find(|node| node["Node Type"] == "Seq Scan" && node["Relation Name"] != "rooms");
    assert_eq!(whole, None, "{text}");
    for index in indexes {
        assert!(nodes.iter().any(|node| node["Index Name"] == *index), "{index}: {text}");
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
