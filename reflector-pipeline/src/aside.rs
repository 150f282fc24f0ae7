//! Work that blocks: on a thread of its own, told how far it is, and stopped when nobody waits for it any more.

use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use reflector_core::pipeline::{Progress, StageError};
use tokio::sync::watch;

/// How often a program that is about to end is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Does blocking work, and passes on how far it says it is. Dropped, it stops the work at its next
/// [`go_on`](Aside::go_on), and kills the program that runs for it.
pub(crate) async fn aside<T: Send + 'static>(
    progress: &dyn Progress,
    work: impl FnOnce(&Aside) -> Result<T, StageError> + Send + 'static,
) -> Result<T, StageError> {
    let (at, mut seen) = watch::channel((0, 0));
    let aside = Arc::new(Aside { stopped: AtomicBool::new(false), program: Mutex::new(None), at });
    let waiting = Waiting(Arc::clone(&aside));
    let mut thread = tokio::task::spawn_blocking(move || {
        let came_to = work(&aside);
        aside.end();
        came_to
    });
    loop {
        tokio::select! {
            ended = &mut thread => {
                drop(waiting);
                return ended.unwrap_or_else(|_| {
                    Err(StageError::failed("the file makes its decoder fail: it is damaged, or of an unknown kind"))
                });
            }
            Ok(()) = seen.changed() => {
                let (done, of) = *seen.borrow_and_update();
                progress.is_at(done, of);
            }
        }
    }
}

/// What blocking work has in common with whoever waits for it.
#[derive(Debug)]
pub(crate) struct Aside {
    stopped: AtomicBool,
    program: Mutex<Option<Child>>,
    at: watch::Sender<(u64, u64)>,
}

impl Aside {
    /// Tells how far the work is.
    pub(crate) fn is_at(&self, done: u64, of: u64) {
        self.at.send_replace((done, of));
    }

    /// Whether the work is still wanted.
    ///
    /// # Errors
    ///
    /// When nobody waits for it: it should end.
    pub(crate) fn go_on(&self) -> Result<(), StageError> {
        if self.stopped.load(Ordering::SeqCst) {
            return Err(StageError::again("nobody waits for it any more"));
        }
        Ok(())
    }

    /// Keeps a program that runs for this work, so that it does not outlive it.
    pub(crate) fn keep(&self, program: Child) {
        let mut kept = self.program();
        *kept = Some(program);
        if self.stopped.load(Ordering::SeqCst) {
            kill(&mut kept);
        }
    }

    /// Waits for the program to end by itself.
    pub(crate) fn ended(&self) -> std::io::Result<Option<ExitStatus>> {
        loop {
            // The lock is let go in between: whoever stops the work kills the program through it.
            let status = self.program().as_mut().map(Child::try_wait).transpose()?;
            match status {
                Some(None) => thread::sleep(LOOK),
                None | Some(Some(_)) => return Ok(status.flatten()),
            }
        }
    }

    /// Ends the program if it still runs.
    fn end(&self) {
        let mut program = self.program();
        kill(&mut program);
        if let Some(mut program) = program.take() {
            // Killed programs end at once, and only what was waited for is gone from the machine.
            let _ = program.wait();
        }
    }

    fn program(&self) -> MutexGuard<'_, Option<Child>> {
        self.program.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kill(program: &mut Option<Child>) {
    if let Some(program) = program {
        // It may have ended already.
        let _ = program.kill();
    }
}

/// Whoever waits for the work; gone when the stage is dropped.
struct Waiting(Arc<Aside>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::SeqCst);
        kill(&mut self.0.program());
    }
}
