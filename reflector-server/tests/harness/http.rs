//! A small HTTP client of our own: it sends what no careful one would, and a path stays as it is written.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longer than anything here takes, so that a failure is a failed test and not one that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A request whose body, if any, is said to be JSON.
    pub(crate) fn new(method: &str, target: impl Into<String>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { method: method.to_owned(), target: target.into(), headers, body: Vec::new() }
    }

    pub(crate) fn body(self, body: impl AsRef<[u8]>) -> Self {
        Self { body: body.as_ref().to_vec(), ..self }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    /// Adds a header, beside one of the same name.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends it on a connection of its own and reads the answer, which must come.
    pub(crate) fn send(&self, to: SocketAddr) -> Answer {
        self.sent(to).unwrap_or_else(|error| panic!("{} {}: {error}", self.method, self.target))
    }

    /// The same to somebody who may be gone before they have answered.
    pub(crate) fn sent(&self, to: SocketAddr) -> std::io::Result<Answer> {
        exchange(to, &self.bytes(to))
    }

    pub(crate) fn bytes(&self, to: SocketAddr) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let has = |name: &str| self.headers.iter().any(|(known, _)| known == name);
        if !has("host") {
            head += &format!("host: {to}\r\n");
        }
        if !has("transfer-encoding") {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "connection: close\r\n\r\n";
        [head.as_bytes(), &self.body].concat()
    }
}

/// Sends bytes as they are and reads what comes back.
pub(crate) fn exchange(to: SocketAddr, sent: &[u8]) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // Whoever refuses a body need not read all of it; the answer tells.
    let _ = stream.write_all(sent);
    let mut read = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        if let Some(answer) = Answer::read(&read) {
            return Ok(answer);
        }
        match stream.read(&mut piece)? {
            0 => return Err(std::io::Error::other(format!("it ends after {} bytes", read.len()))),
            more => read.extend_from_slice(&piece[..more]),
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The answer, once all of it is there.
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let mut answer = Self { status, head, body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        answer.body = bytes.get(end + 4..end + 4 + length)?.to_vec();
        Some(answer)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let headers = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        headers.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }
}
