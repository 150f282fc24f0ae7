//! A deployment with a Whereby, and what happens in its rooms.

use std::sync::Arc;

use reflector_core::Timestamp;
use serde_json::{Value, json};

use crate::program::Program;
use crate::webhook::{Place, SECRET, Seen, now, webhook};
use crate::whereby::Whereby;

pub(crate) struct Town {
    pub(crate) program: Program,
    _whereby: Whereby,
}

impl Town {
    /// Kept in memory.
    pub(crate) fn start() -> Self {
        let whereby = Whereby::start();
        let settings = [
            ("DATABASE_URL", "memory:"),
            ("WHEREBY_API_URL", &whereby.url()),
            ("WHEREBY_API_KEY", "key"),
            ("WHEREBY_WEBHOOK_SECRET", SECRET),
            ("WHEREBY_POINTS_PER_MINUTE", "1000000"),
            ("REFLECTOR_LOG", "warn"),
        ];
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Self { program: Program::start_in(folder, &settings), _whereby: whereby }
    }

    /// Where a page is.
    pub(crate) fn at(&self, path: &str) -> String {
        at(&self.program, path)
    }

    /// Makes a room with a meeting that somebody wants now.
    pub(crate) fn meet(&self, room: &str) -> Place {
        self.program.make_room(room);
        Place::of(room, &self.program.meet(room))
    }

    /// Makes a meeting of a room that is planned, so many minutes from now.
    pub(crate) fn plan(&self, room: &str, from: i64, until: i64) -> Place {
        let dates = json!({ "start_date": in_minutes(from), "end_date": in_minutes(until) });
        Place::of(room, &self.program.post(&format!("/rooms/{room}/meetings"), &dates))
    }

    /// Whereby tells that somebody came, or left, so many minutes ago.
    pub(crate) fn sees(&self, place: &Place, who: &str, joins: bool, minutes_ago: i64) {
        let at = in_minutes(-minutes_ago);
        let id = format!("{}-{who}-{joins}-{minutes_ago}", place.name);
        let answer = self.program.send(&webhook(place, &id, &Seen { joins, who: who.to_owned(), at }));
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (200, &Value::from("applied")),
            "{}: {who}",
            place.room
        );
    }
}

/// Where a page of a server is.
pub(crate) fn at(program: &Program, path: &str) -> String {
    format!("http://{}{path}", program.address)
}

pub(crate) fn in_minutes(minutes: i64) -> Timestamp {
    Timestamp::from_micros(now().as_micros() + minutes * 60_000_000)
}

/// A zone in which it is about noon, so that what was some hours ago was today.
pub(crate) fn where_it_is_noon() -> String {
    match 12 - now().as_micros().div_euclid(3_600_000_000).rem_euclid(24) {
        0 => "Etc/UTC".to_owned(),
        // Their names count the other way round.
        ahead if ahead > 0 => format!("Etc/GMT-{ahead}"),
        behind => format!("Etc/GMT+{}", -behind),
    }
}
