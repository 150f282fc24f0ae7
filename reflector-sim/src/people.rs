//! What people do: they ask for a meeting, come in, drop out, come back at the last second, and go home.

use std::time::Duration;

use reflector_core::engine::NewScheduled;
use reflector_core::lifecycle::Event;
use reflector_core::{MeetingId, Role, Timestamp};

use crate::report::SOON;
use crate::setup::Pace;
use crate::uploads::Uploads;
use crate::world::{HOUR, Happening, MINUTE, SECOND, World, ready};

/// A person, who uses one room.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) room: usize,
    pub(crate) whereabouts: Whereabouts,
    /// When they last left a meeting, for telling who came back just too late.
    pub(crate) left: Option<(Timestamp, MeetingId)>,
    visits: u64,
    turn: u64,
}

/// Where a person is.
#[derive(Clone, Debug)]
pub(crate) enum Whereabouts {
    Away,
    /// They have asked, and wait for the answer.
    Asking,
    /// They were led to a meeting whose room may still be opening.
    Led {
        meeting: MeetingId,
        tries: u8,
    },
    /// On the way in.
    Going {
        meeting: MeetingId,
        place: String,
    },
    In {
        meeting: MeetingId,
        place: String,
        connection: String,
    },
    /// Their computer died, and the provider has not noticed.
    Dead {
        place: String,
        connection: String,
    },
}

impl Person {
    pub(crate) fn of(room: usize) -> Self {
        Self { room, whereabouts: Whereabouts::Away, left: None, visits: 0, turn: 0 }
    }
}

impl World {
    pub(crate) fn first_visit(&mut self, person: usize) -> Duration {
        match self.setup.pace {
            Pace::Hectic => self.dice.between(Duration::ZERO, 20 * MINUTE),
            Pace::Office => self.until_office_hours(person),
        }
    }

    /// A person does the next thing after a while. What they were about to do before, they don't.
    pub(crate) fn person_after(&mut self, person: usize, span: Duration) {
        self.people[person].turn += 1;
        let turn = self.people[person].turn;
        self.after(span, Happening::Person(person, turn));
    }

    pub(crate) fn person_acts(&mut self, person: usize, turn: u64) {
        if self.people[person].turn != turn {
            return;
        }
        match self.people[person].whereabouts.clone() {
            Whereabouts::Away | Whereabouts::Asking if self.now < self.quiet_from => self.asks(person),
            Whereabouts::Away | Whereabouts::Asking => {}
            Whereabouts::Led { meeting, tries } => self.looks_for_the_door(person, meeting, tries),
            Whereabouts::Going { meeting, place } => self.comes_in(person, meeting, place),
            Whereabouts::In { meeting, place, connection } => self.goes(person, meeting, place, connection),
            Whereabouts::Dead { place, connection } => {
                let message = self.truth.leave(&place, &connection, self.provider_clock());
                self.is_gone(&place);
                self.send(message);
                self.is_away(person);
            }
        }
    }

    fn asks(&mut self, person: usize) {
        let Some(server) = self.some_server() else { return self.tries_again(person) };
        let room = self.rooms[self.people[person].room].clone();
        let (number, now) = (self.agenda.number(), self.clock(server));
        self.people[person].whereabouts = Whereabouts::Asking;
        let open = ready(self.store.open_meetings(room.id)).unwrap_or_default();
        let active: Vec<_> = open
            .iter()
            .filter(|loaded| loaded.meeting.life.phase.is_active())
            .filter(|loaded| loaded.meeting.life.schedule.start < self.now + 10 * MINUTE)
            .map(|loaded| loaded.meeting.id)
            .collect();
        if !active.is_empty() && self.dice.chance(0.3) {
            let meeting = *self.dice.one_of(&active);
            self.say(|| format!("person {person} asks server {server} to join {meeting}"));
            self.servers[server].join(number, person, meeting, now);
        } else {
            self.report.rule(26);
            let new = self.new_meeting();
            self.say(|| format!("person {person} asks server {server} for the meeting of {}", room.name));
            self.servers[server].lead(number, person, room, new, now);
        }
        // Whoever waits for a server that died asks again.
        self.person_after(person, 40 * SECOND);
        self.go_on(server, number);
    }

    pub(crate) fn is_led(&mut self, person: usize, to: Option<MeetingId>) {
        if !matches!(self.people[person].whereabouts, Whereabouts::Asking) {
            return;
        }
        match to {
            None => self.tries_again(person),
            Some(meeting) => {
                self.people[person].whereabouts = Whereabouts::Led { meeting, tries: 0 };
                self.looks_for_the_door(person, meeting, 0);
            }
        }
    }

