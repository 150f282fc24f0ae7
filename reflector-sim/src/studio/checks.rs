//! What must hold of runs after every step: what was done to them was allowed, and what is kept is what was done.

use std::collections::{BTreeMap, BTreeSet};

use reflector_core::pipeline::{Run, RunState, Stage, StageStatus, violated};
use reflector_core::recording::RecordingStatus;
use reflector_core::store::{ClaimRuns, LoadedTranscript, OwedNotice, RunBeat, RunCommit};
use reflector_core::{RecordingId, Timestamp, TranscriptId};
use serde_json::Value;

use super::witness::Seen;
use super::{STAGES, Studio, names};
use crate::world::{World, ready};

/// What must be kept of a transcript.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) recording: RecordingId,
    pub(super) run: Run,
    version: u64,
    claimed_until: Option<Timestamp>,
    /// What its stages made, to the byte.
    made: BTreeMap<String, String>,
}

impl Studio {
    /// After every step.
    pub(super) fn check(&mut self, world: &mut World) {
        let mut touched = BTreeSet::new();
        for seen in self.witness.take_seen() {
            touched.insert(match seen {
                Seen::Begun(begun) => self.sees_beginning(world, *begun),
                Seen::Claimed(claim, loaded) => self.sees_claim(world, claim, &loaded),
                Seen::Beaten(beat) => self.sees_beat(world, beat),
                Seen::Committed(commit) => self.sees_commit(world, *commit),
            });
        }
        for id in touched {
            self.check_kept(world, id);
        }
    }

    /// A run begins with nothing made, and those of a recording are counted.
    fn sees_beginning(&mut self, world: &mut World, begun: LoadedTranscript) -> TranscriptId {
        let LoadedTranscript { transcript, version, claimed_until, .. } = begun;
        let id = transcript.id;
        world.say(|| format!("run {} of {id} begins", transcript.run.number));
        let before = self.known.get(&id);
        let anew = before.is_some();
        let number = before.map_or(0, |known| known.run.number) + 1;
        let names = transcript.run.stages.iter().map(|stage| stage.name.as_str());
        let is_new = transcript.run.number == number
            && names.eq(STAGES.iter().copied())
            && transcript.run.stages.iter().all(is_untouched)
            && before.is_none_or(|known| known.version < version)
            && claimed_until.is_none();
        if !is_new {
            let wrong = format!("run {} of {id} does not begin as a new one", transcript.run.number);
            world.checks.violation(world.now, wrong);
        }
        world.report.runs(if anew { names::BEGUN_ANEW } else { names::BEGUN }, 1);
        let (run, made) = (transcript.run, BTreeMap::new());
        self.known.insert(id, Known { recording: transcript.recording, run, version, claimed_until, made });
        id
    }

    /// A run is given to one at a time, when it is ready.
    fn sees_claim(&mut self, world: &mut World, claim: ClaimRuns, loaded: &LoadedTranscript) -> TranscriptId {
        let id = loaded.transcript.id;
        let Some(known) = self.known.get_mut(&id) else { return id };
        let ready_at = known.run.ready_at(known.claimed_until);
        if known.claimed_until.is_some_and(|until| until > claim.now) {
            world.checks.violation(world.now, format!("the run of {id} is claimed while somebody has it"));
        } else if ready_at.is_none_or(|ready_at| ready_at > claim.now) {
            world.checks.violation(world.now, format!("the run of {id} is claimed although it is not ready"));
        }
        world.report.runs(names::CLAIMED, 1);
        world.report.runs(names::TAKEN_OVER, u64::from(known.claimed_until.is_some()));
        known.version += 1;
        known.claimed_until = Some(claim.until);
        id
    }

    fn sees_beat(&mut self, world: &mut World, beat: RunBeat) -> TranscriptId {
        if let Some(known) = self.known.get_mut(&beat.id) {
            if known.version != beat.version {
                let id = beat.id;
                world.checks.violation(world.now, format!("a claim on {id} is prolonged that was lost"));
            }
            world.report.runs(names::PROLONGED, 1);
            known.claimed_until = Some(beat.until);
        }
        beat.id
    }

    fn sees_commit(&mut self, world: &mut World, commit: RunCommit) -> TranscriptId {
        let RunCommit { expected, transcript, claimed_until, made, dropped, notices, .. } = commit;
        let (id, run) = (transcript.id, transcript.run);
        let Some(known) = self.known.get_mut(&id) else { return id };
        let mut wrong = |what: &str| {
            world.checks.violation(world.now, format!("the run of {id} {what}"));
        };
        if expected != known.version {
            wrong("is written to by somebody who has lost it");
        }
        violated(&run, &self.retry)
            .into_iter()
            .for_each(|invariant| wrong(&format!("violates: {invariant}")));
        if let Some((stage, text)) = &made
            && !is_made_of(text, stage, &known.made)
        {
            wrong("has a stage that did not work with what the earlier ones made");
        }
        let counts = if run.number == known.run.number {
            changes(&known.run, &run, self.retry.attempts)
        } else {
            restarted(&known.run, &run)
        };
        counts.as_ref().err().into_iter().for_each(|what| wrong(what));
        let told = told_of(id, &known.run, &run);
        if told != notices.iter().map(|notice| notice.id.clone()).collect::<Vec<_>>() {
            wrong("is told of in another way than it ended");
        }
        for name in counts.into_iter().flatten() {
            world.report.runs(name, 1);
        }
        dropped.iter().for_each(|stage| drop(known.made.remove(stage)));
        known.made.extend(made);
        (known.run, known.version, known.claimed_until) = (run, expected + 1, claimed_until);
        self.sees_notices(world, notices);
        id
    }

