//! Webhooks in a crowd: many senders, who note what was acknowledged and send again what was not, as Whereby does.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use reflector_core::Timestamp;

use crate::program::{PATIENCE, eventually, within};
use crate::webhook::{Place, Seen, now, webhook};

/// How many send at once.
const SENDERS: usize = 8;
/// A crowd may need that long on a machine that is busy with other things.
const CROWDED: Duration = Duration::from_secs(180);

pub(crate) struct Load<'a> {
    places: &'a [Place],
    begun: Timestamp,
    sent: Mutex<Sent>,
}

/// What became of what was sent.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// The next message that nobody has sent.
    next: usize,
    again: Vec<usize>,
    pub(crate) acknowledged: BTreeSet<usize>,
    /// Those that were taken in before, although nobody was told.
    pub(crate) duplicates: usize,
    /// How often a message was answered with 503.
    pub(crate) refused: usize,
    /// How often there was no answer.
    pub(crate) cut: usize,
    /// Answers that nobody should get.
    pub(crate) complaints: Vec<String>,
    pub(crate) slowest: Duration,
}

impl<'a> Load<'a> {
    pub(crate) fn on(places: &'a [Place]) -> Self {
        Self { places, begun: now(), sent: Mutex::default() }
    }

    /// What the id of a message is, by its number.
    pub(crate) fn id(number: usize) -> String {
        format!("delivery-{number:06}")
    }

    pub(crate) fn sent(&self) -> MutexGuard<'_, Sent> {
        self.sent.lock().expect("nobody panics with it")
    }

    /// Sends to these until something else is done. Who gets no answer stops.
    pub(crate) fn while_doing<T>(&self, to: &[SocketAddr], something: impl FnOnce() -> T) -> T {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for address in to.iter().cycle().take(SENDERS) {
                scope.spawn(|| self.send_until(&stop, *address));
            }
            // Also when it panics: nobody would come to an end.
            let _stops = Stops(&stop);
            something()
        })
    }

    /// Sends again what was not acknowledged, until all of it is.
    pub(crate) fn send_again(&self, to: SocketAddr) {
        eventually("all is acknowledged", || {
            thread::scope(|scope| {
                for _ in 0..SENDERS {
                    scope.spawn(|| self.send_all_again(to));
                }
            });
            self.sent().again.is_empty().then_some(())
        });
    }

    fn send_until(&self, stop: &AtomicBool, to: SocketAddr) {
        while !stop.load(Ordering::SeqCst) {
            if !self.send(self.next(), to) {
                return;
            }
        }
    }

    fn send_all_again(&self, to: SocketAddr) {
        loop {
            let number = self.sent().again.pop();
            if !number.is_some_and(|number| self.send(number, to)) {
                return;
            }
        }
    }

    /// Waits until so many more are acknowledged.
    pub(crate) fn await_acknowledged(&self, more: usize) {
        let enough = self.sent().acknowledged.len() + more;
        let came = within(CROWDED, || (self.sent().acknowledged.len() >= enough).then_some(()));
        assert!(came.is_some(), "{enough} were never acknowledged: {:?}", self.summary());
    }

    /// Waits until so many more are refused.
    pub(crate) fn await_refused(&self, more: usize) {
        let enough = self.sent().refused + more;
        let came = within(PATIENCE, || (self.sent().refused >= enough).then_some(()));
        assert!(came.is_some(), "{enough} were never refused: {:?}", self.summary());
    }

    /// The numbers, for whoever reads what a test says.
    pub(crate) fn summary(&self) -> String {
        let sent = self.sent();
        format!(
            "{} acknowledged ({} of them taken in before without a word), {} refused, {} cut, slowest {:?}",
            sent.acknowledged.len(),
            sent.duplicates,
            sent.refused,
            sent.cut,
            sent.slowest
        )
    }

    fn next(&self) -> usize {
        let mut sent = self.sent();
        sent.again.pop().unwrap_or_else(|| {
            sent.next += 1;
            sent.next - 1
        })
    }

    /// Sends a message. `false` if there was no answer.
    fn send(&self, number: usize, to: SocketAddr) -> bool {
        let request =
            webhook(&self.places[number % self.places.len()], &Self::id(number), &self.seen(number));
        let begun = Instant::now();
        let answer = request.sent(to);
        let mut sent = self.sent();
        sent.slowest = sent.slowest.max(begun.elapsed());
        let Ok(answer) = answer else {
            sent.cut += 1;
            sent.again.push(number);
            return false;
        };
        match answer.status {
            200 => {
                sent.duplicates += usize::from(answer.json()["status"] == "duplicate");
                if !sent.acknowledged.insert(number) {
                    sent.complaints.push(format!("{number} is acknowledged twice"));
                }
            }
            503 => {
                sent.refused += 1;
                sent.again.push(number);
            }
            status => sent.complaints.push(format!("{number} is answered with {status}: {}", answer.text())),
        }
        true
    }

    /// In each meeting people come and go one after the other.
    fn seen(&self, number: usize) -> Seen {
        let (turn, place) = (number / self.places.len(), number % self.places.len());
        Seen {
            joins: turn.is_multiple_of(2),
            who: format!("participant-{place}-{}", turn / 2),
            at: self.begun + Duration::from_micros(number as u64),
        }
    }
}

/// Stops others when it goes.
pub(crate) struct Stops<'a>(pub(crate) &'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
