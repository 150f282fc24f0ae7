//! The suite for pipelines notices what is wrong with one, and passes one in which nothing is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use reflector_core::pipeline::{Inputs, Made, Pipeline, StageError, Transcript};
use reflector_core::testing::pipeline_suite::{self as suite, PipelineHarness};
use reflector_core::testing::{halt, sample};
use serde_json::json;

use super::studio::locked;

/// What is wrong with a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    HasNoStages,
    NamesTwoAlike,
    LeavesOneWithoutAName,
    NamesThemOtherwiseEachTime,
    Fails,
    SkipsWithoutAWord,
    CountsHowOften,
    AddsToWhatIsThere,
    BelievesHalf,
    StaysBusy,
    NeverEnds,
    RemembersWhatIsNotKept,
    LooksAtTheNumberOfTheRun,
}

/// The folder that all processes of a world share.
type Disk = Arc<Mutex<BTreeMap<&'static str, String>>>;

#[derive(Debug)]
struct Process {
    wrong: Wrong,
    disk: Disk,
    names: Vec<&'static str>,
    is_busy: AtomicBool,
    remembered: Mutex<String>,
}

impl Process {
    /// What somebody says, written piece by piece.
    async fn fetch(&self, inputs: Inputs<'_>) -> Result<Made, StageError> {
        if self.wrong == Wrong::StaysBusy && self.is_busy.swap(true, Ordering::SeqCst) {
            return Err(StageError::again("it is busy"));
        }
        let is_there = locked(&self.disk).contains_key("audio");
        if self.wrong != Wrong::BelievesHalf || !is_there {
            if self.wrong != Wrong::AddsToWhatIsThere || !is_there {
                locked(&self.disk).insert("audio", String::new());
            }
            for piece in ["a word", " and another"] {
                halt().await;
                locked(&self.disk).get_mut("audio").expect("it is there").push_str(piece);
            }
        }
        if self.wrong == Wrong::NeverEnds {
            loop {
                halt().await;
            }
        }
        self.is_busy.store(false, Ordering::SeqCst);
        Ok(Made::Output(match self.wrong {
            Wrong::Fails => return Err(StageError::failed("there is no audio")),
            Wrong::CountsHowOften => json!(inputs.transcript.run.stages[0].attempts),
            Wrong::LooksAtTheNumberOfTheRun => json!(inputs.transcript.run.number),
            _ => json!({ "fetched": true }),
        }))
    }

    fn count(&self) -> Made {
        let audio = locked(&self.disk)["audio"].clone();
        locked(&self.remembered).clone_from(&audio);
        Made::Output(json!(audio.len()))
    }

    fn publish(&self, inputs: Inputs<'_>) -> Result<Made, StageError> {
        let length: Option<usize> = inputs.made_by("count")?;
        Ok(match self.wrong {
            Wrong::SkipsWithoutAWord => Made::Skipped(" ".to_owned()),
            Wrong::RemembersWhatIsNotKept => Made::Output(json!(*locked(&self.remembered))),
            _ => Made::Skipped(format!("nobody wants {length:?} bytes")),
        })
    }
}

#[async_trait]
impl Pipeline for Process {
    fn stages(&self) -> &[&'static str] {
        &self.names
    }

    async fn work(&self, stage: &str, inputs: Inputs<'_>) -> Result<Made, StageError> {
        match stage {
            "fetch" => self.fetch(inputs).await,
            "count" => Ok(self.count()),
            _ => self.publish(inputs),
        }
    }
}

struct World {
    wrong: Wrong,
    disk: Disk,
    processes: AtomicUsize,
}

impl PipelineHarness for World {
    fn pipeline(&self) -> Arc<dyn Pipeline> {
        let process = self.processes.fetch_add(1, Ordering::SeqCst);
        let names = match self.wrong {
            Wrong::HasNoStages => vec![],
            Wrong::NamesTwoAlike => vec!["fetch", "count", "fetch"],
            Wrong::LeavesOneWithoutAName => vec!["fetch", "count", ""],
            Wrong::NamesThemOtherwiseEachTime if process > 0 => vec!["fetch", "count", "post"],
            _ => vec!["fetch", "count", "publish"],
        };
        let (is_busy, remembered) = Default::default();
        Arc::new(Process { wrong: self.wrong, disk: Arc::clone(&self.disk), names, is_busy, remembered })
    }

    fn transcript(&self) -> Transcript {
        sample::transcript(1, 0)
    }
}

async fn world(wrong: Wrong) -> World {
    World { wrong, disk: Disk::default(), processes: AtomicUsize::default() }
}

mod nothing_is_wrong {
    async fn fresh() -> super::World {
        super::world(super::Wrong::Nothing).await
    }

    reflector_core::pipeline_suite!(fresh);
}

/// A test for each thing that can be wrong: the case that notices it, and how it says so.
macro_rules! noticed {
    ($($name:ident: $wrong:ident by $case:ident $says:literal;)*) => {
        $(
            #[tokio::test]
            #[should_panic(expected = $says)]
            async fn $name() {
                suite::$case(async || world(Wrong::$wrong).await).await;
            }
        )*
    };
}

noticed! {
    a_pipeline_without_stages: HasNoStages
        by every_stage_has_a_name_of_its_own "there is nothing to do";
    two_stages_of_one_name: NamesTwoAlike
        by every_stage_has_a_name_of_its_own "two stages have the same name";
    a_stage_without_a_name: LeavesOneWithoutAName
        by every_stage_has_a_name_of_its_own "a stage has no name";
    names_that_another_process_does_not_know: NamesThemOtherwiseEachTime
        by every_stage_has_a_name_of_its_own "the next process has other names";
    a_stage_that_fails: Fails
        by a_run_comes_to_its_end "the stage fetch fails at its attempt 1: there is no audio";
    a_stage_that_does_not_say_why_it_is_skipped: SkipsWithoutAWord
        by a_run_comes_to_its_end "the stage publish is skipped and does not say why";
    a_stage_that_makes_something_else_the_next_time: CountsHowOften
        by a_stage_that_is_repeated_makes_the_same "the stage fetch was repeated";
    a_stage_that_leaves_something_else_behind_the_next_time: AddsToWhatIsThere
        by a_stage_that_is_repeated_makes_the_same "each stage was done twice";
    a_stage_that_believes_what_it_has_half_done: BelievesHalf
        by a_stage_that_is_dropped_anywhere_can_be_done_again "each stage was dropped at each of its awaits";
    a_stage_that_remembers_having_been_begun: StaysBusy
        by a_stage_that_is_dropped_anywhere_can_be_done_again "the stage fetch fails at its attempt 2: it is busy";
    a_stage_that_never_ends: NeverEnds
        by a_stage_that_is_dropped_anywhere_can_be_done_again "the stage fetch has more than 1000 awaits";
    a_stage_that_needs_what_only_its_process_remembers: RemembersWhatIsNotKept
        by failing_before_any_stage_leads_to_the_same_end "the run failed before the stage publish, and went on";
    a_stage_that_makes_something_else_in_another_run: LooksAtTheNumberOfTheRun
        by failing_before_any_stage_leads_to_the_same_end "the run failed before the stage fetch, and went on";
}