    /// What is to be told of a run is owed once.
    fn sees_notices(&mut self, world: &mut World, notices: Vec<OwedNotice>) {
        for notice in notices {
            world.report.runs(names::OWED, 1);
            if let Some(before) = self.owed.insert(notice.id.clone(), notice) {
                world.checks.violation(world.now, format!("{} is owed twice", before.id));
            }
        }
    }

    /// What the store keeps is what was done, and its recording stands as its run does.
    fn check_kept(&self, world: &mut World, id: TranscriptId) {
        let Some(known) = self.known.get(&id) else { return };
        let mut wrong = |what: String| {
            world.checks.violation(world.now, format!("the run of {id} {what}"));
        };
        let kept = ready(self.store.load_transcript(id)).ok().flatten();
        let is_kept = kept.is_some_and(|kept| {
            kept.transcript.run == known.run
                && kept.version == known.version
                && kept.claimed_until == known.claimed_until
        });
        if !is_kept {
            wrong("is not kept as it was written".to_owned());
        }
        if ready(self.store.made(id)).ok().as_ref() != Some(&known.made) {
            wrong("has lost what its stages made".to_owned());
        }
        let done = known.run.stages.iter().filter(|stage| stage.status == StageStatus::Done);
        let done: BTreeSet<_> = done.map(|stage| &stage.name).collect();
        if done != known.made.keys().collect() {
            wrong("keeps what others made than the stages that are done".to_owned());
        }
        let recording = ready(self.store.load_recording(known.recording)).ok().flatten();
        let status = recording.map(|loaded| loaded.recording.status);
        // One that was queued again waits for its next run.
        if status != Some(known.run.recording_status()) && status != Some(RecordingStatus::Pending) {
            wrong(format!("is {}, and its recording {status:?}", known.run.status().as_str()));
        }
    }
}

fn is_untouched(stage: &Stage) -> bool {
    stage.status == StageStatus::Pending && stage.attempts == 0 && stage.started_at.is_none()
}

/// Whether a stage made this of just what the earlier ones made.
fn is_made_of(text: &str, stage: &str, earlier: &BTreeMap<String, String>) -> bool {
    let Ok(made) = serde_json::from_str::<Value>(text) else { return false };
    let numbers = earlier.iter().map(|(name, text)| {
        let number = serde_json::from_str::<Value>(text).ok()?["number"].as_u64();
        Some((name.clone(), Value::from(number?)))
    });
    made["by"] == stage && numbers.collect::<Option<_>>().map(Value::Object).as_ref() == Some(&made["from"])
}

/// What changed within a run, by the names it is counted under, or what must not change.
fn changes(before: &Run, after: &Run, attempts: u32) -> Result<Vec<&'static str>, &'static str> {
    let mut counts = Vec::new();
    if before.stages.len() != after.stages.len() || before.begun_at != after.begun_at {
        return Err("is another one under the same number");
    }
    for (was, is) in before.stages.iter().zip(&after.stages) {
        if was.status.is_past() && was != is {
            return Err("has a stage that is past and changes");
        }
        if is.attempts > was.attempts + 1 || is.attempts + 1 < was.attempts {
            return Err("has a stage whose attempts are not counted");
        }
        if is.attempts > was.attempts {
            counts.push(names::STARTED);
            counts.extend((was.status == StageStatus::Running).then_some(names::REPEATED));
        }
        counts.extend(match is.status {
            _ if was.status.is_past() => None,
            StageStatus::Done => Some(names::DONE),
            StageStatus::Skipped => Some(names::SKIPPED),
            StageStatus::Pending if is.attempts < was.attempts => Some(names::GIVEN_BACK),
            StageStatus::Pending if was.status == StageStatus::Running => Some(names::RETRIED),
            StageStatus::Failed if is.attempts >= attempts => Some(names::EXHAUSTED),
            StageStatus::Failed => Some(names::GAVE_UP),
            StageStatus::Pending | StageStatus::Running => None,
        });
    }
    counts.extend(match after.state {
        RunState::Done { .. } => Some(names::COMPLETED),
        RunState::Failed { .. } => Some(names::RUN_FAILED),
        RunState::Waiting { .. } | RunState::Working { .. } => None,
    });
    Ok(counts)
}

/// What a restart keeps, by the names it is counted under, or what it must not keep.
fn restarted(before: &Run, after: &Run) -> Result<Vec<&'static str>, &'static str> {
    if after.number != before.number + 1 || after.stages.len() != STAGES.len() {
        return Err("is not the next one of its recording");
    }
    let mut counts = vec![names::RESTARTED];
    for (was, is) in before.stages.iter().zip(&after.stages) {
        match is.status {
            status if status.is_past() && was == is => counts.push(names::KEPT),
            _ if is_untouched(is) => {}
            _ => return Err("does not begin anew where it was asked to"),
        }
    }
    Ok(counts)
}

/// What is to be told when a run comes from here to there: that it is over, if it is now and was not.
fn told_of(id: TranscriptId, before: &Run, after: &Run) -> Vec<String> {
    let event = match after.state {
        RunState::Done { .. } => "transcript.completed",
        RunState::Failed { .. } => "transcript.failed",
        RunState::Waiting { .. } | RunState::Working { .. } => return Vec::new(),
    };
    // One of which nothing was left to be done when it was restarted has not ended again.
    let ends = before.number == after.number && !before.is_over();
    ends.then(|| format!("{event} {id} {}", after.number)).into_iter().collect()
}
