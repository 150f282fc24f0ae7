//! How many batches of ten new recordings a second the store takes in, beside what `pgbench` does in commits of one narrow
//! row: `cargo run --release -p reflector-store-postgres --example recordings_per_second`. It starts PostgreSQL by itself,
//! with every commit on the disk and without any wait for it.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reflector_core::recording::Recording;
use reflector_core::store::{RecordingStore, TakenIn};
use reflector_core::testing::sample::{recording, recording_in_full};
use reflector_store_postgres::{PostgresOptions, PostgresStore};
use reflector_test_postgres::{Cluster, Durability, Schema};
use tokio::task::JoinSet;

const TIME: Duration = Duration::from_secs(4);
const BATCH: u32 = 10;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    for (durability, what) in [(Durability::Full, "on the disk"), (Durability::None, "without waits")] {
        let cluster = Cluster::start(durability);
        for tasks in [1, 4] {
            let floor = commits_of_one_row(&cluster.schema(), tasks);
            let batches = batches(&cluster.schema(), tasks).await?;
            println!("{what}, {tasks} tasks: {batches:.0} batches/s beside {floor:.0} commits of one row/s");
        }
    }
    Ok(())
}

fn commits_of_one_row(schema: &Schema, clients: u32) -> f64 {
    schema.sql("CREATE TABLE narrow (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, it bigint)");
    let seconds = TIME.as_secs().to_string();
    let arguments = ["-M", "prepared", "-T", &seconds, "-c", &clients.to_string()];
    schema.pgbench("INSERT INTO narrow (it) VALUES (1);", &arguments).per_second
}

async fn batches(schema: &Schema, tasks: u32) -> Result<f64, Box<dyn Error + Send + Sync>> {
    let options = PostgresOptions { connections: tasks, ..PostgresOptions::default() };
    let store = Arc::new(PostgresStore::connect(&schema.url().to_owned().into(), options).await?);
    store.migrate().await?;
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for task in 0..tasks {
        let store = Arc::clone(&store);
        running.spawn(async move { take_in(&store, task, begun).await });
    }
    let mut done = 0;
    while let Some(batches) = running.join_next().await {
        done += batches??;
    }
    Ok(f64::from(done) / begun.elapsed().as_secs_f64())
}

async fn take_in(
    store: &PostgresStore,
    task: u32,
    begun: Instant,
) -> Result<u32, Box<dyn Error + Send + Sync>> {
    let mut done = 0;
    while begun.elapsed() < TIME {
        let first = task * 100_000_000 + done * BATCH;
        let answers = store.take_in((first..first + BATCH).map(new).collect()).await?;
        if answers.iter().any(|answer| *answer != (TakenIn::Stored { revision: 1 })) {
            return Err("something was there before".into());
        }
        done += 1;
    }
    Ok(done)
}

/// Half of them are of a meeting.
fn new(n: u32) -> Recording {
    if n.is_multiple_of(2) { recording(n, 1) } else { recording_in_full(n, 1) }
}
