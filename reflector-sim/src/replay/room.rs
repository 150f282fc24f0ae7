//! One room: its recorded meetings, and what becomes of them under the policy tried.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use reflector_core::history::Line;
use reflector_core::lifecycle::{
    Deadline, Event, Hearing, Phase, Schedule, Sighting, deadline, expiry_to_ask,
};
use reflector_core::{ConnectionKey, MeetingId, Timestamp, admission};
use uuid::Uuid;

use super::figures::Tally;
use super::hearings::Hearings;
use super::meetings::{Recorded, Retold};
use super::{PolicyChange, Replayed};

/// One room, at an instant of its recording.
pub(super) struct RoomReplay<'a> {
    number: u32,
    change: &'a PolicyChange,
    pub(super) hearings: &'a Hearings,
    pub(super) now: Timestamp,
    pub(super) recorded: BTreeMap<MeetingId, Recorded>,
    pub(super) retold: BTreeMap<MeetingId, Retold>,
    made: u32,
    /// Where the people of a recorded meeting are led to.
    led: HashMap<MeetingId, MeetingId>,
    /// Where somebody is, by the recorded meeting and the connection.
    pub(super) places: HashMap<(MeetingId, ConnectionKey), MeetingId>,
    before: Tally,
    pub(super) after: Tally,
}

impl<'a> RoomReplay<'a> {
    pub(super) fn new(
        number: u32,
        change: &'a PolicyChange,
        hearings: &'a Hearings,
        lines: &[(Timestamp, &Line)],
    ) -> Self {
        let mut recorded = BTreeMap::<_, Recorded>::new();
        for (at, line) in lines {
            if let Some(meeting) = recorded.get_mut(&line.meeting_id) {
                meeting.foresee(&line.entry, *at);
            } else if let Some(meeting) = Recorded::begin(&line.entry) {
                recorded.insert(line.meeting_id, meeting);
            }
        }
        Self {
            number,
            change,
            hearings,
            now: Timestamp::MIN,
            recorded,
            retold: BTreeMap::new(),
            made: 0,
            led: HashMap::new(),
            places: HashMap::new(),
            before: Tally::default(),
            after: Tally::default(),
        }
    }

    pub(super) fn sum_up(self, now: Timestamp, replayed: &mut Replayed) {
        let Replayed { recorded, recorded_closes, replayed: retold, replayed_closes, .. } = replayed;
        self.before.sum_up(now, recorded, recorded_closes);
        self.after.sum_up(now, retold, replayed_closes);
    }

    // Time.

    /// Wakes what is due up to an instant.
    pub(super) fn wake_until(&mut self, until: Timestamp) {
        while let Some((due, id)) = self.next_due().filter(|(due, _)| due.at <= until) {
            self.now = self.now.max(due.at);
            let hearing = self.hearings.at(&self.retold[&id].meeting.provider, self.now);
            self.tell(id, &Event::DeadlineReached { hearing });
            self.count();
        }
        self.now = self.now.max(until);
    }

    fn next_due(&self) -> Option<(Deadline, MeetingId)> {
        let open = self.retold.iter().filter_map(|(id, retold)| {
            let due = deadline(&retold.meeting.life, &retold.policy)?;
            // A sweep that came late to the recorded meeting comes late to this one.
            let waits = self.followed(retold).is_some_and(|recorded| recorded.was_to_be_woken(due.at));
            (!waits).then_some((due, *id))
        });
        open.min_by_key(|(due, id)| (due.at, *id))
    }

    pub(super) fn followed(&self, retold: &Retold) -> Option<&Recorded> {
        retold.follows.and_then(|id| self.recorded.get(&id))
    }

    // What was recorded.

    /// Takes in the next entry of the recording.
    pub(super) fn take(&mut self, line: &Line) {
        let (id, entry) = (line.meeting_id, &line.entry);
        let Some(recorded) = self.recorded.get_mut(&id) else { return };
        let before = recorded.phase;
        let news = recorded.take(entry);
        // A clock that went back is told as it was.
        self.now = entry.recorded_at;
        if let Event::Created { schedule, grace } = &entry.event {
            self.before.made(id);
            self.begin(line, *schedule, *grace);
        }
        let Some(led_to) = self.led.get(&id).copied() else { return };
        if let Some(retold) = self.retold.get_mut(&led_to).filter(|retold| retold.follows == Some(id)) {
            retold.policy = self.change.of(&entry.policy);
        }
        self.feed(line, before, news);
        if let Some(led_to) = self.led.get(&id).copied() {
            self.carry(led_to);
        }
        self.count_recorded(line, before, news);
        self.count();
    }

