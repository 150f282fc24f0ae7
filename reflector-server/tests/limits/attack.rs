//! Whoever means no good, in many connections at once.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use reflector_whereby::signature::HEADER;

use crate::http::{Request, exchange};

/// How long whoever dribbles rests before the next byte on each connection.
const DRIBBLE: Duration = Duration::from_millis(100);
/// What is read by nobody: more than sockets hold back.
const UNREAD: usize = 3_000;

/// What a connection does that never comes to an end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slow {
    /// It sends the head of a request a byte at a time.
    Head,
    /// It sends the body a byte at a time.
    Body,
    /// It asks for much, and reads nothing.
    Reader,
}

impl Slow {
    fn begin(self, to: SocketAddr) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(to)?;
        stream.set_nonblocking(true)?;
        let signature = format!("{HEADER}: t=1,v1={}", "0".repeat(64));
        let begun = match self {
            Self::Head => "POST /whereby HTTP/1.1\r\nhost: localhost\r\nx-slow: ".to_owned(),
            Self::Body => {
                format!(
                    "POST /whereby HTTP/1.1\r\nhost: localhost\r\n{signature}\r\ncontent-length: 100000\r\n\r\n"
                )
            }
            Self::Reader => "GET /assets/start.js HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(UNREAD),
        };
        // What does not go in at once is not needed.
        match stream.write_all(begun.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(stream),
        }
    }
}

/// What was done until it was enough.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// How often a slow connection was ended by the other side.
    pub(crate) cut: AtomicUsize,
    /// How many messages that prove nothing were answered with 401 or 429.
    pub(crate) refused: AtomicUsize,
    /// Answers to these that nobody should get.
    pub(crate) wrong: AtomicUsize,
}

impl Done {
    /// Holds so many slow connections, each begun anew when it is ended.
    pub(crate) fn dribble(&self, to: SocketAddr, kinds: &[(Slow, usize)], enough: &AtomicBool) {
        let kinds = kinds.iter().flat_map(|(kind, many)| std::iter::repeat_n(*kind, *many));
        let mut all: Vec<_> = kinds.map(|kind| (kind, kind.begin(to).ok())).collect();
        while !enough.load(Ordering::Relaxed) {
            for (kind, stream) in &mut all {
                let goes_on = match stream {
                    Some(stream) => match stream.write(b"x") {
                        Ok(_) => true,
                        Err(error) => error.kind() == ErrorKind::WouldBlock,
                    },
                    None => false,
                };
                if !goes_on {
                    self.cut.fetch_add(1, Ordering::Relaxed);
                    *stream = kind.begin(to).ok();
                }
            }
            thread::sleep(DRIBBLE);
        }
    }

    /// Sends messages that prove nothing, each on a connection of its own and without waiting between them.
    pub(crate) fn flood(&self, to: SocketAddr, enough: &AtomicBool) {
        let unsigned = Request::new("POST", "/whereby").body(r#"{"id":"1","type":"room.client.joined"}"#);
        let forged = Request::new("POST", "/whereby")
            .header(HEADER, &format!("t=1,v1={}", "0".repeat(64)))
            .body("x".repeat(10_000));
        for message in [unsigned, forged].iter().cycle() {
            if enough.load(Ordering::Relaxed) {
                return;
            }
            match exchange(to, &message.bytes(to)).map(|answer| answer.status) {
                Ok(401 | 429) => self.refused.fetch_add(1, Ordering::Relaxed),
                Ok(_) => self.wrong.fetch_add(1, Ordering::Relaxed),
                // It gave way to others.
                Err(_) => self.cut.fetch_add(1, Ordering::Relaxed),
            };
        }
    }
}
