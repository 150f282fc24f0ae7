//! `reflector requeue`, `reflector pipeline …`

use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;
use reflector_core::TranscriptId;
use reflector_core::engine::RunError;
use reflector_core::pipeline::{RestartAt, RunState, Stage, StageStatus, Transcript};
use reflector_core::store::{LoadedTranscript, Viewer, WhichTranscripts};
use serde::Serialize;

use super::bar::Bar;
use super::{CommandError, Office, print_json, whole};
use crate::api::StageBody;
use crate::line::in_one_line;
use crate::metrics::Metrics;
use crate::pipeline::Line;
use crate::workers::{Pipelines, Told, Worker};

/// How long a command waits for a run between two looks: it may be in other hands, or wait for another attempt.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Pipeline {
    /// Runs the whole pipeline of a transcript from the start, to completion.
    Run {
        /// Its id.
        id: TranscriptId,
    },
    /// Lets a run that failed or stands still go on, to completion.
    Continue {
        /// Its id.
        id: TranscriptId,
        /// The stage to go on from, such as final-summaries; the one that failed if none is named. What was made before
        /// is kept.
        #[arg(long, value_name = "STAGE")]
        from: Option<String>,
    },
    /// Shows stages, attempts and errors: of one transcript, or of all whose run is not over.
    Status {
        /// Its id.
        id: Option<TranscriptId>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) async fn run(office: &Office, command: Pipeline) -> Result<(), CommandError> {
    match command {
        Pipeline::Run { id } => to_the_end(office, id, RestartAt::Beginning).await,
        Pipeline::Continue { id, from } => {
            let from = from.as_deref().map_or(RestartAt::WhereItStands, RestartAt::Stage);
            to_the_end(office, id, from).await
        }
        Pipeline::Status { id: Some(id), json } => show(office, id, json).await,
        Pipeline::Status { id: None, json } => list(office, json).await,
    }
}

/// `reflector requeue`: a running server carries it out.
pub(crate) async fn requeue(office: &Office, id: TranscriptId) -> Result<(), CommandError> {
    let line = office.line().await?;
    restart(office, &line, id, RestartAt::Beginning).await?;
    println!("uploaded");
    Ok(())
}

async fn restart(
    office: &Office,
    line: &Line,
    id: TranscriptId,
    from: RestartAt<'_>,
) -> Result<(), CommandError> {
    match line.runs.restart(id, from, (office.clock)()).await {
        Ok(_) => Ok(()),
        Err(RunError::Store(ill)) => Err(ill.into()),
        Err(RunError::NoSuchTranscript(_)) => Err(no_such(id)),
        Err(error) => Err(CommandError::refused(error.to_string())),
    }
}

/// Begins a run anew and stays until it is over, working on it unless somebody else does.
async fn to_the_end(office: &Office, id: TranscriptId, from: RestartAt<'_>) -> Result<(), CommandError> {
    let line = office.line().await?;
    restart(office, &line, id, from).await?;
    let worker = Worker::new(Arc::clone(&office.clock));
    let pipelines = Pipelines::new(worker.clone(), line.clone(), Arc::new(Metrics::new()));
    tokio::spawn(interrupted(worker.clone()));
    let Some(ended) = until_over(&line, &pipelines, id, &worker).await? else {
        return Err(CommandError::refused(format!(
            "the run is not over: a server goes on with it, or `reflector pipeline continue {id}`"
        )));
    };
    let current = ended.run.current().map(in_words);
    match (ended.run.state, current) {
        (RunState::Failed { .. }, Some(stage)) => {
            Err(CommandError::refused(format!("{stage}; mend it, then `reflector pipeline continue {id}`")))
        }
        _ => {
            println!("{}", ended.run.status().as_str());
            Ok(())
        }
    }
}

/// The transcript once its run is over. Nothing if somebody interrupts it: the run is given back.
async fn until_over(
    line: &Line,
    pipelines: &Pipelines,
    id: TranscriptId,
    worker: &Worker,
) -> Result<Option<Transcript>, CommandError> {
    let store = line.runs.store();
    let (mut bar, told) = (Bar::new(), Told::default());
    while !worker.stop.is_cancelled() {
        let Some(loaded) = store.load_transcript(id).await? else { return Err(no_such(id)) };
        bar.show(&loaded, None);
        if loaded.transcript.run.is_over() {
            return Ok(Some(loaded.transcript));
        }
        let Some(claimed) = line.runs.claim(Some(id), 1, (worker.clock)()).await?.pop() else {
            tokio::time::sleep(LOOK).await;
            continue;
        };
        let mut working = std::pin::pin!(pipelines.work(claimed, &told));
        while tokio::time::timeout(LOOK, &mut working).await.is_err() {
            if let Some(loaded) = store.load_transcript(id).await? {
                bar.show(&loaded, Some(&told));
            }
        }
    }
    Ok(None)
}

/// Stops the work when somebody presses Ctrl-C.
async fn interrupted(worker: Worker) {
    if tokio::signal::ctrl_c().await.is_ok() {
        worker.stop.cancel();
    }
}

#[derive(Serialize)]
struct StatusBody {
    id: TranscriptId,
    status: &'static str,
    stuck_since: Option<reflector_core::Timestamp>,
    stages: Vec<StageBody>,
}

impl StatusBody {
    fn of(loaded: &LoadedTranscript, office: &Office) -> Self {
        let Transcript { id, run, .. } = &loaded.transcript;
        let stuck_since = run.stuck_since(loaded.claimed_until, office.now);
        Self { id: *id, status: run.status().as_str(), stuck_since, stages: StageBody::all_of(loaded) }
    }
}

async fn show(office: &Office, id: TranscriptId, json: bool) -> Result<(), CommandError> {
    let Some(loaded) = office.transcripts.load_transcript(id).await? else { return Err(no_such(id)) };
    let body = StatusBody::of(&loaded, office);
    if json {
        return print_json(&body);
    }
    println!("{}", line_of(&body));
    for stage in &loaded.transcript.run.stages {
        println!("  {}", in_words(stage));
    }
    Ok(())
}

async fn list(office: &Office, json: bool) -> Result<(), CommandError> {
    let which = WhichTranscripts { viewer: Viewer::Operator, room: None, unfinished: true };
    let all = whole(async |paging| office.transcripts.list_transcripts(&which, paging).await).await?;
    let bodies: Vec<_> = all.iter().map(|loaded| StatusBody::of(loaded, office)).collect();
    if json {
        return print_json(&bodies);
    }
    for (body, loaded) in bodies.iter().zip(&all) {
        let current = loaded.transcript.run.current().map(in_words).unwrap_or_default();
        println!("{}  {current}", line_of(body));
    }
    Ok(())
}

fn line_of(body: &StatusBody) -> String {
    let stuck = body.stuck_since.map(|since| format!("  stuck since {since}")).unwrap_or_default();
    format!("{}  {}{stuck}", body.id, body.status)
}

/// A stage in one line.
fn in_words(stage: &Stage) -> String {
    let attempts = match stage.attempts {
        0 | 1 => String::new(),
        attempts => format!(", attempt {attempts}"),
    };
    let since = match (stage.status, stage.started_at) {
        (StageStatus::Running, Some(since)) => format!(" since {since}"),
        _ => String::new(),
    };
    let why = stage.reason.as_deref().map(|why| format!(": {}", in_one_line(why))).unwrap_or_default();
    format!("{} {}{since}{attempts}{why}", stage.name, stage.status)
}

fn no_such(id: TranscriptId) -> CommandError {
    CommandError::refused(format!(
        "there is no transcript {id}: `reflector recordings list --json` shows those there are"
    ))
}
