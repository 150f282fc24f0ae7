//! How far a run is, for whoever waits for it: a bar on a terminal, else a line for each stage that is over.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use reflector_core::pipeline::StageStatus;
use reflector_core::store::{LoadedTranscript, StageProgress};

use crate::workers::Told;

/// How fine the bar is: a stage that says how far it is moves it by parts.
const PARTS: u64 = 100;

/// Shows how far a run is, on standard error.
pub(crate) struct Bar {
    /// Of a terminal.
    bar: Option<ProgressBar>,
    /// How many stages were over when it was last said.
    over: usize,
}

impl Bar {
    /// Nothing is shown yet.
    pub(crate) fn new() -> Self {
        Self { bar: std::io::stderr().is_terminal().then(terminal), over: 0 }
    }

    /// Shows how far the run is by what is kept of it, and by what the stage says itself if it is worked on here.
    pub(crate) fn show(&mut self, loaded: &LoadedTranscript, told: Option<&Told>) {
        let stages = &loaded.transcript.run.stages;
        let over = stages.iter().take_while(|stage| stage.status.is_past()).count();
        let Some(bar) = &self.bar else {
            for stage in &stages[self.over.min(over)..over] {
                eprintln!("{} {}", stage.name, stage.status);
            }
            self.over = over;
            return;
        };
        let current = loaded.transcript.run.current();
        let here =
            told.map(Told::stage).filter(|(stage, _)| current.is_some_and(|current| current.name == *stage));
        let progress = here.and_then(|(_, progress)| progress).or(loaded.progress);
        bar.set_length(stages.len() as u64 * PARTS);
        bar.set_position(over as u64 * PARTS + progress.map_or(0, parts));
        match current {
            Some(stage) if stage.status == StageStatus::Pending && stage.attempts > 0 => {
                bar.set_message(format!("{}: waits for attempt {}", stage.name, stage.attempts + 1));
            }
            Some(stage) => bar.set_message(stage.name.clone()),
            None => bar.finish_and_clear(),
        }
    }
}

fn parts(StageProgress { done, of }: StageProgress) -> u64 {
    done.min(of).saturating_mul(PARTS).checked_div(of).unwrap_or(0)
}

fn terminal() -> ProgressBar {
    let style = ProgressStyle::with_template("{elapsed} [{wide_bar}] {msg}");
    let bar = ProgressBar::new(0);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_moves_the_bar_by_as_much_as_it_says() {
        for (done, of, moved) in
            [(0, 4, 0), (1, 4, 25), (4, 4, 100), (5, 4, 100), (0, 0, 0), (u64::MAX, u64::MAX, 1)]
        {
            assert_eq!(parts(StageProgress { done, of }), moved, "{done} of {of}");
        }
    }
}