    fn looks_for_the_door(&mut self, person: usize, meeting: MeetingId, tries: u8) {
        let loaded = self.load(meeting);
        let place = loaded.filter(|loaded| loaded.meeting.life.phase.is_active());
        match place.and_then(|loaded| loaded.meeting.room) {
            Some(room) => {
                self.people[person].whereabouts = Whereabouts::Going { meeting, place: room.name };
                let handshake = self.dice.between(Duration::from_millis(300), 8 * SECOND);
                self.person_after(person, handshake);
            }
            None if tries < 10 => {
                self.people[person].whereabouts = Whereabouts::Led { meeting, tries: tries + 1 };
                self.person_after(person, SECOND);
            }
            None => self.tries_again(person),
        }
    }

    fn comes_in(&mut self, person: usize, meeting: MeetingId, place: String) {
        self.people[person].visits += 1;
        let connection = format!("{person}-{}", self.people[person].visits);
        let was_empty = self.truth.humans(&place) == 0;
        let Some(message) = self.truth.join(&place, &connection, Role::Human, self.provider_clock()) else {
            self.say(|| format!("person {person} finds the door of {place} closed"));
            return self.tries_again(person);
        };
        self.say(|| format!("person {person} comes into {place}"));
        self.report.joins += 1;
        self.checks.is_in(&place, self.now);
        if was_empty {
            self.checks.stops_being_empty(&place, self.now, &mut self.report);
        }
        self.note_split(person, meeting);
        self.with_uploads(|uploads, world| uploads.somebody_came(world, &place));
        self.send(Some(message));
        if was_empty && self.dice.chance(0.2) {
            self.recorder_comes(&place);
        }
        let stay = self.stay();
        self.people[person].whereabouts = Whereabouts::In { meeting, place, connection };
        self.person_after(person, stay);
    }

    fn recorder_comes(&mut self, place: &str) {
        let connection = format!("recorder-{}", self.agenda.number());
        let message = self.truth.join(place, &connection, Role::Recorder, self.provider_clock());
        self.send(message);
        let span = self.dice.between(MINUTE, 90 * MINUTE);
        self.after(span, Happening::Machine { place: place.to_owned(), connection });
    }

    /// Somebody who came back within a grace, and was led to another meeting because theirs had closed for emptiness.
    fn note_split(&mut self, person: usize, meeting: MeetingId) {
        let Some((left_at, before)) = self.people[person].left else { return };
        let soon = self.now.since(left_at) < SOON;
        let closed_for_emptiness = || {
            let reason = self.load(before).and_then(|loaded| loaded.meeting.life.phase.close_reason());
            reason == Some(reflector_core::lifecycle::CloseReason::GraceExpired)
        };
        if before != meeting && soon && closed_for_emptiness() {
            self.report.splits += 1;
        }
    }

    fn goes(&mut self, person: usize, meeting: MeetingId, place: String, connection: String) {
        self.people[person].left = Some((self.now, meeting));
        if self.dice.chance(self.switch.now().dies) {
            self.report.fault("computer died");
            self.say(|| format!("the computer of person {person} dies in {place}"));
            self.people[person].whereabouts = Whereabouts::Dead { place, connection };
            let noticed = self.dice.between(SECOND, 20 * SECOND);
            self.person_after(person, noticed);
            return;
        }
        self.say(|| format!("person {person} leaves {place}"));
        let message = self.truth.leave(&place, &connection, self.provider_clock());
        self.is_gone(&place);
        self.send(message);
        self.is_away(person);
    }

    fn is_gone(&mut self, place: &str) {
        self.checks.is_in(place, self.now);
        if self.truth.is_there(place) && self.truth.humans(place) == 0 {
            self.checks.begins_to_be_empty(place, self.now);
        }
        self.with_uploads(Uploads::looks_in);
    }

    fn is_away(&mut self, person: usize) {
        self.people[person].whereabouts = Whereabouts::Away;
        let away = match self.setup.pace {
            Pace::Office if self.dice.chance(0.12) => self.dice.between(3 * SECOND, 25 * MINUTE),
            Pace::Office => self.until_office_hours(person),
            Pace::Hectic => self.away(),
        };
        self.person_after(person, away);
    }

    fn tries_again(&mut self, person: usize) {
        self.people[person].whereabouts = Whereabouts::Away;
        let span = self.dice.between(2 * SECOND, 30 * SECOND);
        self.person_after(person, span);
    }

    fn stay(&mut self) -> Duration {
        match self.setup.pace {
            Pace::Office => self.dice.between(15 * MINUTE, 50 * MINUTE),
            Pace::Hectic if self.dice.chance(0.2) => {
                self.dice.between(Duration::from_millis(100), 5 * SECOND)
            }
            Pace::Hectic => self.dice.between(5 * SECOND, 25 * MINUTE),
        }
    }

