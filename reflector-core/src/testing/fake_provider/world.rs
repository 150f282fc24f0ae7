//! The truth: which rooms there are, and who is in them.

use std::collections::{BTreeMap, BTreeSet};

use super::webhook::FakeMessage;
use super::{Failure, ProviderCall};
use crate::ids::ConnectionKey;
use crate::lifecycle::Presence;
use crate::participant::{Participant, Role};
use crate::provider::{
    CloseAnswer, Fact, HowToClose, Known, Movement, PresenceAnswer, PresenceSource, RoomRef, RoomsPage,
};
use crate::time::Timestamp;

/// How many rooms a page holds: few, so that there are pages.
const PAGE: usize = 3;

/// How many people were put out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PutOut {
    /// By closes that were to happen only if nobody is in: accidents.
    pub unforced: u32,
    /// By force.
    pub by_force: u32,
}

/// Everything there is. Rooms stand under their full names.
#[derive(Debug, Default)]
pub(super) struct World {
    rooms: BTreeMap<String, FakeRoom>,
    ended: BTreeSet<String>,
    made: u64,
    sent: u64,
    slipping_in: BTreeMap<String, Participant>,
    failing_rooms: BTreeMap<String, Failure>,
    pub(super) resisting: BTreeSet<String>,
    pub(super) failure: Option<Failure>,
    pub(super) calls: Vec<ProviderCall>,
    pub(super) put_out: PutOut,
}

/// A room that is there.
#[derive(Debug, Default)]
pub(super) struct FakeRoom {
    name: String,
    external_id: String,
    inside: BTreeMap<ConnectionKey, Participant>,
    moved: Vec<Fact>,
}

impl FakeRoom {
    pub(super) fn humans(&self) -> u32 {
        self.inside.values().map(|participant| u32::from(participant.role.is_human())).sum()
    }

    /// What has happened that is news to whoever knows this.
    fn news(&self, known: &Known) -> Vec<Fact> {
        let is_news = |fact: &&Fact| match fact {
            Fact::Joined(movement) | Fact::Left(movement) => Some(movement.at) > known.newest_event_at,
            _ => false,
        };
        self.moved.iter().filter(is_news).cloned().collect()
    }
}

impl World {
    pub(super) fn find(&self, begins: &str) -> Option<&FakeRoom> {
        self.rooms
            .range(begins.to_owned()..)
            .next()
            .filter(|(name, _)| name.starts_with(begins))
            .map(|(_, room)| room)
    }

    fn find_mut(&mut self, begins: &str) -> Option<&mut FakeRoom> {
        let rest = self.rooms.range_mut(begins.to_owned()..).next();
        rest.filter(|(name, _)| name.starts_with(begins)).map(|(_, room)| room)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.rooms.keys().cloned().collect()
    }

    pub(super) fn failure_of(&self, room: &str) -> Option<Failure> {
        let of_the_room = self.failing_rooms.iter().find(|(begins, _)| room.starts_with(begins.as_str()));
        self.failure.or(of_the_room.map(|(_, failure)| *failure))
    }

    pub(super) fn fail_room(&mut self, room: &str, failure: Option<Failure>) {
        match failure {
            Some(failure) => self.failing_rooms.insert(room.to_owned(), failure),
            None => self.failing_rooms.remove(room),
        };
    }

    // What people do.

    pub(super) fn moves(
        &mut self,
        room: &str,
        who: &str,
        role: Option<Role>,
        now: Timestamp,
    ) -> Option<FakeMessage> {
        let connection = ConnectionKey::of(who);
        let room = self.find_mut(room)?;
        let participant = match role {
            Some(role) => {
                let participant = Participant { connection, role };
                room.inside.insert(connection, participant);
                participant
            }
            None => room.inside.remove(&connection)?,
        };
        let movement = Movement { participant, at: now, humans: Some(room.humans()) };
        let fact = if role.is_some() { Fact::Joined(movement) } else { Fact::Left(movement) };
        room.moved.push(fact.clone());
        let name = room.name.clone();
        Some(self.message(name, fact))
    }

