//! A source in memory that holds the truth: objects, and a queue of messages about them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::recording::{
    Listing, Message, Notice, ObjectBytes, ObjectVersion, Objects, Receipt, RecordingSource, SourceError,
    Unacknowledged, Unreadable, Version,
};
use crate::time::Timestamp;

/// How long a message is in hand.
const IN_HAND: Duration = Duration::from_secs(120);
/// How many messages are received at once, and how many objects stand on a page: few, so that there are several.
const BATCH: usize = 10;
const PAGE: usize = 3;
const BUCKET: &str = "fake";
/// How many bytes of an object are given at once.
const AT_ONCE: u64 = 1_000;

/// A source in memory, with a clock that only its test moves.
///
/// A clone is another handle to the same bucket and queue.
#[derive(Clone, Debug, Default)]
pub struct FakeSource {
    world: Arc<Mutex<World>>,
}

#[derive(Debug, Default)]
struct World {
    now: Duration,
    objects: BTreeMap<String, Notice>,
    /// What is in those that are not all zeros.
    bytes: BTreeMap<ObjectVersion, Arc<Vec<u8>>>,
    queue: Vec<Queued>,
    made: u64,
    keeps_versions: bool,
    sets_aside: bool,
    failing: bool,
}

/// A message in the queue.
#[derive(Clone, Debug)]
struct Queued {
    id: String,
    says: Says,
    receives: u32,
    /// When it can be received next.
    ready: Duration,
}

#[derive(Clone, Debug)]
enum Says {
    Notice(Notice),
    Nothing,
    Garbage(String),
}

impl FakeSource {
    /// An empty bucket that keeps only the newest of each key, and an empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with a bucket that keeps versions.
    #[must_use]
    pub fn keeping_versions(self) -> Self {
        self.world().keeps_versions = true;
        self
    }

    /// The same, with somebody beside it who sets dead letters aside.
    #[must_use]
    pub fn with_dead_letters(self) -> Self {
        self.world().sets_aside = true;
        self
    }

    /// Puts an object there, and announces it.
    pub fn put(&self, key: &str, size: u64) -> Notice {
        let notice = self.put_silently(key, size);
        self.announce(&notice);
        notice
    }

    /// Puts an object there of which nobody is told: its message is lost.
    pub fn put_silently(&self, key: &str, size: u64) -> Notice {
        let mut world = self.world();
        world.made += 1;
        let made = world.made;
        let version = if world.keeps_versions {
            Version::Id(format!("version-{made}"))
        } else {
            Version::Tag(format!("tag-{made}"))
        };
        let notice = Notice {
            object: ObjectVersion { bucket: BUCKET.to_owned(), key: key.to_owned(), version },
            size,
            sequencer: Some(format!("{made:016X}")),
        };
        world.objects.insert(key.to_owned(), notice.clone());
        notice
    }

    /// Puts an object with these bytes there, of which nobody is told. All others are zeros.
    pub fn put_bytes(&self, key: &str, bytes: Vec<u8>) -> Notice {
        let notice = self.put_silently(key, bytes.len() as u64);
        self.world().bytes.insert(notice.object.clone(), Arc::new(bytes));
        notice
    }

    /// Announces an object, once more if it was announced.
    pub fn announce(&self, notice: &Notice) {
        self.world().send(Says::Notice(notice.clone()));
    }

    /// Sends a message that announces nothing.
    pub fn send_test(&self) {
        self.world().send(Says::Nothing);
    }

    /// Sends a message that cannot be read.
    pub fn send_garbage(&self, body: &str) {
        self.world().send(Says::Garbage(body.to_owned()));
    }

    /// Lets time pass.
    pub fn pass(&self, span: Duration) {
        self.world().now += span;
    }

    /// From now on every call fails, or none.
    pub fn fail(&self, failing: bool) {
        self.world().failing = failing;
    }

    /// How long until a message can be received; nothing if there is none.
    pub fn next_ready(&self) -> Option<Duration> {
        let world = self.world();
        world.queue.iter().map(|queued| queued.ready.saturating_sub(world.now)).min()
    }

    /// How many messages are there, in hand or not.
    pub fn queued(&self) -> usize {
        self.world().queue.len()
    }

    /// The objects that are there.
    pub fn objects(&self) -> Vec<Notice> {
        self.world().objects.values().cloned().collect()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answering(&self) -> Result<MutexGuard<'_, World>, SourceError> {
        let world = self.world();
        if world.failing { Err(SourceError::unavailable("it was made to fail")) } else { Ok(world) }
    }
}

impl World {
    fn send(&mut self, says: Says) {
        self.made += 1;
        let id = format!("message-{}", self.made);
        self.queue.push(Queued { id, says, receives: 0, ready: self.now });
    }

