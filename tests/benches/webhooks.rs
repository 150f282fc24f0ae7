//! Signed webhooks over loopback sockets with keep-alive, into each store, each beside its floor in the same run.
//!
//! In memory: beside a handler that only verifies the signature; at least 0.6 of it. Into PostgreSQL, with every commit on
//! the disk: beside `pgbench`, which sends the very statements of the store over as many rows; at least 0.5 of it. And into
//! SQLite, for comparison.

mod floor;
mod load;
mod shares;
mod stub;

use std::net::SocketAddr;
use std::time::Duration;

use floor::Floor;
use load::{Load, served};
use reflector_test_postgres::{Cluster, Durability, Schema};
use shares::Shares;
use stub::only_verifies;

/// The memory store and the handler that only verifies.
const LIGHT: Load = Load { meetings: 200, senders: 16, webhooks: 16_000 };
const LIGHT_ROUNDS: usize = 7;
const LEAST_OF_VERIFYING: f64 = 0.6;

/// The stores on the disk. More senders than the store has connections, so that none of these waits for work.
const HEAVY: Load = Load { meetings: 1_024, senders: 32, webhooks: 8_192 };
const HEAVY_ROUNDS: usize = 3;
const LEAST_OF_STATEMENTS: f64 = 0.5;
/// How long `pgbench` runs each time.
const SECONDS: u32 = 3;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let (verifying, statements) = runtime.block_on(async {
        let (verifying, in_memory) = beside_verifying().await;
        into_sqlite().await;
        (verifying, beside_statements(in_memory).await)
    });
    assert!(verifying >= LEAST_OF_VERIFYING, "taking in a webhook must not cost much more than proving it");
    assert!(
        statements >= LEAST_OF_STATEMENTS,
        "taking in a webhook must not cost much more than its statements"
    );
}

/// The ratio, and the rate on the memory store.
async fn beside_verifying() -> (f64, f64) {
    let server = served("memory:").await;
    let verifier = stub::serve(only_verifies()).await;
    let rooms = LIGHT.rooms(server).await;
    let (mut whole, mut only) = (Vec::new(), Vec::new());
    for round in 0..=LIGHT_ROUNDS {
        let one = LIGHT.rate(verifier, LIGHT.requests(&rooms, 2 * round)).await;
        let other = LIGHT.rate(server, LIGHT.requests(&rooms, 2 * round + 1)).await;
        // The first round warms both.
        if round > 0 {
            only.push(one);
            whole.push(other);
        }
    }
    let (only, whole) = (median(only), median(whole));
    println!("only verified:                  {only:>8.0} webhooks a second");
    println!("taken in, in memory:            {whole:>8.0} webhooks a second");
    println!("ratio: {:.2}, and {LEAST_OF_VERIFYING} is asked for", whole / only);
    (whole / only, whole)
}

async fn into_sqlite() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let server = served(&format!("sqlite://{}", folder.path().join("bench.db").display())).await;
    let rooms = HEAVY.rooms(server).await;
    let mut rates = Vec::new();
    for round in 0..=HEAVY_ROUNDS {
        rates.push(HEAVY.rate(server, HEAVY.requests(&rooms, round)).await);
    }
    println!("taken in, SQLite:               {:>8.0} webhooks a second", median(rates.split_off(1)));
}

async fn beside_statements(in_memory: f64) -> f64 {
    let cluster = Cluster::start(Durability::Full);
    let schema = cluster.schema();
    let server = served(schema.url()).await;
    let rooms = HEAVY.rooms(server).await;
    // What comes and goes is settled by then, so that meetings no longer grow.
    for warm in 0..2 {
        HEAVY.rate(server, HEAVY.requests(&rooms, warm)).await;
    }
    let floor = Floor::beside(&schema, &cluster).await;
    let (mut whole, mut statements, mut updates) = (Vec::new(), Vec::new(), Vec::new());
    for round in 2..2 + HEAVY_ROUNDS {
        whole.push(HEAVY.rate(server, HEAVY.requests(&rooms, round)).await);
        statements.push(floor.load_and_commit(SECONDS));
        updates.push(floor.one_update(SECONDS));
    }
    let (whole, statements, updates) = (median(whole), median(statements), median(updates));
    println!("pgbench, one UPDATE:            {updates:>8.0} a second");
    println!("pgbench, load and commit:       {statements:>8.0} a second");
    println!("taken in, PostgreSQL:           {whole:>8.0} webhooks a second");
    let ratio = whole / statements;
    println!(
        "ratio: {ratio:.2} of the statements, and {LEAST_OF_STATEMENTS} is asked for; {:.2} of the UPDATE",
        whole / updates
    );
    print_shares(server, &rooms, &schema, in_memory).await;
    ratio
}

/// Of the time that a webhook takes for its sender, measured in a round of its own.
async fn print_shares(server: SocketAddr, rooms: &[String], schema: &Schema, in_memory: f64) {
    let requests = HEAVY.requests(rooms, 2 + HEAVY_ROUNDS);
    let shares = Shares::listen();
    let rate = HEAVY.rate(server, requests).await;
    let each = |time: Duration| time.as_secs_f64() / HEAVY.webhooks as f64 * 1e6;
    let (in_statements, in_wait) = (each(shares.in_statements()), each(shares.in_wait()));
    let all = HEAVY.senders as f64 / rate * 1e6;
    let rest = all - in_statements - in_wait;
    let part = |time: f64| time / all * 100.0;
    println!("a webhook into PostgreSQL takes its sender {all:.0} µs:");
    println!(
        "  {in_statements:>6.0} µs ({:>2.0} %) in {:.2} statements, from asking to the answer",
        part(in_statements),
        shares.statements() as f64 / HEAVY.webhooks as f64,
    );
    println!("  {in_wait:>6.0} µs ({:>2.0} %) in waiting for a line of the pool", part(in_wait));
    println!(
        "  {rest:>6.0} µs ({:>2.0} %) in HTTP, signature, reading, rules, and waiting for a core",
        part(rest)
    );
    println!(
        "  of the time of the whole machine, {:.0} µs are a webhook's, and {:.0} µs ({:.0} %) without a database",
        1e6 / rate,
        1e6 / in_memory,
        rate / in_memory * 100.0,
    );
    let size = schema.sql("SELECT round(avg(length(document))) FROM meetings");
    println!("  a meeting has {size} bytes");
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
