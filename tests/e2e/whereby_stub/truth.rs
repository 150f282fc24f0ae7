//! The rooms and who is in them.

use std::collections::BTreeMap;
use std::time::Duration;

use reflector_core::Timestamp;
use serde_json::Value;

use super::api::Call;
use super::message::{self, Message, at_whereby};
use super::{Failure, Where};

/// All that the stub knows.
pub(super) struct Truth {
    /// In the order in which they were made.
    pub(super) rooms: Vec<Room>,
    pub(super) put_out: Vec<String>,
    pub(super) calls: Vec<Call>,
    pub(super) failures: Vec<(Where, Failure)>,
    pub(super) next_id: Option<String>,
    pub(super) lag: Duration,
    pub(super) longest_page: usize,
    /// How many rooms, sessions and messages there have been.
    made: u64,
    last: Timestamp,
}

/// A room.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) id: String,
    /// Without the slash.
    pub(crate) name: String,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    /// What it was ordered with.
    pub(crate) order: Value,
    /// Who is in.
    pub(crate) clients: BTreeMap<String, Client>,
    pub(crate) sessions: Vec<Session>,
}

/// Who or what is in a room.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) role: String,
    pub(crate) joined_at: Timestamp,
}

/// A stretch in which two people or more were in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) attendances: Vec<Attendance>,
}

/// Somebody's time in a session.
#[derive(Clone, Debug)]
pub(crate) struct Attendance {
    pub(crate) participant: String,
    pub(crate) role: String,
    pub(crate) joined_at: Timestamp,
    pub(crate) left_at: Option<Timestamp>,
}

impl Default for Truth {
    fn default() -> Self {
        Self {
            rooms: Vec::new(),
            put_out: Vec::new(),
            calls: Vec::new(),
            failures: Vec::new(),
            next_id: None,
            lag: Duration::ZERO,
            longest_page: 100,
            made: 0,
            last: Timestamp::MIN,
        }
    }
}

impl Truth {
    pub(super) fn enters(&mut self, room: &str, participant: &str, role: &str) -> Message {
        let (session, id) = (self.new_id("session"), self.new_id("message"));
        let at = self.moment();
        let room = self.room(room);
        let client = Client { role: role.to_owned(), joined_at: at };
        assert!(room.clients.insert(participant.to_owned(), client).is_none(), "{participant} is in already");
        room.go_on_with_session(session, at);
        message::of_client("room.client.joined", room, participant, role, &id, at)
    }

    pub(super) fn leaves(&mut self, room: &str, participant: &str) -> Message {
        let id = self.new_id("message");
        let at = self.moment();
        let room = self.room(room);
        let client = room.clients.remove(participant).expect("nobody leaves who is not in");
        room.note_leaving(participant, at);
        message::of_client("room.client.left", room, participant, &client.role, &id, at)
    }

    pub(super) fn tells(&mut self, room: &str, kind: &str) -> Message {
        let id = self.new_id("message");
        let at = self.moment();
        message::of_room(kind, self.room(room), &id, at)
    }

    /// Makes a room as it is ordered.
    pub(super) fn open(&mut self, order: Value, end: Timestamp) -> &Room {
        let given = self.new_id("");
        let id = self.next_id.take().unwrap_or(given);
        let prefix = order["roomNamePrefix"].as_str().unwrap_or_default();
        let name = format!("{prefix}0b1fbe30-2346-4681-85a5-{:012}", self.made);
        let (clients, sessions) = (BTreeMap::new(), Vec::new());
        self.rooms.push(Room { id, name, start: at_whereby(), end, order, clients, sessions });
        self.rooms.last().expect("one was just made")
    }

    /// Deletes a room and puts everybody out. One that is gone is gone.
    pub(super) fn delete(&mut self, id: &str) {
        let Some(place) = self.rooms.iter().position(|room| room.id == id) else { return };
        let room = self.rooms.remove(place);
        let people = room.clients.into_iter().filter(|(_, client)| is_person(&client.role));
        self.put_out.extend(people.map(|(participant, _)| participant));
    }

    /// How a call fails, if it does.
    pub(super) fn failure(&self, call: &Call) -> Option<Failure> {
        let hit = |place: &Where| match place {
            Where::Everywhere => true,
            Where::Opening => call.verb == "POST",
            Where::Room(id) => self.rooms.iter().any(|room| room.id == *id && call.is_about(room)),
        };
        self.failures.iter().find(|(place, _)| hit(place)).map(|(_, failure)| *failure)
    }

    fn room(&mut self, id: &str) -> &mut Room {
        self.rooms.iter_mut().find(|room| room.id == id).expect("the room is there")
    }

    /// A moment in which nothing else happens: what happens in the same millisecond is in no order.
    fn moment(&mut self) -> Timestamp {
        while at_whereby() <= self.last {
            std::thread::sleep(Duration::from_micros(100));
        }
        self.last = at_whereby();
        self.last
    }

    fn new_id(&mut self, of: &str) -> String {
        self.made += 1;
        format!("{of}{:06}", self.made)
    }
}

impl Room {
    pub(super) fn open_session(&self) -> Option<&Session> {
        self.sessions.last().filter(|session| session.ended_at.is_none())
    }

    fn people(&self) -> usize {
        self.clients.values().filter(|client| is_person(&client.role)).count()
    }

    /// A session begins with the second person; whoever is in belongs to it.
    fn go_on_with_session(&mut self, new_id: String, at: Timestamp) {
        if self.open_session().is_none() {
            if self.people() < 2 {
                return;
            }
            self.sessions.push(Session {
                id: new_id,
                started_at: at,
                ended_at: None,
                attendances: Vec::new(),
            });
        }
        let Some(session) = self.sessions.last_mut() else { return };
        for (participant, client) in &self.clients {
            let is_in = |of: &Attendance| of.participant == *participant && of.left_at.is_none();
            if !session.attendances.iter().any(is_in) {
                session.attendances.push(Attendance {
                    participant: participant.clone(),
                    role: client.role.clone(),
                    joined_at: client.joined_at,
                    left_at: None,
                });
            }
        }
    }

    /// A session ends when fewer than two people are in; who stays is in it until they leave.
    fn note_leaving(&mut self, participant: &str, at: Timestamp) {
        let over = self.people() < 2;
        for session in &mut self.sessions {
            for attendance in &mut session.attendances {
                if attendance.participant == participant && attendance.left_at.is_none() {
                    attendance.left_at = Some(at);
                }
            }
            if over && session.ended_at.is_none() {
                session.ended_at = Some(at);
            }
        }
    }
}

pub(super) fn is_person(role: &str) -> bool {
    !matches!(role, "recorder" | "streamer" | "captioner" | "assistant")
}
