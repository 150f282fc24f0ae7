//! `reflector recordings …`

use clap::Subcommand;
use reflector_core::engine::{Attachment, Requeued};
use reflector_core::recording::{Recording, RecordingStatus};
use reflector_core::store::{DeadLetter, Viewer, WhichRecordings};
use reflector_core::{MeetingId, RecordingId, Timestamp};
use serde::Serialize;

use super::{CommandError, Office, print_json, whole};
use crate::api::RecordingBody;
use crate::app;
use crate::line::in_one_line;
use crate::metrics::Metrics;
use crate::recordings::Feed;
use crate::workers::new_recording;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Recordings {
    /// Lists recordings, newest first.
    List {
        /// Only those that stand like this: unmatched, pending, processing, completed or failed.
        #[arg(long, value_parser = status)]
        status: Option<RecordingStatus>,
        /// Instead, the messages about recordings that could not be read and were set aside.
        #[arg(long, conflicts_with = "status")]
        unreadable: bool,
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Takes in what was missed, and queues again what has failed: compares every source with what is known.
    Reconcile,
    /// Attaches a recording to a meeting, and queues it.
    Attach {
        /// The recording's id.
        id: RecordingId,
        /// The meeting's id.
        meeting: MeetingId,
    },
    /// Queues a recording again, from the start; a running server carries it out.
    Requeue {
        /// Its id.
        id: RecordingId,
    },
}

fn status(text: &str) -> Result<RecordingStatus, String> {
    let words = || RecordingStatus::ALL.map(RecordingStatus::as_str).join(", ");
    RecordingStatus::named(text).ok_or_else(|| format!("use {}", words()))
}

pub(crate) async fn run(office: &Office, command: Recordings) -> Result<(), CommandError> {
    match command {
        Recordings::List { unreadable: true, json, .. } => list_unreadable(office, json).await,
        Recordings::List { status, json, .. } => list(office, status, json).await,
        Recordings::Reconcile => reconcile(office).await,
        Recordings::Attach { id, meeting } => attach(office, id, meeting).await,
        Recordings::Requeue { id } => requeue(office, id).await,
    }
}

async fn list(office: &Office, status: Option<RecordingStatus>, json: bool) -> Result<(), CommandError> {
    let which = WhichRecordings { viewer: Viewer::Operator, status, room: None };
    let store = office.recordings.store();
    let all = whole(async |paging| store.list_recordings(&which, paging).await).await?;
    if json {
        return print_json(&RecordingBody::all_of(&all, &*office.transcripts).await?);
    }
    for recording in &all {
        println!("{}", line(recording));
    }
    Ok(())
}

/// A recording in one line.
fn line(recording: &Recording) -> String {
    let Recording { id, status, size, object, .. } = recording;
    let meeting = recording.belongs_to.map_or_else(|| "-".to_owned(), |belongs| belongs.meeting.to_string());
    let object = in_one_line(&format!("{}/{}", object.bucket, object.key));
    let error =
        recording.error.as_deref().map(|error| format!("  ({})", in_one_line(error))).unwrap_or_default();
    format!("{id}  {status:<10} {meeting:<36}  {size:>12}  {object}{error}")
}

/// A message that was set aside.
#[derive(Serialize)]
struct UnreadableBody<'a> {
    id: &'a str,
    at: Timestamp,
    error: &'a str,
    body: &'a str,
}

impl<'a> From<&'a DeadLetter> for UnreadableBody<'a> {
    fn from(DeadLetter { id, body, error, at }: &'a DeadLetter) -> Self {
        Self { id, at: *at, error, body }
    }
}

async fn list_unreadable(office: &Office, json: bool) -> Result<(), CommandError> {
    let store = office.recordings.store();
    let all = whole(async |paging| store.dead_letters(paging).await).await?;
    if json {
        return print_json(&all.iter().map(UnreadableBody::from).collect::<Vec<_>>());
    }
    for letter in &all {
        println!("{}  {}  {}", letter.at, in_one_line(&letter.id), in_one_line(&letter.error));
    }
    Ok(())
}

async fn reconcile(office: &Office) -> Result<(), CommandError> {
    // Nobody reads what is measured here.
    let feeds = app::feeds(&office.sources, &Metrics::new(), &office.clock).await?;
    if feeds.is_empty() {
        return Err(CommandError::refused(
            "there is nothing to compare with: set REFLECTOR_RECORDINGS_DIR or AWS_PROCESS_RECORDING_QUEUE_URL",
        ));
    }
    for feed in &feeds {
        if feed.can_be_listed() {
            println!("{}", compared(office, feed).await?);
        } else {
            println!(
                "{}: not compared, because RECORDING_STORAGE_AWS_BUCKET_NAME names no bucket",
                feed.name
            );
        }
    }
    Ok(())
}

/// Compares a source with what is known, and says what was found.
async fn compared(office: &Office, feed: &Feed) -> Result<String, CommandError> {
    let (mut there, mut stored, mut requeued) = (0, 0, 0);
    let mut page: Option<String> = None;
    loop {
        let now = (office.clock)();
        let found =
            office.recordings.reconcile_page(&*feed.source, page.as_deref(), now, &new_recording).await?;
        there += found.there;
        stored += found.stored.len();
        requeued += found.requeued.len();
        page = found.next;
        if page.is_none() {
            let name = feed.name;
            return Ok(format!(
                "{name}: {there} recordings there, {stored} taken in, {requeued} queued again"
            ));
        }
    }
}

async fn attach(office: &Office, id: RecordingId, meeting: MeetingId) -> Result<(), CommandError> {
    match office.recordings.attach(id, meeting, (office.clock)()).await? {
        Attachment::Attached(recording) => {
            println!("{}", recording.status);
            Ok(())
        }
        Attachment::NoSuchRecording => Err(no_such(id)),
        Attachment::NoSuchMeeting => Err(CommandError::refused(format!(
            "there is no meeting {meeting}: `reflector meetings list --all` shows those there are"
        ))),
    }
}

async fn requeue(office: &Office, id: RecordingId) -> Result<(), CommandError> {
    match office.recordings.requeue(id).await? {
        Requeued::Queued(recording) => {
            println!("{}", recording.status);
            Ok(())
        }
        Requeued::NoSuchRecording => Err(no_such(id)),
        Requeued::Unmatched => Err(CommandError::refused(format!(
            "nobody knows which meeting it is of: `reflector recordings attach {id} MEETING` queues it too"
        ))),
    }
}

fn no_such(id: RecordingId) -> CommandError {
    CommandError::refused(format!(
        "there is no recording {id}: `reflector recordings list` shows those there are"
    ))
}
