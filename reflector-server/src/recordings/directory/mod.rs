//! A folder that is watched: what is put there is a recording once nobody writes to it any more.
//!
//! Its messages are in memory only: after a restart everything that is there is announced again, and is known.

mod look;
mod queue;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use reflector_core::recording::{
    Listing, Message, ObjectBytes, ObjectVersion, Objects, Receipt, RecordingSource, SourceError,
    Unacknowledged,
};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use crate::clock::Clock;
use queue::Queue;

/// What the buckets of folders begin with, and those of S3 never do.
pub(crate) const BUCKET: &str = "file:";
/// How long a message is in hand.
const IN_HAND: Duration = Duration::from_secs(2 * 60);
/// How many messages are received at once, and how many objects stand on a page.
const BATCH: usize = 10;
const PAGE: usize = 1000;

/// A folder as a source of recordings.
///
/// A file in it is an object of the bucket `file:NAME`, with the name of the folder: it stays the same wherever the
/// folder is moved or mounted. Its key is its path below the folder, with slashes; its version tells its size and when
/// it was written to. Empty files, hidden ones and links are none, and where links lead is not looked.
pub(crate) struct Directory {
    root: PathBuf,
    pace: Pace,
    clock: Clock,
    queue: Mutex<Queue>,
    /// Only one looks at a time; when that was.
    looked_at: tokio::sync::Mutex<Option<Instant>>,
}

/// How a folder is watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How often it is looked at.
    pub(crate) look: Duration,
    /// For how long nobody has written to a file that is finished.
    pub(crate) quiet: Duration,
    /// How long receiving waits for something to come.
    pub(crate) wait: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { look: Duration::from_secs(1), quiet: Duration::from_secs(5), wait: Duration::from_secs(10) }
    }
}

impl Directory {
    /// The folder at this path, which may come and go.
    pub(crate) fn new(root: &Path, pace: Pace, clock: Clock) -> Self {
        let queue = Mutex::new(Queue::new(bucket(root)));
        Self { root: root.to_owned(), pace, clock, queue, looked_at: tokio::sync::Mutex::default() }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the folder, unless somebody has just done so.
    async fn look(&self) -> Result<(), SourceError> {
        let mut looked_at = self.looked_at.lock().await;
        if looked_at.is_some_and(|at| at.elapsed() < self.pace.look) {
            return Ok(());
        }
        let root = self.root.clone();
        let seen = blocking(move || look::look(&root)).await?;
        self.queue().see(seen, self.pace.quiet, (self.clock)());
        *looked_at = Some(Instant::now());
        Ok(())
    }
}

/// The name of a folder as a bucket.
pub(crate) fn bucket(root: &Path) -> String {
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    format!("{BUCKET}{name}")
}

/// Does what may take long on a disk that is slow.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(SourceError::unavailable(format!("looking at the folder failed: {error}")))
    })
}

#[async_trait]
impl RecordingSource for Directory {
    async fn receive(&self) -> Result<Vec<Message>, SourceError> {
        let until = Instant::now() + self.pace.wait;
        loop {
            self.look().await?;
            let messages = self.queue().receive((self.clock)());
            let left = until.saturating_duration_since(Instant::now());
            if !messages.is_empty() || left.is_zero() {
                return Ok(messages);
            }
            sleep(self.pace.look.min(left)).await;
        }
    }

    fn in_hand(&self) -> Duration {
        IN_HAND
    }

    async fn acknowledge(&self, receipts: &[Receipt]) -> Result<Vec<Unacknowledged>, SourceError> {
        Ok(self.queue().acknowledge(receipts))
    }

    async fn give_back(&self, receipts: &[Receipt]) -> Result<(), SourceError> {
        self.queue().hold_until(receipts, (self.clock)());
        Ok(())
    }

    async fn extend(&self, receipts: &[Receipt]) -> Result<(), SourceError> {
        self.queue().hold_until(receipts, (self.clock)() + IN_HAND);
        Ok(())
    }

    /// Nobody does; there is no message either that could not be read.
    async fn sets_dead_letters_aside(&self) -> Result<bool, SourceError> {
        Ok(false)
    }

    async fn list(&self, page: Option<&str>) -> Result<Listing, SourceError> {
        self.look().await?;
        if self.queue().awaits_another_look() {
            sleep(self.pace.look).await;
            self.look().await?;
        }
        Ok(self.queue().list(page))
    }

    async fn erase(&self, object: &ObjectVersion) -> Result<(), SourceError> {
        let (root, key) = (self.root.clone(), object.key.clone());
        blocking(move || look::erase(&root, &key)).await
    }
}

#[async_trait]
impl Objects for Directory {
    async fn open(
        &self,
        object: &ObjectVersion,
        from: u64,
    ) -> Result<Option<Box<dyn ObjectBytes>>, SourceError> {
        let (root, object) = (self.root.clone(), object.clone());
        let opened = blocking(move || read::open(&root, &object.key, &object.version, from)).await?;
        Ok(opened.map(|opened| Box::new(opened) as Box<dyn ObjectBytes>))
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("root", &self.root).finish_non_exhaustive()
    }
}
