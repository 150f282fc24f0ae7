//! The messages about the files of a folder. Pure: what was seen and what time it is come from outside.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::path::PathBuf;
use std::time::Duration;

use reflector_core::Timestamp;
use reflector_core::recording::{Listing, Message, Notice, ObjectVersion, Receipt, Unacknowledged};
use tracing::warn;

use super::look::{Seen, Stamp};
use super::{BATCH, IN_HAND, PAGE};

/// What is known of the files, and the messages about those that are finished.
#[derive(Debug)]
pub(super) struct Queue {
    bucket: String,
    files: BTreeMap<String, File>,
    messages: BTreeMap<u64, Queued>,
    sent: u64,
    /// What was said to be left out: that is not said again.
    said: HashSet<PathBuf>,
}

#[derive(Debug)]
struct File {
    stamp: Stamp,
    /// Since when it looks like this.
    since: Timestamp,
    is_finished: bool,
}

#[derive(Debug)]
struct Queued {
    key: String,
    stamp: Stamp,
    sent_at: Timestamp,
    receives: u32,
    /// Until when it is in somebody's hand.
    until: Timestamp,
}

impl Queue {
    pub(super) fn new(bucket: String) -> Self {
        let (files, messages) = (BTreeMap::new(), BTreeMap::new());
        Self { bucket, files, messages, sent: 0, said: HashSet::new() }
    }

    /// Takes note of a look. A file is finished when it looks as it did the last time, and nobody has written to it for
    /// a while: by its own time, or by how long it has looked like this, for its time may be of another clock.
    pub(super) fn see(&mut self, seen: Seen, quiet: Duration, now: Timestamp) {
        self.say(seen.left_out);
        let mut files = BTreeMap::new();
        for (key, stamp) in seen.files {
            let file = match self.files.remove(&key) {
                Some(mut file) if file.stamp == stamp => {
                    let still_since = file.since.min(stamp.written_at());
                    if !file.is_finished && now.since(still_since) >= quiet {
                        file.is_finished = true;
                        self.send(key.clone(), stamp, now);
                    }
                    file
                }
                _ => File { stamp, since: now, is_finished: false },
            };
            files.insert(key, file);
        }
        self.files = files;
        let Self { files, messages, .. } = self;
        let stands = |queued: &Queued| files.get(&queued.key).is_some_and(|file| file.stamp == queued.stamp);
        messages.retain(|_, queued| queued.until > now || stands(queued));
    }

    fn say(&mut self, left_out: Vec<(PathBuf, String)>) {
        for (path, why) in left_out {
            if !self.said.contains(&path) {
                warn!(?path, why, "left out of the recordings");
                self.said.insert(path);
            }
        }
    }

    fn send(&mut self, key: String, stamp: Stamp, now: Timestamp) {
        self.sent += 1;
        self.messages.insert(self.sent, Queued { key, stamp, sent_at: now, receives: 0, until: now });
    }

    /// Takes some messages in hand, those first that were sent first.
    pub(super) fn receive(&mut self, now: Timestamp) -> Vec<Message> {
        let ready = self.messages.iter_mut().filter(|(_, queued)| queued.until <= now).take(BATCH);
        let taken = ready.map(|(number, queued)| {
            queued.receives += 1;
            queued.until = now + IN_HAND;
            queued.message(*number, &self.bucket)
        });
        taken.collect()
    }

    pub(super) fn acknowledge(&mut self, receipts: &[Receipt]) -> Vec<Unacknowledged> {
        let unknown = receipts.iter().filter(|receipt| match self.number(receipt) {
            Some(number) => self.messages.remove(&number).is_none(),
            None => true,
        });
        let refused = |receipt: &Receipt| Unacknowledged {
            receipt: receipt.clone(),
            error: "no message has this receipt".to_owned(),
        };
        unknown.map(refused).collect()
    }

    /// Keeps messages in hand until then.
    pub(super) fn hold_until(&mut self, receipts: &[Receipt], until: Timestamp) {
        for number in receipts.iter().filter_map(|receipt| self.number(receipt)).collect::<Vec<_>>() {
            if let Some(queued) = self.messages.get_mut(&number) {
                queued.until = until;
            }
        }
    }

    /// The message that a receipt is of, if nobody has received it since.
    fn number(&self, receipt: &Receipt) -> Option<u64> {
        let number = receipt.0.split_once(' ')?.0.parse().ok()?;
        let queued = self.messages.get(&number)?;
        (queued.receipt(number) == *receipt).then_some(number)
    }

    /// Whether there are files that another look may find finished.
    pub(super) fn awaits_another_look(&self) -> bool {
        self.files.values().any(|file| !file.is_finished)
    }

    /// The finished files that come after a key.
    pub(super) fn list(&self, after: Option<&str>) -> Listing {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest =
            self.files.range::<str, _>((from, Bound::Unbounded)).filter(|(_, file)| file.is_finished);
        let notices: Vec<_> =
            rest.by_ref().take(PAGE).map(|(key, file)| notice(&self.bucket, key, file.stamp)).collect();
        let next = rest.next().and(notices.last()).map(|last| last.object.key.clone());
        Listing { notices, next }
    }
}

impl Queued {
    /// It changes each time the message is received.
    fn receipt(&self, number: u64) -> Receipt {
        Receipt(format!("{number} {}", self.receives))
    }

    fn message(&self, number: u64, bucket: &str) -> Message {
        Message {
            receipt: self.receipt(number),
            id: format!("{} {}", self.stamp.version(), self.key),
            receives: self.receives,
            sent_at: Some(self.sent_at),
            notices: vec![notice(bucket, &self.key, self.stamp)],
            others: 0,
            unreadable: None,
        }
    }
}

fn notice(bucket: &str, key: &str, stamp: Stamp) -> Notice {
    let object = ObjectVersion { bucket: bucket.to_owned(), key: key.to_owned(), version: stamp.version() };
    Notice { object, size: stamp.size, sequencer: None }
}
