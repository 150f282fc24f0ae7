//! A worker on runs: it stands beside a server, dies with it, and dies by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use reflector_core::engine::{Brought, Claimed, Notices, Recordings, Runs, Worked};
use reflector_core::pipeline::{Made, RestartAt, StageError, Unseen};
use reflector_core::store::StoreError;
use reflector_core::{RecordingId, Timestamp, TranscriptId};

use crate::tasks::Tasks;

/// What a stage came to.
pub(super) type CameTo = Result<Made, StageError>;

/// What a task came to. Where nothing is said, the store was ill.
pub(super) enum Done {
    /// Waiting recordings have their runs, and some runs are in hand; when there is more to do.
    Looked(Option<(Vec<Claimed>, Option<Timestamp>)>),
    /// The next stage of a run was started, or not.
    Started(Option<Result<Box<Claimed>, Worked>>),
    /// A stage came to something.
    Worked(Box<Claimed>, Option<CameTo>),
    /// What it came to is kept, or not.
    Finished(Box<Unkept>, Option<Worked>),
    GivenBack,
    /// Whether the run that this task works on is still in hand.
    Beaten(u64, Box<Claimed>, Option<bool>),
    /// Notices were brought; when there are more.
    Posted(Option<(Vec<Brought>, Option<Timestamp>)>),
    /// What an operator wanted was done, or not.
    Operated(Order, bool),
}

/// What a stage came to, until it is kept.
#[derive(Clone, Debug)]
pub(super) struct Unkept {
    pub(super) started: Claimed,
    pub(super) came_to: CameTo,
    /// How often it was tried to keep it.
    pub(super) tries: u32,
}

/// What an operator asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Requeue(RecordingId),
    Restart(TranscriptId, RestartAt<'static>),
}

/// The loops of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loop {
    Runs,
    Post,
}

/// When a loop goes round.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Round {
    pub(super) is_busy: bool,
    pub(super) next: Option<(Timestamp, u64)>,
}

/// What a worker works with.
#[derive(Clone)]
pub(super) struct Tools {
    pub(super) runs: Runs,
    pub(super) notices: Notices,
    pub(super) recordings: Recordings,
}

/// A worker. Its tasks die with it.
#[derive(Default)]
pub(super) struct Worker {
    tools: Option<Tools>,
    /// How often it was started.
    pub(super) life: u32,
    /// How many runs it has in hand.
    pub(super) in_hand: usize,
    /// The tasks in which stages are at work.
    pub(super) working: BTreeSet<u64>,
    rounds: [Round; 2],
    pub(super) tasks: Tasks<Done>,
}

impl Worker {
    pub(super) fn is_up(&self) -> bool {
        self.tools.is_some()
    }

    pub(super) fn starts(&mut self, tools: Tools) {
        *self = Self { tools: Some(tools), life: self.life + 1, ..Self::default() };
    }

    /// Dies: whatever it had in hand is gone, wherever it was. Whether a stage was at work.
    pub(super) fn dies(&mut self) -> bool {
        self.tools = None;
        self.tasks.drop_all();
        !std::mem::take(&mut self.working).is_empty()
    }

    /// How long a run stays in hand without a sign of life.
    pub(super) fn lease(&self) -> Duration {
        self.tools.as_ref().map_or(Duration::ZERO, |tools| tools.runs.lease())
    }

    pub(super) fn round(&mut self, which: Loop) -> &mut Round {
        &mut self.rounds[which as usize]
    }

    // What a worker does, as whoever embeds the engine does it.

    fn take_on<F>(&mut self, number: u64, task: impl FnOnce(Tools) -> F)
    where
        F: Future<Output = Done> + 'static,
    {
        if let Some(tools) = self.tools.clone() {
            self.tasks.take_on(number, task(tools));
        }
    }

    /// Begins runs, and takes some in hand.
    pub(super) fn look(&mut self, number: u64, free: usize, now: Timestamp) {
        self.take_on(number, async move |Tools { runs, .. }| {
            let look = async {
                while runs.begin_once(now).await?.more {}
                let claimed = runs.claim(None, free, now).await?;
                // Whoever has something in hand looks again when it is done.
                let next = if claimed.is_empty() { runs.store().next_run().await? } else { None };
                Ok::<_, StoreError>((claimed, next))
            };
            Done::Looked(look.await.ok())
        });
    }

    pub(super) fn start(&mut self, number: u64, claimed: Claimed, now: Timestamp) {
        self.take_on(number, async move |Tools { runs, .. }| {
            Done::Started(runs.start_stage(claimed, now).await.ok().map(|started| started.map(Box::new)))
        });
    }

    pub(super) fn work(&mut self, number: u64, started: Box<Claimed>) {
        self.working.insert(number);
        self.take_on(number, async move |Tools { runs, .. }| {
            let came_to = runs.work_stage(&started, &Unseen).await.ok();
            Done::Worked(started, came_to)
        });
    }

    pub(super) fn finish(&mut self, number: u64, unkept: Box<Unkept>, now: Timestamp) {
        self.take_on(number, async move |Tools { runs, .. }| {
            let worked = runs.finish_stage(unkept.started.clone(), &unkept.came_to, now).await.ok();
            Done::Finished(unkept, worked)
        });
    }

    pub(super) fn give_back(&mut self, number: u64, started: Claimed, now: Timestamp) {
        self.take_on(number, async move |Tools { runs, .. }| {
            // What fails is left to whoever is next when the claim has run out.
            let _ = runs.give_back(started, now).await;
            Done::GivenBack
        });
    }

    pub(super) fn beat(&mut self, number: u64, (task, started): (u64, Box<Claimed>), now: Timestamp) {
        self.take_on(number, async move |Tools { runs, .. }| {
            let holds = runs.beat(&started, None, now).await.ok();
            Done::Beaten(task, started, holds)
        });
    }

    pub(super) fn post(&mut self, number: u64, now: Timestamp) {
        self.take_on(number, async move |Tools { notices, .. }| {
            let post = async {
                let mut brought = Vec::new();
                for claimed in notices.claim(4, now).await? {
                    brought.push(notices.bring(&claimed, now).await?);
                }
                let next = if brought.is_empty() { notices.store().next_notice().await? } else { Some(now) };
                Ok::<_, StoreError>((brought, next))
            };
            Done::Posted(post.await.ok())
        });
    }

    pub(super) fn operate(&mut self, number: u64, order: Order, now: Timestamp) {
        self.take_on(number, async move |Tools { runs, recordings, .. }| {
            let done = match order {
                Order::Requeue(id) => recordings.requeue(id).await.is_ok(),
                Order::Restart(id, from) => runs.restart(id, from, now).await.is_ok(),
            };
            Done::Operated(order, done)
        });
    }
}
