//! What must hold: after every step, and at the end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use std::time::Duration;

use reflector_core::engine::{Applied, Taken};
use reflector_core::history::Line;
use reflector_core::lifecycle::{CloseReason, Event, Hearing, Ignored, Phase, Wake, replay};
use reflector_core::provider::Fact;
use reflector_core::store::{Entry, Loaded};
use reflector_core::testing::ProviderCall;
use reflector_core::{MeetingId, Timestamp};

use crate::report::Report;
use crate::studio::Studio;
use crate::uploads::Uploads;
use crate::world::{World, ready};

/// How long it is looked for a meeting that is not made. Making one takes seconds at the most: its calls of the store
/// are counted, and none of them hangs.
const OFFERED: Duration = Duration::from_secs(10 * 60);

/// What the checkers remember.
#[derive(Debug)]
pub(crate) struct Checks {
    pub(crate) violations: Vec<String>,
    /// The largest error that a server's clock has had.
    pub(crate) clock_error: Duration,
    /// The shortest grace that anybody has set.
    pub(crate) least_grace: Duration,
    closed: BTreeMap<MeetingId, Phase>,
    pub(crate) last_in: BTreeMap<String, Timestamp>,
    /// The rooms that the provider ended or forgot by itself.
    pub(crate) ended: BTreeSet<String>,
    /// When servers were told that somebody was in a place, and when that was.
    pub(crate) told_in: BTreeMap<String, Vec<(Timestamp, Timestamp)>>,
    empty_since: BTreeMap<String, Timestamp>,
    accidents: u32,
    /// The meetings that are not closed, or not made yet, and when they were offered.
    pub(crate) watched: Vec<(MeetingId, Timestamp)>,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            violations: Vec::new(),
            clock_error: Duration::ZERO,
            least_grace: Duration::MAX,
            closed: BTreeMap::new(),
            last_in: BTreeMap::new(),
            ended: BTreeSet::new(),
            told_in: BTreeMap::new(),
            empty_since: BTreeMap::new(),
            watched: Vec::new(),
            accidents: 0,
        }
    }
}

impl Checks {
    pub(crate) fn violation(&mut self, now: Timestamp, what: impl Into<String>) {
        self.violations.push(format!("{now}  {}", what.into()));
    }

    pub(crate) fn violated(&mut self, invariants: &[&str], now: Timestamp) {
        for invariant in invariants {
            self.violation(now, format!("the invariant {invariant} is violated"));
        }
    }

    /// Somebody is in this place now.
    pub(crate) fn is_in(&mut self, place: &str, now: Timestamp) {
        self.last_in.insert(place.to_owned(), now);
    }

    pub(crate) fn begins_to_be_empty(&mut self, place: &str, now: Timestamp) {
        self.empty_since.insert(place.to_owned(), now);
    }

    pub(crate) fn stops_being_empty(&mut self, place: &str, now: Timestamp, report: &mut Report) {
        if let Some(since) = self.empty_since.remove(place) {
            report.empty += now.since(since);
        }
    }
}

impl World {
    /// After every step; `all` also looks at every meeting.
    pub(crate) fn check(&mut self, all: bool) {
        let accidents = self.truth.put_out().unforced;
        if accidents > self.checks.accidents {
            self.checks.accidents = accidents;
            self.checks.violation(
                self.now,
                "somebody was put out by a close that was to happen only if nobody is in",
            );
        }
        self.check_what_was_told();
        if all {
            let watched = self.load_watched();
            self.check_upkeep(&watched);
            self.check_meetings(&watched);
        }
    }

    /// The meetings that were open when they were last looked at, as they are now. Those that are closed now are not
    /// watched any more: that they stay as they are is looked at in the end.
    fn load_watched(&mut self) -> Vec<Loaded> {
        let mut watched = std::mem::take(&mut self.checks.watched);
        let mut all = Vec::with_capacity(watched.len());
        watched.retain(|(id, offered_at)| match self.load(*id) {
            Some(loaded) => {
                let open = !loaded.meeting.life.phase.is_closed();
                all.push(loaded);
                open
            }
            // What is not made after a while was an offer that nobody needed.
            None => self.now <= *offered_at + OFFERED,
        });
        self.checks.watched = watched;
        all
    }

