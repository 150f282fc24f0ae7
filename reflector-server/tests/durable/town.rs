//! A deployment: a Whereby, a database, and programs on it that come and go.

use std::sync::Arc;

use tempfile::TempDir;

use crate::program::Program;
use crate::webhook::{Place, SECRET};
use crate::whereby::Whereby;

pub(crate) struct Town {
    pub(crate) whereby: Whereby,
    /// What `DATABASE_URL` is.
    pub(crate) database: String,
    pub(crate) folder: Arc<TempDir>,
    settings: Vec<(String, String)>,
}

impl Town {
    /// On a database, with these settings beside what Whereby needs.
    pub(crate) fn on(database: &str, settings: &[(&str, &str)]) -> Self {
        Self::of(tempfile::tempdir().expect("a folder"), database.to_owned(), settings)
    }

    /// On a SQLite file of its own.
    pub(crate) fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = format!("sqlite://{}/reflector.db", folder.path().display());
        Self::of(folder, database, &[])
    }

    fn of(folder: TempDir, database: String, settings: &[(&str, &str)]) -> Self {
        let whereby = Whereby::start();
        let url = whereby.url();
        let all = [
            ("DATABASE_URL", database.as_str()),
            ("WHEREBY_API_URL", &url),
            ("WHEREBY_API_KEY", "key"),
            ("WHEREBY_WEBHOOK_SECRET", SECRET),
            ("WHEREBY_POINTS_PER_MINUTE", "1000000"),
        ];
        let all = all.iter().chain(settings);
        let settings = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { whereby, database, folder: Arc::new(folder), settings }
    }

    pub(crate) fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// A program on it, once it answers.
    pub(crate) fn start(&self) -> Program {
        Program::start_in(Arc::clone(&self.folder), &self.settings())
    }

    /// Makes so many rooms, with a meeting in each.
    pub(crate) fn meet(&self, program: &Program, rooms: usize) -> Vec<Place> {
        let meet = |n| {
            let room = format!("room-{n}");
            program.make_room(&room);
            Place::of(&room, &program.meet(&room))
        };
        (0..rooms).map(meet).collect()
    }
}
