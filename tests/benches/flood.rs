//! Signed webhooks beside whoever means no good: in memory, with 500 slow connections and a flood of messages that prove
//! nothing, next to the same without them. At least 0.5 of it.
//!
//! All of it shares the machine: what the slow and the flood cost those who do it comes off the rate as well.

mod load;
#[expect(dead_code, reason = "another benchmark verifies alone")]
mod stub;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use load::{Load, served};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

const LOAD: Load = Load { meetings: 200, senders: 16, webhooks: 8_000 };
const ROUNDS: usize = 3;
const LEAST: f64 = 0.5;
/// How many dribble, and how long each rests before its next byte.
const SLOW: usize = 500;
const DRIBBLE: Duration = Duration::from_secs(1);
/// How many send what proves nothing, each as fast as they are answered, and then on a new connection.
const FLOODERS: usize = 64;
const UNSIGNED: &str =
    "POST /whereby HTTP/1.1\r\nhost: localhost\r\ncontent-length: 11\r\n\r\n{\"id\":\"one\"";

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let ratio = runtime.block_on(ratio());
    assert!(ratio >= LEAST, "whoever means no good must not hold up those who don't");
}

async fn ratio() -> f64 {
    let server = served("memory:").await;
    let rooms = LOAD.rooms(server).await;
    let (mut quiet, mut pressed) = (Vec::new(), Vec::new());
    let refused = Arc::new(AtomicUsize::new(0));
    for round in 0..=ROUNDS {
        let alone = LOAD.rate(server, LOAD.requests(&rooms, 2 * round)).await;
        let requests = LOAD.requests(&rooms, 2 * round + 1);
        let attack = attack(server, &refused).await;
        let beside = LOAD.rate(server, requests).await;
        drop(attack);
        // The first round warms both.
        if round > 0 {
            quiet.push(alone);
            pressed.push(beside);
        }
    }
    let (quiet, pressed) = (median(quiet), median(pressed));
    println!("signed, alone:                       {quiet:>8.0} webhooks a second");
    println!("signed, beside {SLOW} slow and a flood: {pressed:>8.0} webhooks a second");
    println!("ratio: {:.2}, and {LEAST} is asked for", pressed / quiet);
    println!("refused meanwhile: {} unsigned webhooks", refused.load(Ordering::Relaxed));
    pressed / quiet
}

/// Goes on until it is dropped.
async fn attack(server: SocketAddr, refused: &Arc<AtomicUsize>) -> JoinSet<()> {
    let mut all = JoinSet::new();
    for n in 0..SLOW {
        all.spawn(dribble(server, n % 2 == 0));
    }
    for _ in 0..FLOODERS {
        all.spawn(flood(server, Arc::clone(refused)));
    }
    // Until the flood is known as one.
    sleep(Duration::from_millis(500)).await;
    all
}

async fn dribble(server: SocketAddr, head: bool) {
    let begun = if head {
        "GET / HTTP/1.1\r\nx-slow: "
    } else {
        "POST /v1/rooms HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n"
    };
    loop {
        if let Ok(mut stream) = TcpStream::connect(server).await {
            let mut sent = stream.write_all(begun.as_bytes()).await;
            while sent.is_ok() {
                sleep(DRIBBLE).await;
                sent = stream.write_all(b" ").await;
            }
        }
        sleep(DRIBBLE).await;
    }
}

async fn flood(server: SocketAddr, refused: Arc<AtomicUsize>) {
    loop {
        let Ok(mut stream) = TcpStream::connect(server).await else { continue };
        let mut answer = [0; 1024];
        if stream.write_all(UNSIGNED.as_bytes()).await.is_ok() && stream.read(&mut answer).await.is_ok() {
            refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
