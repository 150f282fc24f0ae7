//! The load: a server on some store, rooms and meetings in it, and signed webhooks over sockets that are kept alive.

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
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::stub::{self, SECRET, whereby};

/// How much is sent, and how.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) meetings: usize,
    pub(crate) senders: usize,
    /// How many webhooks a round sends.
    pub(crate) webhooks: usize,
}

/// The server as it runs, with its workers, on a free port.
pub(crate) async fn served(database: &str) -> SocketAddr {
    let api = stub::serve(whereby()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let set = [
        ("REFLECTOR_LISTEN", address.to_string()),
        ("DATABASE_URL", database.to_owned()),
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

impl Load {
    /// Makes the rooms and their meetings, and answers with the names of the rooms at the provider.
    pub(crate) async fn rooms(self, server: SocketAddr) -> Vec<String> {
        let makers: Vec<_> = (0..self.senders)
            .map(|first| tokio::spawn(make(server, (first..self.meetings).step_by(self.senders))))
            .collect();
        let mut names = Vec::new();
        for maker in makers {
            names.extend(maker.await.expect("every room is made"));
        }
        names
    }

    /// The webhooks of a round, for each sender: somebody joins, and the same leaves.
    pub(crate) fn requests(self, rooms: &[String], round: usize) -> Vec<Vec<Vec<u8>>> {
        let secret = SecretString::from(SECRET);
        let now = clock::system()();
        let webhook = |n: usize| {
            let (visit, joins) = (n / 2, n.is_multiple_of(2));
            let body = json!({
                "id": scattered((round * self.webhooks + n) as u64),
                "apiVersion": "1.0",
                "createdAt": (now + Duration::from_micros(n as u64)).to_string(),
                "type": if joins { "room.client.joined" } else { "room.client.left" },
                "data": {
                    "meetingId": format!("id of {}", rooms[visit % rooms.len()]),
                    "roomName": rooms[visit % rooms.len()],
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
        let of = |sender: usize| {
            (0..self.webhooks).filter(move |n| n / 2 % self.meetings % self.senders == sender)
        };
        (0..self.senders).map(|sender| of(sender).map(webhook).collect()).collect()
    }

    /// Sends a round, each sender one webhook after the other, and says how many a second were answered.
    pub(crate) async fn rate(self, server: SocketAddr, requests: Vec<Vec<Vec<u8>>>) -> f64 {
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
                        assert_eq!(
                            answer,
                            br#"{"status":"applied"}"#,
                            "{}",
                            String::from_utf8_lossy(&answer)
                        );
                    }
                })
            })
            .collect();
        for sender in senders {
            sender.await.expect("every answer is the one that is expected");
        }
        self.webhooks as f64 / begun.elapsed().as_secs_f64()
    }
}

/// Makes the rooms with these numbers, and a meeting in each.
async fn make(server: SocketAddr, numbers: impl Iterator<Item = usize>) -> Vec<String> {
    let mut connection = Connection::to(server).await;
    let mut names = Vec::new();
    for n in numbers {
        let name = format!("bench-{n}");
        connection.ask(&post("/v1/rooms", "", &json!({ "name": name }))).await;
        let meeting = connection.ask(&post(&format!("/v1/rooms/{name}/meeting"), "", &json!({}))).await;
        let meeting: Value = serde_json::from_slice(&meeting).expect("it is JSON");
        let url = meeting["room_url"].as_str().expect("the meeting has a room");
        names.push(format!("/{}", url.rsplit('/').next().unwrap_or_default()));
    }
    names
}

/// The id of a webhook, of 20 digits: no two are the same, and they come in no order, as in life.
fn scattered(n: u64) -> String {
    format!("{:020}", n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
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
