//! What is due is found without reading what is not: told by PostgreSQL itself, of the statement that the store sends.

use std::time::Duration;

use reflector_core::store::{DueClaim, MeetingStore};
use reflector_core::testing::sample::{at, meeting_id};
use reflector_store_postgres::{PostgresOptions, PostgresStore, statements};
use reflector_test_postgres::schema;
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
        let text = schema.sql(&format!(
            "SET client_min_messages = warning;
            PREPARE due (bigint, bigint, bigint) AS {};
            BEGIN;
            EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE due ({values});
            ROLLBACK",
            statements::DUE
        ));
        let plan: Value = serde_json::from_str(&text).unwrap();
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

fn collect<'p>(node: &'p Value, nodes: &mut Vec<&'p Value>) {
    nodes.push(node);
    for child in node["Plans"].as_array().into_iter().flatten() {
        collect(child, nodes);
    }
}
