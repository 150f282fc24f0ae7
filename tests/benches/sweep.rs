//! A sweep with 1,000 due among 10,000 and among 1,000,000 active meetings, in memory and in PostgreSQL.
//!
//! The two take turns, each round with meetings that are newly due. A sweep visits what is due and nothing else (tests
//! count that), so what is left of the ratio is that of caches, and of a deeper index: 3 at most.

mod town;

use std::time::{Duration, Instant};

use reflector_test_postgres::{Cluster, Durability};
use town::{DUE, ROUNDS, Town};

const FEW: u32 = 10_000;
const MANY: u32 = 1_000_000;
const MOST: f64 = 3.0;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let ratios = runtime.block_on(async {
        let in_memory = measure("in memory", Town::in_memory(FEW).await, Town::in_memory(MANY).await).await;
        let cluster = Cluster::start(Durability::None);
        let begun = Instant::now();
        let (few, many) = (Town::in_postgres(&cluster, FEW).await, Town::in_postgres(&cluster, MANY).await);
        println!("(made in PostgreSQL in {:.0} s)", begun.elapsed().as_secs_f64());
        [in_memory, measure("PostgreSQL", few, many).await]
    });
    assert!(
        ratios.iter().all(|ratio| *ratio <= MOST),
        "a sweep must not become slower with the meetings that are not due"
    );
}

async fn measure(place: &str, few: Town, many: Town) -> f64 {
    let (mut few_times, mut many_times) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        few_times.push(few.sweep(round).await);
        many_times.push(many.sweep(round).await);
    }
    let (few, many) = (median(few_times), median(many_times));
    println!("{place}: {DUE} due among {FEW:>9} active: {:>8.3} ms", few.as_secs_f64() * 1e3);
    println!("{place}: {DUE} due among {MANY:>9} active: {:>8.3} ms", many.as_secs_f64() * 1e3);
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    println!("{place}: ratio {ratio:.2}, and {MOST} is allowed");
    ratio
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