    fn check_meetings(&mut self, watched: &[Loaded]) {
        let mut claims = HashMap::with_capacity(watched.len());
        for loaded in watched {
            self.check_closed(loaded);
            self.check_open(loaded);
            let id = loaded.meeting.id;
            if let Some(claim) = &loaded.meeting.claim
                && let Some(other) = claims.insert((loaded.meeting.room_id, claim), id)
            {
                self.checks.violation(self.now, format!("{id} and {other} hold the same claim"));
            }
        }
    }

    /// What is closed stays as it is, and was not closed for emptiness before its patience was over.
    fn check_closed(&mut self, loaded: &Loaded) {
        let (id, phase) = (loaded.meeting.id, loaded.meeting.life.phase);
        let Phase::Closed { reason, at } = phase else { return };
        if let Some(before) = self.checks.closed.insert(id, phase) {
            if before != phase {
                self.checks.violation(self.now, format!("{id} was {before:?} and is {phase:?}"));
            }
            return;
        }
        *self.report.reasons.entry(reason).or_default() += 1;
        let Some(room) = &loaded.meeting.room else { return };
        if let Some(since) = self.checks.empty_since.remove(&room.name) {
            self.report.empty += at.since(since);
        }
        self.check_close(loaded, reason, at);
    }

    /// At the end: everything has come to its end, and every life is what its history tells.
    pub(crate) fn finish(&mut self) {
        let watched = self.load_watched();
        self.check_meetings(&watched);
        for place in 0..self.meetings.len() {
            if let Some(loaded) = self.load(self.meetings[place]) {
                self.check_closed(&loaded);
            }
        }
        for place in 0..self.meetings.len() {
            let Some(loaded) = self.load(self.meetings[place]) else { continue };
            self.report.meetings += 1;
            self.check_end(&loaded);
            self.check_history(&loaded);
        }
        let left = self.truth.room_names();
        if !left.is_empty() {
            self.checks.violation(self.now, format!("rooms are left at the provider: {left:?}"));
        }
        self.with_uploads(Uploads::finish);
        self.with_studio(Studio::finish);
        self.tell_histories();
        self.sum_up();
    }

    /// The histories of the meetings that something is wrong with, for whoever reads the trace.
    fn tell_histories(&mut self) {
        let wrong = self.checks.violations.join(" ");
        for id in self.meetings.clone() {
            if !wrong.contains(&id.to_string()) {
                continue;
            }
            self.say(|| format!("the history of {id}:"));
            for entry in ready(self.store.history(id, 0, usize::MAX)).unwrap_or_default() {
                let Entry { recorded_at, event, ignored, phase, .. } = entry;
                self.say(|| format!("  {recorded_at} {event:?} {ignored:?} -> {phase:?}"));
            }
        }
    }

    fn check_end(&mut self, loaded: &Loaded) {
        let (id, phase) = (loaded.meeting.id, loaded.meeting.life.phase);
        if !phase.is_closed() {
            self.checks.violation(
                self.now,
                format!("{id} is still open: {phase:?} {:?}", loaded.meeting.life.watch),
            );
        }
        let owed = ready(self.store.owed(id)).unwrap_or_default();
        if !owed.is_empty() {
            self.checks.violation(self.now, format!("{id} still owes {owed:?}"));
        }
    }

    fn check_history(&mut self, loaded: &Loaded) {
        let id = loaded.meeting.id;
        let history = ready(self.store.history(id, 0, usize::MAX)).unwrap_or_default();
        self.report.events += history.len() as u64;
        let told = replay(history.iter().map(|entry| (&entry.event, entry.recorded_at, &entry.policy)));
        if told.as_ref() != Some(&loaded.meeting.life) {
            self.checks.violation(self.now, format!("the history of {id} tells another life"));
        }
        let mut before = None;
        for entry in &history {
            for rule in rules_reached(before.as_ref(), entry) {
                self.report.rule(rule);
            }
            before = Some(entry.phase);
        }
        if let Some(recorded) = &mut self.recorded {
            recorded.extend(history.into_iter().map(|entry| Line::of(&loaded.meeting, entry)));
        }
        if loaded.meeting.life.generation > 0 {
            self.report.rule(16);
        }
        self.report.rule(21);
    }

