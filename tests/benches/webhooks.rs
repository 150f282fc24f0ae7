//! Signed webhooks over loopback sockets with keep-alive: the server on the memory store, beside the same server with
//! a handler that only verifies the signature. The two take turns in one run; the first must reach 0.6 of the second.

mod stub;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reflector_core::Timestamp;
use reflector_server::app::Server;
use reflector_server::clock;
use reflector_server::config::{Config, Sources};
use reflector_server::database::Migrate;
use reflector_whereby::signature::{HEADER, sign};
use secrecy::SecretString;
use serde_json::{Value, json};
use stub::{SECRET, only_verifies, whereby};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const MEETINGS: usize = 200;
const CONNECTIONS: usize = 16;
/// How many webhooks a round sends.
const WEBHOOKS: usize = 16_000;
const ROUNDS: usize = 7;
const LEAST: f64 = 0.6;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(measure());
}

async fn measure() {
    let server = served().await;
    let verifier = stub::serve(only_verifies()).await;
    let rooms = rooms(server).await;
    let (mut whole, mut only) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let requests = |to| requests(&rooms, round, to);
        let (one, other) = (rate(verifier, requests(0)).await, rate(server, requests(1)).await);
        // The first round warms both.
        if round > 0 {
            only.push(one);
            whole.push(other);
        }
    }
    let (only, whole) = (median(only), median(whole));
    println!("only verified:   {only:>8.0} webhooks a second");
    println!("taken in:        {whole:>8.0} webhooks a second");
    let ratio = whole / only;
    println!("ratio: {ratio:.2}, and {LEAST} is asked for");
    assert!(ratio >= LEAST, "taking in a webhook must not cost much more than proving it");
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// The server as it runs, with its workers, on a free port.
async fn served() -> SocketAddr {
    let api = stub::serve(whereby()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let set = [
        ("REFLECTOR_LISTEN", address.to_string()),
        ("WHEREBY_API_URL", format!("http://{api}")),
        ("WHEREBY_API_KEY", "key".to_owned()),
        ("WHEREBY_WEBHOOK_SECRET", SECRET.to_owned()),
        ("WHEREBY_POINTS_PER_MINUTE", "100000".to_owned()),
    ];
    let environment = set.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let config =
        Config::read(&Sources { environment, ..Sources::default() }).expect("the settings are right");
    let server = Server::new(&config, Migrate::Yes, clock::system()).await.expect("it can be put together");
    tokio::spawn(server.run(listener, std::future::pending()));
    address
}

/// Makes the rooms and their meetings, and answers with the names of the rooms at the provider.
async fn rooms(server: SocketAddr) -> Vec<String> {
    let mut connection = Connection::to(server).await;
    let mut names = Vec::new();
    for n in 0..MEETINGS {
        let name = format!("bench-{n}");
        connection.ask(&post("/v1/rooms", "", &json!({ "name": name }))).await;
        let meeting = connection.ask(&post(&format!("/v1/rooms/{name}/meeting"), "", &json!({}))).await;
        let meeting: Value = serde_json::from_slice(&meeting).expect("it is JSON");
        let url = meeting["room_url"].as_str().expect("the meeting has a room");
        names.push(format!("/{}", url.rsplit('/').next().unwrap_or_default()));
    }
    names
}

/// The webhooks of a round, for each connection: somebody joins, and the same leaves.
fn requests(rooms: &[String], round: usize, to: usize) -> Vec<Vec<Vec<u8>>> {
    let secret = SecretString::from(SECRET);
    let now = clock::system()();
    let webhook = |n: usize| {
        let (visit, joins) = (n / 2, n.is_multiple_of(2));
        let kind = if joins { "room.client.joined" } else { "room.client.left" };
        let body = json!({
            "id": format!("{round}-{to}-{n}"),
            "apiVersion": "1.0",
            "createdAt": (now + Duration::from_micros(n as u64)).to_string(),
            "type": kind,
            "data": {
                "meetingId": format!("id of {}", rooms[visit % MEETINGS]),
                "roomName": rooms[visit % MEETINGS],
                "roleName": "visitor",
                "participantId": format!("participant-{round}-{visit}"),
                "displayName": "Ada",
                "numClients": u32::from(joins),
                "numClientsByRoleName": { "visitor": u32::from(joins) },
            },
        });
        let signature = format!("{HEADER}: {}\r\n", signed(&secret, now, &body));
        post("/whereby", &signature, &body)
    };
    // What happens in one meeting goes over one connection, in order.
    let of = |connection: usize| (0..WEBHOOKS).filter(move |n| n / 2 % MEETINGS % CONNECTIONS == connection);
    (0..CONNECTIONS).map(|connection| of(connection).map(webhook).collect()).collect()
}

fn signed(secret: &SecretString, now: Timestamp, body: &Value) -> String {
    sign(secret, now, body.to_string().as_bytes())
}

fn post(path: &str, headers: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends all of it, each connection one after the other, and says how many a second were answered.
async fn rate(server: SocketAddr, requests: Vec<Vec<Vec<u8>>>) -> f64 {
    let mut senders = Vec::new();
    for requests in requests {
        senders.push((Connection::to(server).await, requests));
    }
    let begun = Instant::now();
    let senders: Vec<_> = senders
        .into_iter()
        .map(|(mut connection, requests)| {
            tokio::spawn(async move {
                for request in requests {
                    let answer = connection.ask(&request).await;
                    assert_eq!(answer, br#"{"status":"applied"}"#, "{}", String::from_utf8_lossy(&answer));
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.expect("every answer is the one that is expected");
    }
    WEBHOOKS as f64 / begun.elapsed().as_secs_f64()
}

/// A connection that is kept alive.
struct Connection(BufReader<TcpStream>);

impl Connection {
    async fn to(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).await.expect("it listens");
        stream.set_nodelay(true).expect("it is a socket");
        Self(BufReader::new(stream))
    }

    /// Sends a request and reads the body of its answer.
    async fn ask(&mut self, request: &[u8]) -> Vec<u8> {
        self.0.write_all(request).await.expect("it can be sent");
        let (mut line, mut length) = (String::new(), 0);
        loop {
            line.clear();
            self.0.read_line(&mut line).await.expect("it is answered");
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("it is a length");
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.expect("it has the length it says");
        body
    }
}