    fn in_hand(&mut self, receipt: &Receipt) -> Option<&mut Queued> {
        let now = self.now;
        self.queue.iter_mut().find(|queued| queued.receipt() == *receipt && queued.ready > now)
    }
}

impl Queued {
    /// It changes each time it is received, as that of a queue does.
    fn receipt(&self) -> Receipt {
        Receipt(format!("{} for the time {}", self.id, self.receives))
    }

    fn message(&self) -> Message {
        let (notices, others, unreadable) = match &self.says {
            Says::Notice(notice) => (vec![notice.clone()], 0, None),
            Says::Nothing => (Vec::new(), 1, None),
            Says::Garbage(body) => {
                (Vec::new(), 0, Some(Unreadable { body: body.clone(), error: "it is garbage".to_owned() }))
            }
        };
        Message {
            receipt: self.receipt(),
            id: self.id.clone(),
            receives: self.receives,
            sent_at: Some(Timestamp::from_micros(0)),
            notices,
            others,
            unreadable,
        }
    }
}

#[async_trait]
impl RecordingSource for FakeSource {
    async fn receive(&self) -> Result<Vec<Message>, SourceError> {
        let mut world = self.answering()?;
        let now = world.now;
        let ready = world.queue.iter_mut().filter(|queued| queued.ready <= now).take(BATCH);
        Ok(ready
            .map(|queued| {
                queued.receives += 1;
                queued.ready = now + IN_HAND;
                queued.message()
            })
            .collect())
    }

    fn in_hand(&self) -> Duration {
        IN_HAND
    }

    async fn acknowledge(&self, receipts: &[Receipt]) -> Result<Vec<Unacknowledged>, SourceError> {
        let mut world = self.answering()?;
        let mut refused = Vec::new();
        for receipt in receipts {
            let before = world.queue.len();
            world.queue.retain(|queued| queued.receipt() != *receipt);
            if world.queue.len() == before {
                let error = "no message has this receipt".to_owned();
                refused.push(Unacknowledged { receipt: receipt.clone(), error });
            }
        }
        Ok(refused)
    }

    async fn give_back(&self, receipts: &[Receipt]) -> Result<(), SourceError> {
        let mut world = self.answering()?;
        let now = world.now;
        for receipt in receipts {
            if let Some(queued) = world.in_hand(receipt) {
                queued.ready = now;
            }
        }
        Ok(())
    }

    async fn extend(&self, receipts: &[Receipt]) -> Result<(), SourceError> {
        let mut world = self.answering()?;
        let until = world.now + IN_HAND;
        for receipt in receipts {
            if let Some(queued) = world.in_hand(receipt) {
                queued.ready = until;
            }
        }
        Ok(())
    }

    async fn sets_dead_letters_aside(&self) -> Result<bool, SourceError> {
        Ok(self.answering()?.sets_aside)
    }

    async fn list(&self, page: Option<&str>) -> Result<Listing, SourceError> {
        let world = self.answering()?;
        let from = page.unwrap_or_default().to_owned();
        let mut rest = world.objects.range(from..);
        // A listing knows no sequencers.
        let notices =
            rest.by_ref().take(PAGE).map(|(_, notice)| Notice { sequencer: None, ..notice.clone() });
        Ok(Listing { notices: notices.collect(), next: rest.next().map(|(key, _)| key.clone()) })
    }

    async fn erase(&self, object: &ObjectVersion) -> Result<(), SourceError> {
        self.answering()?.objects.remove(&object.key);
        Ok(())
    }
}

#[async_trait]
impl Objects for FakeSource {
    async fn open(
        &self,
        object: &ObjectVersion,
        from: u64,
    ) -> Result<Option<Box<dyn ObjectBytes>>, SourceError> {
        let world = self.answering()?;
        let there = world.objects.get(&object.key).filter(|notice| notice.object == *object);
        let bytes = world.bytes.get(object).cloned();
        Ok(there.map(|notice| Box::new(Open { bytes, at: from, size: notice.size }) as Box<dyn ObjectBytes>))
    }
}

/// An object that is being read.
struct Open {
    /// What is in it; zeros if that is not said.
    bytes: Option<Arc<Vec<u8>>>,
    at: u64,
    size: u64,
}

#[async_trait]
impl ObjectBytes for Open {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, SourceError> {
        let some = self.size.saturating_sub(self.at).min(AT_ONCE);
        if some == 0 {
            return Ok(None);
        }
        let at = usize::try_from(self.at).expect("what is in the memory can be counted");
        let end = at + usize::try_from(some).expect("it is little");
        self.at += some;
        Ok(Some(self.bytes.as_ref().map_or_else(|| vec![0; end - at], |bytes| bytes[at..end].to_vec())))
    }
}
