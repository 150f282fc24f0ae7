//! Somebody who listens to server-sent events.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::program::PATIENCE;

/// A stream that is open.
pub(crate) struct Listening {
    pub(crate) status: u16,
    lines: BufReader<TcpStream>,
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) kind: String,
    /// Where to go on after it, if it says so.
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

impl Listening {
    /// Opens a stream with these headers, and reads how it is answered.
    pub(crate) fn to(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = TcpStream::connect(address).expect("somebody listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("it can be set");
        // In the older version of HTTP a body is not cut into chunks.
        let mut asked = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n");
        for (name, value) in headers {
            asked += &format!("{name}: {value}\r\n");
        }
        stream.write_all((asked + "\r\n").as_bytes()).expect("it is sent");
        let mut listening = Self { status: 0, lines: BufReader::new(stream) };
        let status = listening.line().expect("it is answered");
        listening.status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        while listening.line().is_some_and(|line| !line.is_empty()) {}
        listening
    }

    /// The next event about a meeting, which must come; nothing if the stream has ended.
    pub(crate) fn next(&mut self) -> Option<Heard> {
        loop {
            let heard = self.any()?;
            if heard.kind != "work" {
                return Some(heard);
            }
        }
    }

    /// The next event of any kind.
    pub(crate) fn any(&mut self) -> Option<Heard> {
        let mut heard = Heard { kind: String::new(), id: None, data: Value::Null };
        loop {
            let line = self.line()?;
            match line.split_once(':').map(|(field, value)| (field, value.trim_start())) {
                Some(("event", kind)) => kind.clone_into(&mut heard.kind),
                Some(("id", id)) => heard.id = Some(id.to_owned()),
                Some(("data", data)) => heard.data = serde_json::from_str(data).expect("it is JSON"),
                // The end of an event, and not of a comment.
                None if !heard.kind.is_empty() => return Some(heard),
                _ => {}
            }
        }
    }

    /// What comes up to and with the first event that fits.
    pub(crate) fn until(&mut self, fits: impl Fn(&Heard) -> bool) -> Vec<Heard> {
        let mut all = Vec::new();
        loop {
            let heard = self.next().unwrap_or_else(|| panic!("it ended after {all:?}"));
            let is_it = fits(&heard);
            all.push(heard);
            if is_it {
                return all;
            }
        }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).expect("it comes in time");
        (read > 0).then(|| line.trim_end().to_owned())
    }
}
