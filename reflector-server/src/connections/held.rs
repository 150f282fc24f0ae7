//! What is known of one connection: whether it waits, and since when.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A request is in hand, or what became of it lasts.
const BUSY: u64 = 0;
/// It gave way to another one.
const GONE: u64 = u64::MAX;

/// One connection, for whoever has to decide which gives way.
#[derive(Debug)]
pub(crate) struct Held {
    /// [`BUSY`], [`GONE`], or since when it waits: microseconds since `epoch`, and one.
    state: AtomicU64,
    /// Whether a request is in hand: its head has come, and it is not answered to the last byte.
    in_hand: AtomicBool,
    /// How many heads of requests have come.
    heads: AtomicU64,
    epoch: Instant,
    asked: CancellationToken,
    gone: CancellationToken,
}

impl Held {
    /// One that has just come. All that are compared have the same epoch.
    pub(super) fn new(epoch: Instant) -> Self {
        let held = Self {
            state: AtomicU64::new(BUSY),
            in_hand: AtomicBool::new(false),
            heads: AtomicU64::new(0),
            epoch,
            asked: CancellationToken::new(),
            gone: CancellationToken::new(),
        };
        held.state.store(held.now(), Ordering::SeqCst);
        held
    }

    fn now(&self) -> u64 {
        let micros = u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(GONE / 2);
        micros.min(GONE / 2) + 1
    }

    fn turn(&self, into: u64) -> bool {
        let turned = |state| (state != GONE).then_some(into);
        self.state.fetch_update(Ordering::SeqCst, Ordering::SeqCst, turned).is_ok()
    }

    /// The head of a request has come.
    pub(super) fn has_head(&self) {
        self.asked.cancel();
        self.heads.fetch_add(1, Ordering::SeqCst);
    }

    /// How many heads of requests have come.
    pub(super) fn heads(&self) -> u64 {
        self.heads.load(Ordering::SeqCst)
    }

    /// A request has come as a whole. `false` if the connection has given way meanwhile.
    pub(super) fn begins(&self) -> bool {
        self.in_hand.store(true, Ordering::SeqCst);
        self.turn(BUSY)
    }

    /// The body of a request is waited for. `false` if the connection has given way meanwhile.
    pub(super) fn begins_to_read(&self) -> bool {
        self.in_hand.store(true, Ordering::SeqCst);
        self.turn(self.now())
    }

    /// A request is answered, and the next one is waited for.
    pub(super) fn ends(&self) {
        self.in_hand.store(false, Ordering::SeqCst);
        self.turn(self.now());
    }

    /// It never gives way any more.
    pub(super) fn stays(&self) {
        self.begins();
    }

    /// It gives way from now on although a request is in hand: nobody loses anything by it.
    pub(crate) fn may_go(&self) {
        self.turn(self.now());
    }

    /// The other side does not read. What is in hand is no more than what it would be given in vain.
    pub(super) fn is_stuck(&self) {
        if self.state.load(Ordering::SeqCst) == BUSY {
            self.turn(self.now());
        }
    }

    /// The other side reads again.
    pub(super) fn goes_on(&self) {
        if self.in_hand.load(Ordering::SeqCst) {
            self.turn(BUSY);
        }
    }

    /// Whether a request is in hand.
    pub(super) fn is_past_the_head(&self) -> bool {
        self.in_hand.load(Ordering::SeqCst)
    }

    /// Since when it waits, if it does: comparable with that of others.
    pub(super) fn waits_since(&self) -> Option<u64> {
        let state = self.state.load(Ordering::SeqCst);
        (state != BUSY && state != GONE).then_some(state)
    }

    /// Has it give way, if it has waited since then without a break.
    pub(super) fn give_way(&self, since: u64) -> bool {
        let gives = self.state.compare_exchange(since, GONE, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if gives {
            self.gone.cancel();
        }
        gives
    }

    /// Returns when it has given way.
    pub(super) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    /// Returns when its first request has come.
    pub(super) async fn asked(&self) {
        self.asked.cancelled().await;
    }
}
