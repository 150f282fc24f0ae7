//! A pipeline of a few stages that take their time, and fail as the switch says.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use reflector_core::TranscriptId;
use reflector_core::pipeline::{Inputs, Made, Pipeline, StageError};
use reflector_core::testing::halt;
use serde_json::{Value, json};

use super::names;
use crate::faults::Switch;

pub(super) const STAGES: &[&str] = &["fetch", "transcribe", "topics"];
/// The stage that no worker comes through with a recording that is cursed.
const CURSED: &str = "transcribe";
/// The one that is left out for some recordings, and for how many.
const LEFT_OUT: &str = "topics";
const LEFT_OUT_OF: f64 = 0.3;
/// How long a failure wants to be waited for, if it says so.
const PAUSE: Duration = Duration::from_secs(120);

/// What is the matter with a recording.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Curse {
    Nothing,
    /// One of its stages fails each time, as long as things go wrong, or for ever.
    Fails {
        for_ever: bool,
    },
    /// One of its stages kills its worker each time.
    Kills,
}

/// The pipeline.
#[derive(Debug)]
pub(super) struct Stages {
    switch: Arc<Switch>,
    seed: u64,
    /// Whether a stage was at work since it was last asked.
    in_use: AtomicBool,
    /// Whether the worker dies of it.
    kills: AtomicBool,
    outputs: AtomicU64,
    /// What went wrong, by its name.
    faults: Mutex<BTreeMap<&'static str, u64>>,
}

impl Stages {
    pub(super) fn new(seed: u64, switch: &Arc<Switch>) -> Self {
        Self {
            switch: Arc::clone(switch),
            seed,
            in_use: AtomicBool::new(false),
            kills: AtomicBool::new(false),
            outputs: AtomicU64::new(0),
            faults: Mutex::default(),
        }
    }

    pub(super) fn was_in_use(&self) -> bool {
        self.in_use.swap(false, Ordering::Relaxed)
    }

    pub(super) fn kills(&self) -> bool {
        self.kills.swap(false, Ordering::Relaxed)
    }

    pub(super) fn take_faults(&self) -> BTreeMap<&'static str, u64> {
        std::mem::take(&mut *self.faults.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn fault(&self, name: &'static str) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }

    async fn takes_time(&self) {
        self.in_use.store(true, Ordering::Relaxed);
        halt().await;
    }

    /// A lot that falls the same way for a recording each time.
    fn lot_of(&self, id: TranscriptId, what: u64) -> f64 {
        let mut mixed = (id.0.as_u128() as u64 ^ self.seed ^ what).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 32)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn curse(&self, id: TranscriptId) -> Curse {
        let (lot, cursed) = (self.lot_of(id, 1), self.switch.faults.runs.cursed);
        match lot {
            _ if lot >= cursed => Curse::Nothing,
            _ if lot < cursed / 2.0 => Curse::Fails { for_ever: lot < cursed / 24.0 },
            _ => Curse::Kills,
        }
    }

    fn fails(&self, stage: &str, curse: Curse) -> Option<StageError> {
        if self.switch.happens(|faults| faults.runs.failed) {
            self.fault(names::FAILED);
            return Some(StageError::failed("there is no audio track"));
        }
        let cursed = match curse {
            Curse::Fails { for_ever } => stage == CURSED && (for_ever || self.switch.is_on()),
            Curse::Nothing | Curse::Kills => false,
        };
        if self.switch.happens(|faults| faults.runs.again) || cursed {
            self.fault(names::AGAIN);
            let after = self.switch.happens(|_| 0.25).then_some(PAUSE);
            return Some(StageError::Again { reason: "the endpoint answers 503".to_owned(), after });
        }
        None
    }

    /// What a stage makes: each time something else, of what earlier stages made, and no easy text.
    fn output(&self, stage: &str, inputs: Inputs<'_>) -> Value {
        let from: BTreeMap<_, _> =
            inputs.made.iter().map(|(name, made)| (name.as_str(), &made["number"])).collect();
        let number = self.outputs.fetch_add(1, Ordering::Relaxed);
        let said = "Grüße 🎙 \"\\\u{0}\r\n\u{7f}'; --";
        let key = &inputs.transcript.object.key;
        json!({ "by": stage, "number": number, "of": key, "from": from, "said": said })
    }
}

#[async_trait]
impl Pipeline for Stages {
    fn stages(&self) -> &[&'static str] {
        STAGES
    }

    async fn work(&self, stage: &str, inputs: Inputs<'_>) -> Result<Made, StageError> {
        let id = inputs.transcript.id;
        let curse = self.curse(id);
        if stage == CURSED && curse == Curse::Kills && self.switch.is_on() {
            self.fault(names::CURSED);
            self.kills.store(true, Ordering::Relaxed);
        }
        self.takes_time().await;
        inputs.progress.is_at(1, 2);
        self.takes_time().await;
        if let Some(error) = self.fails(stage, curse) {
            return Err(error);
        }
        if stage == LEFT_OUT && self.lot_of(id, 2) < LEFT_OUT_OF {
            return Ok(Made::Skipped("no endpoint for topics is set".to_owned()));
        }
        Ok(Made::Output(self.output(stage, inputs)))
    }
}
