//! Writes that wait for the writer are written together: one transaction, and one wait for the disk.
//!
//! Nothing is delayed for it. While the disk syncs one transaction, whoever comes meanwhile stands in line, and all that
//! stand there make up the next one. They are written by a task of their own, so that a caller who goes away in the
//! middle takes nobody along.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use reflector_core::store::StoreError;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::oneshot;

use crate::writer::Writer;

/// How many are written together at the most: others wait for the file meanwhile.
const TOGETHER: usize = 64;

/// What can be written together with others.
#[async_trait]
pub(crate) trait Work: Send + Sync + 'static {
    /// What came of it.
    type Answer: Send + Sync + 'static;

    /// Writes all of it, or nothing if it is refused: what shares the transaction with it goes on. After an error it is
    /// undone, and may be written once more.
    async fn write(&self, write: &mut SqliteConnection) -> Result<Self::Answer, StoreError>;
}

pub(crate) struct Line {
    writer: Arc<Writer>,
    standing: Mutex<Standing>,
}

#[derive(Default)]
struct Standing {
    waiting: VecDeque<Box<dyn Waiting>>,
    is_served: bool,
}

/// Work in the line, whatever it answers.
#[async_trait]
trait Waiting: Send + Sync {
    /// Writes it, and keeps its answer until the disk has it.
    async fn write(&mut self, write: &mut SqliteConnection) -> Result<(), StoreError>;

    /// Answers whoever waits for it: what came of it, or what went wrong.
    fn answer(self: Box<Self>, done: Result<(), StoreError>);
}

struct InLine<W: Work> {
    work: W,
    came_to: Option<W::Answer>,
    answer: oneshot::Sender<Result<W::Answer, StoreError>>,
}

#[async_trait]
impl<W: Work> Waiting for InLine<W> {
    async fn write(&mut self, write: &mut SqliteConnection) -> Result<(), StoreError> {
        self.came_to = Some(self.work.write(write).await?);
        Ok(())
    }

    fn answer(self: Box<Self>, done: Result<(), StoreError>) {
        let Self { came_to, answer, .. } = *self;
        let came_to = came_to.ok_or_else(|| StoreError::Unavailable("it was not written".into()));
        // Whoever does not wait any more will find out when they read it.
        answer.send(done.and(came_to)).ok();
    }
}

impl Line {
    /// The line to this writer.
    pub(crate) fn to(writer: Arc<Writer>) -> Self {
        Self { writer, standing: Mutex::default() }
    }

    /// Writes this with whatever else waits.
    pub(crate) async fn write<W: Work>(self: &Arc<Self>, work: W) -> Result<W::Answer, StoreError> {
        let (answer, answered) = oneshot::channel();
        let was_served = {
            let mut standing = self.standing();
            standing.waiting.push_back(Box::new(InLine { work, came_to: None, answer }));
            std::mem::replace(&mut standing.is_served, true)
        };
        if !was_served {
            tokio::spawn(Service { line: Arc::clone(self), is_over: false }.run());
        }
        answered.await.unwrap_or_else(|gone| Err(StoreError::Unavailable(gone.into())))
    }

    fn next(&self) -> Vec<Box<dyn Waiting>> {
        let mut standing = self.standing();
        let some = standing.waiting.len().min(TOGETHER);
        standing.is_served = some > 0;
        standing.waiting.drain(..some).collect()
    }

    async fn serve(&self, mut together: Vec<Box<dyn Waiting>>) {
        match self.try_together(&mut together).await {
            Ok(done) => {
                for (waiting, done) in together.into_iter().zip(done) {
                    waiting.answer(done);
                }
            }
            // What one of them ran into is not what ails the others.
            Err(_) if together.len() > 1 => {
                for waiting in together {
                    Box::pin(self.serve(vec![waiting])).await;
                }
            }
            Err(error) => {
                if let Some(alone) = together.pop() {
                    alone.answer(Err(error));
                }
            }
        }
    }

    /// Whether each is written, or what one of them ran into: then nothing of any of them is written.
    async fn try_together(
        &self,
        together: &mut [Box<dyn Waiting>],
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let mut write = match self.writer.begin().await {
            Ok(write) => write,
            Err(error) => return Ok(for_all(together, error)),
        };
        for waiting in &mut *together {
            waiting.write(&mut write).await?;
        }
        Ok(match write.commit().await {
            Ok(()) => together.iter().map(|_| Ok(())).collect(),
            // Whether it took place is not known any more: they must not be written once more.
            Err(error) => for_all(together, error),
        })
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        // Nothing under the lock can be left half done.
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn for_all(together: &[Box<dyn Waiting>], error: StoreError) -> Vec<Result<(), StoreError>> {
    let error = Arc::new(error);
    together.iter().map(|_| Err(StoreError::Unavailable(Arc::clone(&error).into()))).collect()
}

/// Whoever serves the line, until nobody stands in it.
struct Service {
    line: Arc<Line>,
    is_over: bool,
}

impl Service {
    async fn run(mut self) {
        loop {
            let together = self.line.next();
            self.is_over = together.is_empty();
            if self.is_over {
                return;
            }
            self.line.serve(together).await;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Cut off in the middle, by a runtime that ends: whoever waits is told, and the next to come is served anew.
        if !self.is_over {
            *self.line.standing() = Standing::default();
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}