    pub(super) fn knocks(&mut self, room: &str) -> Option<FakeMessage> {
        let name = self.find(room)?.name.clone();
        Some(self.message(name, Fact::Knocked))
    }

    pub(super) fn ends(&mut self, room: &str) -> Option<FakeMessage> {
        let name = self.find(room)?.name.clone();
        self.take_away(&name);
        Some(self.message(name, Fact::RoomEnded))
    }

    pub(super) fn forget(&mut self, room: &str) {
        while let Some(name) = self.find(room).map(|room| room.name.clone()) {
            self.rooms.remove(&name);
        }
        self.ended.retain(|name| !name.starts_with(room));
    }

    pub(super) fn slips_in(&mut self, room: &str, who: Participant) {
        self.slipping_in.insert(room.to_owned(), who);
    }

    fn message(&mut self, room: String, fact: Fact) -> FakeMessage {
        self.sent += 1;
        FakeMessage::new(self.sent, room, fact)
    }

    /// Ends a room and says how many people were in.
    fn take_away(&mut self, name: &str) -> u32 {
        let Some(room) = self.rooms.remove(name) else { return 0 };
        let humans = room.humans();
        self.ended.insert(room.name);
        humans
    }

    // What it is asked.

    /// Makes a room, or finds the one that is there. Names get an ending, as real providers' do.
    pub(super) fn open(&mut self, begins: &str) -> (String, String) {
        if let Some(room) = self.find(begins) {
            return (room.name.clone(), room.external_id.clone());
        }
        self.made += 1;
        let name = format!("{begins}-{:04}", self.made);
        let external_id = format!("fake-{}", self.made);
        let room = FakeRoom { name: name.clone(), external_id: external_id.clone(), ..FakeRoom::default() };
        self.rooms.insert(name.clone(), room);
        (name, external_id)
    }

    pub(super) fn close(
        &mut self,
        begins: &str,
        how: HowToClose,
        known: &Known,
        in_one_piece: bool,
    ) -> CloseAnswer {
        let Some(room) = self.find(begins) else { return CloseAnswer::Gone };
        let (name, humans) = (room.name.clone(), room.humans());
        if humans > 0 && (how == HowToClose::IfEmpty || self.resisting.contains(begins)) {
            return CloseAnswer::StillOccupied { humans, facts: room.news(known) };
        }
        if how == HowToClose::Force {
            self.put_out.by_force += self.take_away(&name);
            return CloseAnswer::Gone;
        }
        if let Some(late) = self.slipping_in.remove(begins).filter(|_| !in_one_piece) {
            // They came in after it was asked, and are put out by the close that follows.
            if let Some(room) = self.rooms.get_mut(&name) {
                room.inside.insert(late.connection, late);
            }
        }
        self.put_out.unforced += self.take_away(&name);
        CloseAnswer::Gone
    }

    pub(super) fn presence(&self, begins: &str, source: PresenceSource, known: &Known) -> PresenceAnswer {
        match (self.find(begins), source) {
            (None, _) if self.ended.iter().any(|name| name.starts_with(begins)) => PresenceAnswer::Ended,
            (None, _) => PresenceAnswer::Missing,
            (Some(room), PresenceSource::Snapshot { .. }) => PresenceAnswer::Snapshot(match room.humans() {
                0 => Presence::Empty,
                humans => Presence::Occupied(humans),
            }),
            (Some(room), PresenceSource::EventsAndFacts) => PresenceAnswer::Facts(room.news(known)),
            (Some(_), PresenceSource::Events) => PresenceAnswer::Facts(Vec::new()),
        }
    }

    pub(super) fn page(&self, prefix: &str, page: Option<&str>) -> RoomsPage {
        let from = page.unwrap_or(prefix).to_owned();
        let mut rest =
            self.rooms.range(from..).map(|(_, room)| room).filter(|room| room.name.starts_with(prefix));
        let listed = |room: &FakeRoom| RoomRef {
            name: room.name.clone(),
            external_id: Some(room.external_id.clone()),
        };
        let rooms = rest.by_ref().take(PAGE).map(listed).collect();
        RoomsPage { rooms, next: rest.next().map(|room| room.name.clone()) }
    }
}