    fn away(&mut self) -> Duration {
        let grace = self.setup.policy.grace;
        if self.dice.chance(0.4) {
            self.dice.between(SECOND, 40 * SECOND)
        } else if self.dice.chance(0.4) {
            // At the last second, or just after it.
            self.dice.between(grace.saturating_sub(15 * SECOND), grace + 10 * SECOND)
        } else {
            self.dice.between(MINUTE, 50 * MINUTE)
        }
    }

    /// Until the room's next meeting of the day: four on a working day, at times that the room and the day decide.
    fn until_office_hours(&mut self, person: usize) -> Duration {
        let room = self.people[person].room as u64;
        let day_length = 24 * HOUR;
        let day = self.now.since(self.began_at).as_secs() / day_length.as_secs();
        for ahead in 0..8 {
            let day = day + ahead;
            if day % 7 >= 5 {
                continue;
            }
            for slot in 0..4 {
                let mixed = (room * 31 + day * 7 + slot).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
                let at = self.began_at
                    + day_length * day as u32
                    + HOUR * (1 + 2 * slot as u32)
                    + 15 * MINUTE * (mixed % 5) as u32;
                if at > self.now + 5 * MINUTE {
                    let after = self.dice.between(Duration::ZERO, 6 * MINUTE);
                    return at.since(self.now) + after;
                }
            }
        }
        day_length
    }

    // Calendars and owners.

    pub(crate) fn next_calendar(&mut self, _room: usize) -> Duration {
        match self.setup.pace {
            Pace::Hectic => self.dice.between(MINUTE, 30 * MINUTE),
            Pace::Office => self.dice.between(4 * HOUR, 40 * HOUR),
        }
    }

    pub(crate) fn calendar_changes(&mut self, room: usize) {
        if self.now >= self.quiet_from {
            return;
        }
        let next = self.next_calendar(room);
        self.after(next, Happening::Calendar(room));
        let Some(server) = self.some_server() else { return };
        let open = ready(self.store.open_meetings(self.rooms[room].id)).unwrap_or_default();
        let ids: Vec<_> = open.iter().map(|loaded| loaded.meeting.id).collect();
        let lot = self.dice.below(100);
        let office = self.setup.pace == Pace::Office;
        if ids.is_empty() || lot < 45 || office {
            return self.schedules(server, room);
        }
        let meeting = *self.dice.one_of(&ids);
        let (number, now) = (self.agenda.number(), self.clock(server));
        let event = match lot {
            45..60 => {
                let far = if self.dice.chance(0.15) { 60 * HOUR } else { Duration::ZERO };
                let start = self.now + far + self.dice.between(Duration::ZERO, 20 * MINUTE);
                let end = start + self.dice.between(MINUTE, 60 * MINUTE);
                Event::Rescheduled { start: Some(start), end: Some(end) }
            }
            60..70 => Event::Rescheduled {
                start: None,
                end: Some(self.now + self.dice.between(MINUTE, 90 * MINUTE)),
            },
            70..80 => Event::Cancelled,
            80..86 => Event::EndRequested,
            86..91 => {
                let grace = self.dice.between(Duration::ZERO, 10 * MINUTE);
                self.checks.least_grace = self.checks.least_grace.min(grace);
                Event::GraceChanged { grace: Some(grace) }
            }
            91..97 => {
                let grace = self.dice.between(Duration::ZERO, 20 * MINUTE);
                self.checks.least_grace = self.checks.least_grace.min(grace);
                self.rooms[room].policy.grace = Some(grace);
                let changed = self.rooms[room].clone();
                self.say(|| format!("the grace of {} is {grace:?} now", changed.name));
                self.servers[server].change_room(number, changed);
                return self.go_on(server, number);
            }
            _ => {
                let id = self.rooms[room].id;
                self.say(|| format!("room {room} is deleted, with its meetings"));
                self.servers[server].remove_room(number, room, id, now);
                return self.go_on(server, number);
            }
        };
        self.say(|| format!("{meeting} is told {event:?}"));
        self.servers[server].tell(number, meeting, event, now);
        self.go_on(server, number);
    }

    fn schedules(&mut self, server: usize, room: usize) {
        let start = self.now + self.dice.between(Duration::ZERO, 30 * MINUTE);
        let occurrence = self.dice.below(1000);
        let new = NewScheduled {
            id: self.new_meeting(),
            start,
            end: start + self.dice.between(2 * MINUTE, 50 * MINUTE),
            calendar_event_id: self.dice.chance(0.8).then(|| format!("event-{}", occurrence % 5)),
            calendar_metadata: None,
            grace: None,
        };
        self.say(|| {
            format!("server {server} schedules {} in room {room} from {} to {}", new.id, new.start, new.end)
        });
        let (number, now) = (self.agenda.number(), self.clock(server));
        let room = self.rooms[room].clone();
        self.servers[server].schedule(number, room, new, now);
        self.go_on(server, number);
    }
}
