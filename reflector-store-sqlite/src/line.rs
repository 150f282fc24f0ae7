//! Commits that wait for the writer are written together: one transaction, and one wait for the disk.
//!
//! Nothing is delayed for it. While the disk syncs one transaction, whoever comes meanwhile stands in line, and all that
//! stand there make up the next one. They are written by a task of their own, so that a caller who goes away in the
//! middle takes nobody along.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reflector_core::store::{Committed, StoreError};
use tokio::sync::oneshot;

use crate::commit::WrittenOut;
use crate::writer::Writer;

/// How many are written together at the most: others wait for the file meanwhile.
const TOGETHER: usize = 64;

pub(crate) struct Line {
    writer: Arc<Writer>,
    standing: Mutex<Standing>,
}

#[derive(Default)]
struct Standing {
    commits: VecDeque<Waiting>,
    is_served: bool,
}

struct Waiting {
    commit: WrittenOut,
    answer: oneshot::Sender<Result<Committed, StoreError>>,
}

impl Line {
    /// The line to this writer.
    pub(crate) fn to(writer: Arc<Writer>) -> Self {
        Self { writer, standing: Mutex::default() }
    }

    pub(crate) async fn commit(self: &Arc<Self>, commit: WrittenOut) -> Result<Committed, StoreError> {
        let (answer, answered) = oneshot::channel();
        let was_served = {
            let mut standing = self.standing();
            standing.commits.push_back(Waiting { commit, answer });
            std::mem::replace(&mut standing.is_served, true)
        };
        if !was_served {
            tokio::spawn(Service { line: Arc::clone(self), is_over: false }.run());
        }
        answered.await.unwrap_or_else(|gone| Err(StoreError::Unavailable(gone.into())))
    }

    fn next(&self) -> Vec<Waiting> {
        let mut standing = self.standing();
        let some = standing.commits.len().min(TOGETHER);
        standing.is_served = some > 0;
        standing.commits.drain(..some).collect()
    }

    async fn write(&self, together: Vec<Waiting>) {
        match self.try_together(&together).await {
            Ok(answers) => {
                for (waiting, answer) in together.into_iter().zip(answers) {
                    // Whoever does not wait any more will find out when they read it.
                    waiting.answer.send(answer).ok();
                }
            }
            // What one of them ran into is not what ails the others.
            Err(_) if together.len() > 1 => {
                for waiting in together {
                    Box::pin(self.write(vec![waiting])).await;
                }
            }
            Err(error) => {
                let mut alone = together;
                if let Some(waiting) = alone.pop() {
                    waiting.answer.send(Err(error)).ok();
                }
            }
        }
    }

    /// What came of each, or what one of them ran into: then nothing of any of them is written.
    async fn try_together(
        &self,
        together: &[Waiting],
    ) -> Result<Vec<Result<Committed, StoreError>>, StoreError> {
        let mut write = match self.writer.begin().await {
            Ok(write) => write,
            Err(error) => return Ok(for_all(together, error)),
        };
        let mut answers = Vec::with_capacity(together.len());
        for waiting in together {
            answers.push(Ok(waiting.commit.write(&mut write).await?));
        }
        Ok(match write.commit().await {
            Ok(()) => answers,
            // Whether it took place is not known any more: they must not be written once more.
            Err(error) => for_all(together, error),
        })
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        // Nothing under the lock can be left half done.
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn for_all(together: &[Waiting], error: StoreError) -> Vec<Result<Committed, StoreError>> {
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
            self.line.write(together).await;
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