    fn count_recorded(&mut self, line: &Line, before: Phase, news: bool) {
        let (id, entry, now) = (line.meeting_id, &line.entry, self.now);
        let Some(recorded) = self.recorded.get_mut(&id) else { return };
        let humans = recorded.seen.told().humans;
        if news && !before.is_closed() {
            match entry.event {
                Event::ParticipantJoined(_) => self.before.comes(id, now),
                _ => self.before.goes(id, now),
            }
        }
        self.before.holds(id, humans, now);
        if entry.phase.is_closed() && !before.is_closed() {
            if before.is_forced() {
                self.before.puts_out(humans);
            }
            self.before.is_in(id, &entry.phase);
            recorded.seen = Default::default();
            self.ends(id);
        }
    }

    /// A recorded meeting is over, and everybody has left it, whatever is told of it here.
    fn ends(&mut self, id: MeetingId) {
        self.places.retain(|(meeting, _), _| *meeting != id);
        let open: Vec<_> = self.retold.keys().copied().collect();
        for retold_id in open {
            let Some(retold) = self.retold.get_mut(&retold_id) else { continue };
            if retold.follows == Some(id) {
                retold.follows = None;
            }
            let told = retold.meeting.life.presence.told().humans;
            if retold.follows.is_none() && told != self.humans_in(retold_id) {
                self.report(retold_id);
            }
            self.carry(retold_id);
        }
    }

    /// A meeting is made as it was recorded, unless there is one for it.
    fn begin(&mut self, line: &Line, schedule: Schedule, grace: Option<Duration>) {
        let id = line.meeting_id;
        let there = if schedule.scheduled { self.of_occurrence(line) } else { self.current() };
        if let Some(there) = there {
            self.lead(id, there);
            if schedule.scheduled {
                let moved = Event::Rescheduled { start: Some(schedule.start), end: Some(schedule.end) };
                self.tell(there, &moved);
            }
            return;
        }
        let policy = self.change.of(&line.entry.policy);
        let mut retold = Retold::begin(id, line, schedule, policy, self.now);
        retold.meeting.life.grace = grace;
        retold.follows = Some(id);
        self.retold.insert(id, retold);
        self.led.insert(id, id);
        self.after.made(id);
    }

    fn of_occurrence(&self, line: &Line) -> Option<MeetingId> {
        let occurrence = line.occurrence.clone()?;
        let claim = Some(reflector_core::Claim::Occurrence(occurrence));
        self.retold.values().find(|retold| retold.meeting.claim == claim).map(|retold| retold.meeting.id)
    }

    fn current(&self) -> Option<MeetingId> {
        admission::current(self.retold.values().map(|retold| &retold.meeting), self.now)
            .map(|meeting| meeting.id)
    }

    /// From now on the people of a recorded meeting are led to this one, which is one with no recorded one any more.
    fn lead(&mut self, recorded: MeetingId, to: MeetingId) {
        self.led.insert(recorded, to);
        if let Some(retold) = self.retold.get_mut(&to) {
            retold.follows = None;
        }
        self.carry(to);
    }

    /// What was recorded of a meeting happens to the one that its people are led to, if the policy did not cause it.
    fn feed(&mut self, line: &Line, before: Phase, news: bool) {
        let (id, entry) = (line.meeting_id, &line.entry);
        let Some(led_to) = self.led.get(&id).copied() else { return };
        let follows = self.retold.get(&led_to).is_some_and(|retold| retold.follows == Some(id));
        match &entry.event {
            Event::ParticipantJoined(sighting) => self.comes(line, sighting, news),
            Event::ParticipantLeft(sighting) => self.goes(id, sighting, news),
            Event::JoinRequested | Event::Knocked => {
                if let Some(to) = self.way_in(line, entry.ignored.is_none()) {
                    self.tell(to, &entry.event);
                }
            }
            Event::EndRequested => self.tell(led_to, &entry.event),
            // Under the same schedule the meeting is the same, whoever is in.
            Event::Rescheduled { .. } | Event::Cancelled | Event::GraceChanged { .. } if led_to == id => {
                self.tell(id, &entry.event);
            }
            _ if !follows => {}
            Event::RoomOpened { expires_at, .. } => self.opens(id, *expires_at, entry),
            Event::RoomRefused { .. } => {
                self.tell_of_present_room(id, |generation| Event::RoomRefused { generation })
            }
            Event::PresenceReported(_) | Event::HearingLost => self.tell(id, &entry.event),
            Event::DeadlineReached { hearing } => self.is_woken(id, *hearing),
            // The provider ended the room by itself: nobody had asked for it.
            Event::RoomEnded | Event::RoomMissing { .. } if before.is_active() => self.tell(id, &entry.event),
            Event::RoomClosed { .. } if before.is_active() => {
                self.tell_of_present_room(id, |generation| Event::RoomClosed { generation });
            }
            _ => {}
        }
    }

