//! Where rooms' owners hear what came of their recordings: now and then nobody opens.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use reflector_core::engine::{Courier, Undelivered};
use reflector_core::store::OwedNotice;
use reflector_core::testing::halt;
use reflector_core::{RoomId, RoomWebhook, Timestamp};

use super::names;
use crate::faults::Switch;

/// For how long whoever is too busy wants to be left alone.
const LEFT_ALONE: Duration = Duration::from_secs(90);

/// The door of all owners.
#[derive(Debug)]
pub(super) struct Door {
    switch: Arc<Switch>,
    /// Whether nobody opens.
    pub(super) is_out: AtomicBool,
    in_use: AtomicBool,
    heard: Mutex<Heard>,
}

/// What was heard at it.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// How often each notice was, and what it told, by its id.
    pub(super) notices: BTreeMap<String, (u64, OwedNotice)>,
    /// What was not as it should be.
    pub(super) wrong: Vec<String>,
    pub(super) answers_lost: u64,
}

impl Door {
    pub(super) fn new(switch: &Arc<Switch>) -> Self {
        Self {
            switch: Arc::clone(switch),
            is_out: AtomicBool::new(false),
            in_use: AtomicBool::new(false),
            heard: Mutex::default(),
        }
    }

    /// Where a room's owner is.
    pub(super) fn url_of(room: RoomId) -> String {
        format!("https://owner.example/{room}")
    }

    /// Whether somebody was at it since it was last asked.
    pub(super) fn was_in_use(&self) -> bool {
        self.in_use.swap(false, Ordering::Relaxed)
    }

    pub(super) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn travel(&self) {
        self.in_use.store(true, Ordering::Relaxed);
        halt().await;
    }

    fn hear(&self, to: &RoomWebhook, notice: &OwedNotice) {
        let mut heard = self.heard();
        if to.url != Self::url_of(notice.room) {
            heard.wrong.push(format!("{} is brought to {}", notice.id, to.url));
        }
        let (times, first) = heard.notices.entry(notice.id.clone()).or_insert_with(|| (0, notice.clone()));
        *times += 1;
        if first != notice {
            let wrong = format!("{} tells something else the second time", notice.id);
            heard.wrong.push(wrong);
        }
    }
}

#[async_trait]
impl Courier for Door {
    async fn bring(&self, to: &RoomWebhook, notice: &OwedNotice, _: Timestamp) -> Result<(), Undelivered> {
        self.travel().await;
        if self.is_out.load(Ordering::Relaxed) {
            let after = self.switch.happens(|_| 0.3).then_some(LEFT_ALONE);
            return Err(Undelivered { reason: "nobody opens".to_owned(), after });
        }
        self.hear(to, notice);
        self.travel().await;
        if self.switch.happens(|faults| faults.runs.answer_lost) {
            self.heard().answers_lost += 1;
            return Err(Undelivered { reason: format!("{}: answer", names::ANSWER_LOST), after: None });
        }
        Ok(())
    }
}
