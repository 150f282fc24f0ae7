//! What is put into the bucket, by the provider and by others, and how the queue hears of it.

use std::time::Duration;

use reflector_core::lifecycle::{Event, Policy, Schedule, replay};
use reflector_core::recording::Notice;
use reflector_core::store::NewMeeting;
use reflector_core::{Meeting, MeetingId, ProviderRoom, Room, RoomId, Timestamp, UserId};
use uuid::Uuid;

use super::{Happening, Uploads, names};
use crate::server::provider_name;
use crate::world::{HOUR, MINUTE, SECOND, World, ready};

/// The room of the meetings that were kept elsewhere.
const ELSEWHERE: RoomId = RoomId(Uuid::from_u128(0xe15e));

/// How many objects of others there are an hour.
pub(super) const STRANGERS: f64 = 2.0;
/// How many meetings are moved in an hour.
pub(super) const MOVES: f64 = 1.0;

/// A recording that runs.
#[derive(Debug)]
pub(super) struct Running {
    /// The provider's name of the room.
    place: String,
    /// By the provider's clock.
    began_at: Timestamp,
}

/// An object to be put.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    key: String,
    origin: Origin,
    again: bool,
}

/// The truth about an object.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// The meeting that was recorded, if one of ours was.
    pub(super) meeting: Option<MeetingId>,
    /// In which of its rooms.
    pub(super) place: String,
    /// When, as the key tells it.
    pub(super) recorded_at: Option<Timestamp>,
    pub(super) is_wanted: bool,
    /// Its number among all objects, in the order in which they were put.
    pub(super) number: u64,
}

impl Uploads {
    /// A recording begins when the second person comes in.
    pub(crate) fn somebody_came(&mut self, world: &mut World, place: &str) {
        let runs = self.running.iter().any(|running| running.place == place);
        if !runs && world.truth.humans(place) >= 2 {
            world.say(|| format!("a recording of {place} begins"));
            let began_at = world.provider_clock();
            self.running.push(Running { place: place.to_owned(), began_at });
        }
    }

    /// A recording ends when the last one has left, or with its room.
    pub(crate) fn looks_in(&mut self, world: &mut World) {
        let is_over = |running: &Running| world.truth.humans(&running.place) == 0;
        for place in (0..self.running.len()).rev() {
            if is_over(&self.running[place]) {
                let running = self.running.remove(place);
                self.is_recorded(world, &running);
            }
        }
    }

    fn is_recorded(&mut self, world: &World, running: &Running) {
        let Running { place, began_at } = running;
        let meeting = world.servers[0].engine.settings().deployment.meeting_of(place).map(|(id, _)| id);
        // Now and then it is interrupted, and there are two.
        let parts = if self.dice.chance(0.12) { 2 } else { 1 };
        let length = world.provider_clock().since(*began_at) / parts;
        for part in 0..parts {
            let most = if self.dice.chance(0.15) { 150 * MINUTE } else { 10 * MINUTE };
            let span = self.dice.between(MINUTE, most);
            let upload = self.upload(place, *began_at + length * part, meeting);
            self.after(world, span, Happening::Put(upload));
        }
    }

    /// An object named as the provider names it: with the time whole, or to the millisecond.
    fn upload(&mut self, place: &str, began_at: Timestamp, meeting: Option<MeetingId>) -> Upload {
        let precision = *self.dice.one_of(&[1_000_000, 1_000]);
        let recorded_at = Timestamp::from_micros(began_at.as_micros() / precision * precision);
        let folder = *self.dice.one_of(&["", "recordings/", "our team/2026 Q4/"]);
        let key = format!("{folder}{place}-{recorded_at}.mp4");
        Upload { key, ..Upload::new(place, Some(recorded_at), meeting) }
    }

    pub(super) fn is_put(&mut self, world: &mut World, upload: Upload) {
        let size = 1 + self.dice.below(1 << 30);
        let notice = self.source.truth.put_silently(&upload.key, size);
        world.say(|| format!("{} is put into the bucket", upload.key));
        world.report.recordings(names::PUT, 1);
        world.report.recordings(names::PUT_AGAIN, u64::from(upload.again));
        let number = self.origins.len() as u64;
        self.origins.insert(notice.object.clone(), Origin { number, ..upload.origin.clone() });
        self.announce(world, &notice);
        if !upload.again && self.dice.chance(0.1) {
            let span = self.dice.between(MINUTE, 40 * MINUTE);
            self.after(world, span, Happening::Put(Upload { again: true, ..upload }));
        }
    }

