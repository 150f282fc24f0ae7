//! Where recordings come from: the folder, and the queue with its bucket.

use reflector_aws::{AwsSource, Tells};
use reflector_core::recording::{RecordingSource, SourceError};

use super::{Finding, folder};
use crate::clock;
use crate::config::Config;
use crate::recordings::directory::{Directory, Pace};
use crate::workers::Chain;

const FOLDER: &str = "folder";
const QUEUE: &str = "queue";
const BUCKET: &str = "bucket";
const ANNOUNCES: &str = "announces";
const ERASING: &str = "erasing";

/// The folder, if one is watched: whether it can be listed, and whether files in it can be deleted.
pub(super) async fn check_folder(config: &Config) -> Vec<Finding> {
    let Some(root) = &config.recordings.folder else { return Vec::new() };
    if let Err(error) = Directory::new(root, Pace::default(), clock::system()).list(None).await {
        return vec![failed(FOLDER, &error)];
    }
    let erasing = match folder::takes_files(root) {
        Ok(()) => Finding::ok(ERASING, format!("files in {} can be deleted", root.display())),
        Err(error) => Finding::fail(
            ERASING,
            format!("files in {} cannot be deleted: let this program write there ({error})", root.display()),
        ),
    };
    vec![Finding::ok(FOLDER, format!("{} can be listed", root.display())), erasing]
}

/// The queue and its bucket, if they are configured.
pub(super) async fn check_queue(config: &Config) -> Vec<Finding> {
    let settings = &config.recordings;
    let source = match crate::app::queue(settings).await {
        Ok(Some(source)) => source,
        Ok(None) => return Vec::from_iter(without_queue(config)),
        Err(error) => return vec![failed(QUEUE, &error)],
    };
    let mut findings = vec![queue(&source).await];
    let Some(bucket) = &settings.bucket else {
        let what =
            "not tried, and what was missed is not found: name it with RECORDING_STORAGE_AWS_BUCKET_NAME";
        findings.push(Finding::warn(BUCKET, what));
        return findings;
    };
    match source.list(None).await {
        Ok(page) => {
            findings.push(Finding::ok(BUCKET, format!("{bucket} can be listed")));
            let key = page.notices.first().map(|notice| notice.object.key.as_str()).unwrap_or_default();
            findings.push(erasing(&source, bucket, key).await);
        }
        Err(error) => {
            findings.push(failed(BUCKET, &error));
            findings.push(Finding::warn(ERASING, "not tried: see the bucket"));
        }
    }
    findings.push(announces(&source, bucket).await);
    findings
}

/// What is to be said where no queue is named.
fn without_queue(config: &Config) -> Option<Finding> {
    let settings = &config.recordings;
    let uploads = config.whereby.as_ref().is_some_and(|whereby| whereby.recording_destination.is_some());
    if uploads {
        let what =
            "Whereby uploads to a bucket, and nothing tells of it: set AWS_PROCESS_RECORDING_QUEUE_URL";
        return Some(Finding::warn(QUEUE, what));
    }
    settings.folder.is_none().then(|| {
        let what = "no recordings are taken in: REFLECTOR_RECORDINGS_DIR and AWS_PROCESS_RECORDING_QUEUE_URL are not set";
        Finding::ok(QUEUE, what)
    })
}

async fn queue(source: &AwsSource) -> Finding {
    let dead_letters = match source.sets_dead_letters_aside().await {
        Ok(dead_letters) => dead_letters,
        Err(error) => return failed(QUEUE, &error),
    };
    if let Err(error) = source.may_settle().await {
        return failed(QUEUE, &error);
    }
    let works = "reachable, and its messages can be deleted and extended (receiving is not tried: it would take them)";
    if dead_letters {
        Finding::ok(QUEUE, format!("{works}; dead letters are set aside"))
    } else {
        let what = "it has no redrive policy, so messages that cannot be read are kept in the store alone: give it a queue of dead letters";
        Finding::warn(QUEUE, format!("{works}; {what}"))
    }
}

/// Whether objects can be deleted, in the folder in which this one is.
async fn erasing(source: &AwsSource, bucket: &str, key: &str) -> Finding {
    let folder = key.rfind('/').map(|slash| &key[..=slash]).unwrap_or_default();
    match source.may_erase(folder).await {
        Ok(()) => Finding::ok(
            ERASING,
            format!("objects of {bucket} can be deleted (tried on one that is not there)"),
        ),
        Err(error) => failed(ERASING, &error),
    }
}

/// Whether the bucket tells the queue.
async fn announces(source: &AwsSource, bucket: &str) -> Finding {
    let told = match source.tells().await {
        Ok(told) => told,
        Err(error) => return Finding::warn(ANNOUNCES, format!("not known: {}", Chain(&error))),
    };
    let of_ours = told.iter().find(|(name, _)| name == bucket).map(|(_, tells)| *tells);
    match of_ours {
        Some(Tells::TheQueue) => Finding::ok(ANNOUNCES, format!("{bucket} tells the queue of new objects")),
        Some(Tells::Others) => Finding::warn(
            ANNOUNCES,
            format!("{bucket} tells somebody else of new objects: see that it reaches the queue from there"),
        ),
        _ => Finding::fail(
            ANNOUNCES,
            format!("{bucket} tells nobody of new objects: let it notify the queue of s3:ObjectCreated:*"),
        ),
    }
}

fn failed(check: &'static str, error: &SourceError) -> Finding {
    Finding::fail(check, Chain(error).to_string())
}
