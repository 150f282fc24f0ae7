//! The rules, and a provider that answers from the recording.

use std::time::Duration;

use reflector_core::MeetingId;
use reflector_core::lifecycle::{Close, Effect, Event, Hearing, Outcome, Phase, Presence, Report, step};

use super::meetings::Recorded;
use super::room::RoomReplay;

/// How late a recorded answer may come and still be the one that was asked for.
const ANSWER: Duration = Duration::from_secs(60);

impl RoomReplay<'_> {
    /// Something happens to a meeting.
    pub(super) fn tell(&mut self, id: MeetingId, event: &Event) {
        let Some(retold) = self.retold.get_mut(&id) else { return };
        let life = &mut retold.meeting.life;
        let Outcome::Changed(change) = step(life, event, self.now, &retold.policy) else { return };
        *life = change.life;
        retold.meeting.release_claim();
        let asks = change.effects.contains(&Effect::AskPresence);
        let poll =
            self.retold.get(&id).and_then(|retold| self.followed(retold)).and_then(Recorded::next_poll);
        if asks && poll.is_none_or(|poll| poll > self.now + ANSWER) {
            self.answer(id);
        }
        self.carry(id);
    }

    /// The provider makes and ends rooms: when the recorded one did, where that is known, and else at once.
    pub(super) fn carry(&mut self, id: MeetingId) {
        let Some(retold) = self.retold.get(&id) else { return };
        let recorded = self.followed(retold).map(|recorded| recorded.phase);
        let life = &retold.meeting.life;
        let generation = life.generation;
        match life.phase {
            Phase::Opening { .. } if !recorded.is_some_and(|phase| phase.is_opening()) => {
                let expires_at = life.expires_at;
                self.tell(id, &Event::RoomOpened { generation, expires_at });
            }
            Phase::Closing { close, .. } if !matches!(recorded, Some(Phase::Closing { .. })) => {
                let humans = self.humans_in(id);
                match close {
                    Close::IfEmpty { .. } if humans > 0 => return self.report(id),
                    Close::IfEmpty { .. } => {}
                    Close::Force => self.after.puts_out(humans),
                }
                self.tell(id, &Event::RoomClosed { generation });
            }
            _ => {}
        }
    }

    /// The provider is asked. One that is not asked whether silence means emptiness tells news, and there is none.
    fn answer(&mut self, id: MeetingId) {
        let provider = self.retold.get(&id).map(|retold| &retold.meeting.provider);
        if provider.is_some_and(|provider| self.hearings.at(provider, self.now) == Hearing::Answered) {
            self.report(id);
        }
    }

    /// The provider says who is in.
    pub(super) fn report(&mut self, id: MeetingId) {
        let presence = match self.humans_in(id) {
            0 => Presence::Empty,
            humans => Presence::Occupied(humans),
        };
        // At one instant presence would win over absence.
        let heard_at = self.retold.get(&id).and_then(|retold| retold.meeting.life.presence.heard_at());
        let asked_at =
            heard_at.map_or(self.now, |heard_at| self.now.max(heard_at + Duration::from_micros(1)));
        let report = Report { presence, asked_at, staleness: Duration::ZERO };
        self.tell(id, &Event::PresenceReported(report));
    }

    /// How many people are in by what was recorded.
    pub(super) fn humans_in(&self, id: MeetingId) -> u32 {
        let Some(retold) = self.retold.get(&id) else { return 0 };
        match self.followed(retold) {
            Some(recorded) => recorded.seen.told().humans,
            None => {
                let inside = self.places.iter().filter(|((recorded, connection), place)| {
                    let seen = self.recorded.get(recorded).map(|recorded| recorded.seen.told().connections());
                    **place == id && seen.is_some_and(|seen| seen.contains(connection))
                });
                u32::try_from(inside.count()).unwrap_or(u32::MAX)
            }
        }
    }
}
