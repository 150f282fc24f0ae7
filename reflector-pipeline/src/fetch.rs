//! `fetch`: the recording comes to where it is worked on.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reflector_core::pipeline::{Progress, StageError, Transcript};
use reflector_core::recording::{ObjectBytes, Objects, SourceError};
use tokio::io::AsyncWriteExt;

use crate::workdir::{Workdir, not_read, not_written};

/// How long an object may give no bytes.
const STALLED: Duration = Duration::from_secs(60);
/// How often, and how many times, it is looked whether another worker on this machine has let go of the file.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: u32 = 100;

/// The recording as a file on this machine: fetched now, unless it is there. What an earlier worker left is gone on
/// with.
///
/// # Errors
///
/// [`StageError::Failed`] when the object is gone or is another one, else [`StageError::Again`].
pub(crate) async fn ensure_local(
    objects: &dyn Objects,
    workdir: &Workdir,
    transcript: &Transcript,
    progress: &dyn Progress,
) -> Result<PathBuf, StageError> {
    let (recording, size) = (workdir.recording(), transcript.size);
    if is_complete(&recording, size).await {
        return Ok(recording);
    }
    workdir.make().await?;
    let part = lock(workdir.part()).await?;
    // Whoever had the lock may have brought it to its end.
    if is_complete(&recording, size).await {
        return Ok(recording);
    }
    let part = stream(objects, part, transcript, progress).await?;
    part.sync_all().await.map_err(not_written)?;
    tokio::fs::rename(workdir.part(), &recording).await.map_err(not_written)?;
    let folder = workdir.clone();
    // A thread that ends early has nothing left to do.
    tokio::task::spawn_blocking(move || folder.sync()).await.unwrap_or(Ok(()))?;
    Ok(recording)
}

async fn is_complete(recording: &Path, size: u64) -> bool {
    tokio::fs::metadata(recording).await.is_ok_and(|file| file.len() == size)
}

/// The file that is being fetched, for nobody else meanwhile: a worker that lost its claim may still be writing.
async fn lock(part: PathBuf) -> Result<File, StageError> {
    let open = move || File::options().create(true).truncate(false).write(true).read(true).open(part);
    let file = match tokio::task::spawn_blocking(open).await {
        Ok(file) => file.map_err(not_written)?,
        Err(_) => return Err(StageError::again("the machine is being stopped")),
    };
    for _ in 0..LOOKS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK).await,
            Err(TryLockError::Error(error)) => return Err(not_written(error)),
        }
    }
    Err(StageError::again("another worker on this machine is fetching it"))
}

/// Brings the file to its full length, from where it ends.
async fn stream(
    objects: &dyn Objects,
    part: File,
    transcript: &Transcript,
    progress: &dyn Progress,
) -> Result<tokio::fs::File, StageError> {
    let size = transcript.size;
    let mut at = part.metadata().map_err(not_read)?.len();
    let mut part = tokio::fs::File::from_std(part);
    if at > size {
        part.set_len(0).await.map_err(not_written)?;
        at = 0;
    }
    tokio::io::AsyncSeekExt::seek(&mut part, std::io::SeekFrom::Start(at)).await.map_err(not_written)?;
    progress.is_at(at, size);
    if at == size {
        return Ok(part);
    }
    let Some(mut object) = patiently(objects.open(&transcript.object, at)).await? else {
        return Err(StageError::failed(format!(
            "the object `{}` is gone from the bucket `{}`, or another one has taken its place",
            transcript.object.key, transcript.object.bucket
        )));
    };
    while let Some(bytes) = patiently(next(&mut *object)).await? {
        at += bytes.len() as u64;
        if at > size {
            part.set_len(0).await.map_err(not_written)?;
            return Err(StageError::failed(format!(
                "the object has more than the {size} bytes that were announced: it was changed meanwhile"
            )));
        }
        part.write_all(&bytes).await.map_err(not_written)?;
        progress.is_at(at, size);
    }
    part.flush().await.map_err(not_written)?;
    if at < size {
        return Err(StageError::again(format!("the object ended after {at} of {size} bytes")));
    }
    Ok(part)
}

async fn next(object: &mut dyn ObjectBytes) -> Result<Option<Vec<u8>>, SourceError> {
    object.next().await
}

async fn patiently<T>(answer: impl Future<Output = Result<T, SourceError>>) -> Result<T, StageError> {
    match tokio::time::timeout(STALLED, answer).await {
        Ok(Ok(given)) => Ok(given),
        Ok(Err(error @ SourceError::Refused { .. })) => Err(StageError::failed(error.to_string())),
        Ok(Err(error)) => Err(StageError::again(error.to_string())),
        Err(_) => {
            Err(StageError::again(format!("the object gave no bytes for {} seconds", STALLED.as_secs())))
        }
    }
}
