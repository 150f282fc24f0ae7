//! A bucket whose objects are in memory, and in which things go wrong when they are told to.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use reflector_core::recording::{ObjectBytes, ObjectVersion, Objects, SourceError};
use tokio::task::yield_now;

/// How many bytes are given at once.
const BLOCK: usize = 16 * 1024;

#[derive(Default)]
pub(crate) struct Bucket {
    holds: Mutex<Holds>,
}

#[derive(Default)]
struct Holds {
    objects: BTreeMap<ObjectVersion, Arc<Vec<u8>>>,
    faults: VecDeque<Fault>,
    opened_at: Vec<u64>,
}

/// What goes wrong the next time that an object is opened.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It cannot be opened.
    Unavailable,
    /// It may not be opened.
    Refused,
    /// The connection breaks after so many bytes.
    BreaksAfter(usize),
    /// It looks as if it ended after so many bytes.
    EndsAfter(usize),
}

impl Bucket {
    pub(crate) fn put(&self, object: &ObjectVersion, bytes: Vec<u8>) {
        self.holds().objects.insert(object.clone(), Arc::new(bytes));
    }

    pub(crate) fn erase(&self, object: &ObjectVersion) {
        self.holds().objects.remove(object);
    }

    pub(crate) fn holds_nothing(&self) -> bool {
        self.holds().objects.is_empty()
    }

    pub(crate) fn next(&self, faults: &[Fault]) {
        self.holds().faults.extend(faults.iter().cloned());
    }

    /// From which byte on objects were opened, each time.
    pub(crate) fn opened_at(&self) -> Vec<u64> {
        self.holds().opened_at.clone()
    }

    fn holds(&self) -> MutexGuard<'_, Holds> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").finish_non_exhaustive()
    }
}

#[async_trait]
impl Objects for Bucket {
    async fn open(
        &self,
        object: &ObjectVersion,
        from: u64,
    ) -> Result<Option<Box<dyn ObjectBytes>>, SourceError> {
        yield_now().await;
        let mut holds = self.holds();
        holds.opened_at.push(from);
        let fault = holds.faults.pop_front();
        match fault {
            Some(Fault::Unavailable) => return Err(SourceError::unavailable("it was made to fail")),
            Some(Fault::Refused) => return Err(SourceError::refused("grant s3:GetObject")),
            _ => {}
        }
        let Some(bytes) = holds.objects.get(object).cloned() else { return Ok(None) };
        let from = usize::try_from(from).unwrap();
        assert!(from < bytes.len(), "a real bucket refuses a range that begins at the end");
        Ok(Some(Box::new(Open { bytes, at: from, given: 0, fault })))
    }
}

struct Open {
    bytes: Arc<Vec<u8>>,
    at: usize,
    given: usize,
    fault: Option<Fault>,
}

#[async_trait]
impl ObjectBytes for Open {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, SourceError> {
        yield_now().await;
        let room = match self.fault {
            Some(Fault::BreaksAfter(most)) if self.given >= most => {
                return Err(SourceError::unavailable("the connection broke"));
            }
            Some(Fault::EndsAfter(most)) if self.given >= most => return Ok(None),
            Some(Fault::BreaksAfter(most) | Fault::EndsAfter(most)) => most - self.given,
            _ => BLOCK,
        };
        let some = room.min(BLOCK).min(self.bytes.len() - self.at);
        let block = self.bytes[self.at..self.at + some].to_vec();
        self.at += some;
        self.given += some;
        Ok((some > 0).then_some(block))
    }
}