    fn tell_of_present_room(&mut self, id: MeetingId, event: impl FnOnce(u16) -> Event) {
        if let Some(generation) = self.retold.get(&id).map(|retold| retold.meeting.life.generation) {
            self.tell(id, &event(generation));
        }
    }

    /// The provider keeps the room for as much longer than recorded as it is asked to under the policy tried.
    fn opens(&mut self, id: MeetingId, expires_at: Option<Timestamp>, entry: &reflector_core::store::Entry) {
        let Some(retold) = self.retold.get(&id) else { return };
        let life = &retold.meeting.life;
        let (asked, recorded) =
            (expiry_to_ask(life, &retold.policy, self.now), expiry_to_ask(life, &entry.policy, self.now));
        let expires_at = expires_at.map(|at| at + asked.since(recorded) - recorded.since(asked));
        self.tell_of_present_room(id, |generation| Event::RoomOpened { generation, expires_at });
    }

    fn is_woken(&mut self, id: MeetingId, hearing: Hearing) {
        let due = self.retold.get(&id).and_then(|retold| deadline(&retold.meeting.life, &retold.policy));
        if due.is_some_and(|due| due.at <= self.now) {
            self.tell(id, &Event::DeadlineReached { hearing });
        }
    }

    // People.

    /// The meeting that somebody finds who comes to a recorded one. If that would be over, it is the room's current
    /// one, or another that is made for them if they do come.
    fn way_in(&mut self, line: &Line, comes: bool) -> Option<MeetingId> {
        let led_to = self.led.get(&line.meeting_id).copied()?;
        if !comes || self.retold.get(&led_to).is_some_and(Retold::takes_people) {
            return Some(led_to);
        }
        let to = self.current().unwrap_or_else(|| self.opens_another(line));
        self.lead(line.meeting_id, to);
        self.tell(to, &Event::JoinRequested);
        Some(to)
    }

    fn opens_another(&mut self, line: &Line) -> MeetingId {
        self.made += 1;
        // The recording's own numbers are random, or count from elsewhere.
        let bits = 0x7269_7665_6e00_0000_u128 << 64 | u128::from(self.number) << 32 | u128::from(self.made);
        let id = MeetingId(Uuid::from_u128(bits));
        let policy = self.change.of(&line.entry.policy);
        let schedule = Schedule::from_now(self.now, &policy);
        self.retold.insert(id, Retold::begin(id, line, schedule, policy, self.now));
        self.after.made(id);
        id
    }

    fn comes(&mut self, line: &Line, sighting: &Sighting, news: bool) {
        let comes = news && line.entry.ignored.is_none();
        let Some(to) = self.way_in(line, comes) else { return };
        let Some(retold) = self.retold.get(&to).filter(|retold| !retold.meeting.life.phase.is_closed())
        else {
            return;
        };
        let seen = as_seen(retold, sighting);
        if news {
            self.places.insert((line.meeting_id, sighting.participant.connection), to);
            self.after.comes(to, self.now);
        }
        self.tell(to, &Event::ParticipantJoined(seen));
    }

    fn goes(&mut self, id: MeetingId, sighting: &Sighting, news: bool) {
        let led_to = self.led.get(&id).copied();
        let was_in = self.places.remove(&(id, sighting.participant.connection));
        // Of somebody who was never seen coming, only the meeting itself may learn.
        let follows = |to: &MeetingId| self.retold.get(to).is_some_and(|retold| retold.follows == Some(id));
        let Some(from) = was_in.or(led_to.filter(follows)) else { return };
        let Some(retold) = self.retold.get(&from).filter(|retold| !retold.meeting.life.phase.is_closed())
        else {
            return;
        };
        let seen = as_seen(retold, sighting);
        if news {
            self.after.goes(from, self.now);
        }
        self.tell(from, &Event::ParticipantLeft(seen));
    }

    fn count(&mut self) {
        let now = self.now;
        let humans: Vec<_> = self.retold.keys().map(|id| (*id, self.humans_in(*id))).collect();
        for (id, humans) in humans {
            self.after.holds(id, humans, now);
        }
        let after = &mut self.after;
        self.retold.retain(|id, retold| {
            after.is_in(*id, &retold.meeting.life.phase);
            !retold.meeting.life.phase.is_closed()
        });
    }
}

/// What a meeting learns of somebody who comes or goes. How many people are in as recorded holds only for the meeting
/// that the recorded one still is.
fn as_seen(retold: &Retold, sighting: &Sighting) -> Sighting {
    Sighting { humans: sighting.humans.filter(|_| retold.follows.is_some()), ..*sighting }
}