    fn sum_up(&mut self) {
        self.report.span = self.setup.span;
        self.report.put_out_by_force = u64::from(self.truth.put_out().by_force);
        self.report.put_out_by_accident = u64::from(self.truth.put_out().unforced);
        self.report.calls = self.truth.count(|call| !matches!(call, ProviderCall::Rooms(_))) as u64;
        let announced = self.crier.announced.load(Ordering::Relaxed);
        if announced > 0 {
            *self.report.rules.entry(25).or_default() += announced;
        }
        let counts = [
            ("store failed before", &self.switch.before),
            ("store failed after", &self.switch.after),
            ("store conflict", &self.switch.conflicts),
        ];
        self.report.faults_of("provider missed a room", self.switch.slipped());
        for (name, count) in counts {
            self.report.faults_of(name, count.load(Ordering::Relaxed));
        }
        let conflicts = self.switch.conflicts.load(Ordering::Relaxed);
        if conflicts > 0 {
            *self.report.rules.entry(22).or_default() += conflicts;
        }
    }

    /// What came of a message, as far as rules are about it.
    pub(crate) fn note_taken(&mut self, taken: &Taken, fact: &Fact) {
        match taken {
            Taken::Applied(Applied::Duplicate) | Taken::Duplicate => self.report.rule(12),
            Taken::Applied(Applied::Taken { violated, meeting, ignored, .. }) => {
                self.checks.violated(violated, self.now);
                if let (None, Some(room), Fact::Joined(movement) | Fact::Left(movement)) =
                    (ignored, &meeting.room, fact)
                    && movement.participant.role.is_human()
                {
                    let at = Timestamp::from_micros(movement.at.as_micros() - self.provider_ahead);
                    self.checks.told_in.entry(room.name.clone()).or_default().push((self.now, at));
                }
            }
            _ => {}
        }
    }
}

/// The rules that an entry of a history shows at work.
fn rules_reached(before: Option<&Phase>, entry: &Entry) -> Vec<u8> {
    let mut rules = Vec::new();
    let Some(before) = before else { return rules };
    let after = &entry.phase;
    let observed = matches!(
        entry.event,
        Event::ParticipantJoined(_) | Event::ParticipantLeft(_) | Event::PresenceReported(_)
    );
    match (before, after) {
        (Phase::Waiting { .. }, Phase::Live { .. } | Phase::Grace { .. }) => rules.push(2),
        (Phase::Live { .. }, Phase::Grace { .. }) => rules.push(3),
        (Phase::Grace { .. }, Phase::Live { .. }) => rules.push(4),
        (Phase::Closing { .. }, after) if after.is_active() => rules.push(14),
        (Phase::Closing { .. }, Phase::Closed { .. }) => rules.push(14),
        _ => {}
    }
    match entry.wake {
        Some(Wake::Close(CloseReason::GraceExpired)) => rules.extend([5, 19, 20]),
        Some(Wake::Close(CloseReason::NeverJoined)) if matches!(before, Phase::Grace { .. }) => {
            rules.extend([7, 20])
        }
        Some(Wake::Close(CloseReason::NeverJoined)) => rules.extend([8, 20]),
        Some(Wake::Force(CloseReason::Overtime)) => rules.push(9),
        Some(Wake::Force(CloseReason::MaxLifetime)) => rules.push(10),
        Some(Wake::Ask) => rules.push(20),
        Some(Wake::OpeningGivenUp) => rules.push(24),
        _ => {}
    }
    match (&entry.event, entry.ignored) {
        (Event::JoinRequested | Event::Knocked, None) => rules.push(6),
        (_, Some(Ignored::TooOld | Ignored::SeenBefore)) if observed => rules.push(11),
        (Event::PresenceReported(_), Some(Ignored::NoNews)) => rules.push(13),
        (Event::DeadlineReached { hearing: Hearing::Deaf | Hearing::Since(_) }, None)
            if after.is_active() =>
        {
            rules.push(13)
        }
        (_, Some(Ignored::Closed)) => rules.push(15),
        (Event::Rescheduled { .. } | Event::Cancelled, None) => rules.push(16),
        (Event::RoomEnded | Event::RoomMissing { .. }, None) => rules.push(23),
        (Event::RoomRefused { .. }, None) => rules.push(24),
        _ => {}
    }
    rules
}