    /// The bucket tells the queue, unless the message is lost.
    fn announce(&mut self, world: &mut World, notice: &Notice) {
        let faults = self.switch.now().recordings;
        if self.dice.chance(faults.lost) {
            world.say(|| format!("nobody is told of {}", notice.object.key));
            return world.report.fault(names::LOST);
        }
        let doubled = self.dice.chance(faults.doubled);
        world.report.faults_of(names::DOUBLED, u64::from(doubled));
        for _ in 0..=u8::from(doubled) {
            let late = self.dice.chance(faults.late);
            world.report.faults_of(names::LATE, u64::from(late));
            let most = if late { 45 * MINUTE } else { 3 * SECOND };
            let span = self.dice.between(Duration::from_millis(30), most);
            self.after(world, span, Happening::Announced(notice.clone()));
        }
    }

    pub(super) fn is_announced(&mut self, world: &World, notice: &Notice) {
        self.source.truth.announce(notice);
        self.ring_all(world);
    }

    pub(super) fn garbage_comes(&mut self, world: &mut World) {
        let body = format!("{{\"Records\": [{}", self.garbage.len());
        world.say(|| format!("the queue gets {body}"));
        world.report.fault(names::GARBAGE);
        self.source.truth.send_garbage(&body);
        self.garbage.push(body);
        self.ring_all(world);
        self.now_and_then(world, self.switch.faults.recordings.garbage, Happening::Garbage);
    }

    // What is not of a meeting of ours, or not yet.

    pub(super) fn stranger_puts(&mut self, world: &mut World) {
        let (number, now) = (self.origins.len(), world.provider_clock());
        let upload = match self.dice.below(4) {
            0 => self.upload(&format!("standup-{number:08x}-2026-11-22"), now, None),
            // Of a meeting that nobody here knows, although its room is named like ours.
            1 => {
                let unknown = MeetingId(Uuid::from_u128(0xdead_0000 + number as u128));
                let place = world.servers[0].engine.settings().deployment.room(unknown, 0);
                self.upload(&place, now, None)
            }
            2 => Upload { key: format!("holiday {number}.mp4"), ..Upload::new("", None, None) },
            _ => {
                let mut text = Upload::new("", None, None);
                text.key = format!("notes/standup-{number}-{now}.txt");
                text.origin.is_wanted = false;
                text
            }
        };
        world.report.recordings(names::PUT_BY_A_STRANGER, 1);
        self.is_put(world, upload);
        self.now_and_then(world, STRANGERS, Happening::Stranger);
    }

    pub(super) fn makes_room_elsewhere(&self, world: &World) {
        let name = "elsewhere".parse().unwrap_or_else(|_| unreachable!("this is a name"));
        let room = Room::new(ELSEWHERE, name, UserId::from("owner"), world.now);
        let _ = ready(self.store.create_room(room));
    }

    /// A meeting of another deployment's store has ended, and its recording comes here before it does.
    pub(super) fn is_recorded_elsewhere(&mut self, world: &World) {
        let id = MeetingId(Uuid::from_u128(0x6000_0000 + self.origins.len() as u128));
        let place = format!("{}moved", world.servers[0].engine.settings().deployment.room(id, 0));
        let upload = self.upload(&place, world.provider_clock(), Some(id));
        let uploaded = self.dice.between(MINUTE, 10 * MINUTE);
        self.after(world, uploaded, Happening::Put(upload));
        let moved = self.dice.between(uploaded, 2 * HOUR);
        let meeting = Box::new(over(id, place, world.now));
        self.after(world, moved, Happening::MovesIn(meeting));
        self.now_and_then(world, MOVES, Happening::Elsewhere);
    }

    pub(super) fn moves_in(&self, world: &mut World, meeting: Meeting) {
        world.say(|| format!("{}, which was kept elsewhere, moves in", meeting.id));
        let new = NewMeeting { meeting, due: None, effects: Vec::new(), entries: Vec::new() };
        let _ = ready(self.store.create(new));
    }
}

impl Upload {
    fn new(place: &str, recorded_at: Option<Timestamp>, meeting: Option<MeetingId>) -> Self {
        let origin = Origin { meeting, place: place.to_owned(), recorded_at, is_wanted: true, number: 0 };
        Self { key: String::new(), origin, again: false }
    }
}

/// A meeting that had this room and is over.
fn over(id: MeetingId, place: String, now: Timestamp) -> Meeting {
    let policy = Policy::default();
    let schedule = Schedule::from_now(now, &policy);
    let told = [
        Event::Created { schedule, grace: None },
        Event::RoomOpened { generation: 0, expires_at: None },
        Event::EndRequested,
        Event::RoomClosed { generation: 0 },
    ];
    let life = replay(told.iter().map(|event| (event, now, &policy)));
    Meeting {
        id,
        room_id: ELSEWHERE,
        provider: provider_name(),
        calendar_event_id: None,
        claim: None,
        calendar_metadata: None,
        settings: reflector_core::RoomSettings::default(),
        room: Some(ProviderRoom {
            external_id: place.clone(),
            url: format!("https://fake.example/{place}"),
            name: place,
            host_url: None,
            expires_at: None,
        }),
        life: life.unwrap_or_else(|| unreachable!("the story begins with its creation")),
    }
}
