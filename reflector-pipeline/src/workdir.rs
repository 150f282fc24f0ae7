//! The working folder of a transcript: what can be made again from the object at any time, by any machine.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use reflector_core::TranscriptId;
use reflector_core::pipeline::StageError;

/// The folder of one transcript.
#[derive(Clone, Debug)]
pub(crate) struct Workdir {
    folder: PathBuf,
}

impl Workdir {
    pub(crate) fn of(data_dir: &Path, id: TranscriptId) -> Self {
        Self { folder: data_dir.join(id.to_string()) }
    }

    /// The recording, once all of it is there.
    pub(crate) fn recording(&self) -> PathBuf {
        self.folder.join("recording")
    }

    /// The recording as far as it is there.
    pub(crate) fn part(&self) -> PathBuf {
        self.folder.join("recording.part")
    }

    /// Its sound as speech-to-text wants it, once all of it is there: 16 bits, 16 kHz, one channel, without a header.
    pub(crate) fn speech(&self) -> PathBuf {
        self.folder.join("speech.pcm")
    }

    /// What was heard in a piece of it.
    pub(crate) fn heard(&self, piece: usize) -> PathBuf {
        self.folder.join(format!("heard-{piece:04}.json"))
    }

    /// Makes the folder, if it is not there.
    pub(crate) async fn make(&self) -> Result<(), StageError> {
        tokio::fs::create_dir_all(&self.folder).await.map_err(not_written)
    }

    /// Removes what was made of the recording, so that it is made anew.
    pub(crate) async fn forget_what_was_made(&self) -> Result<(), StageError> {
        let mut entries = match tokio::fs::read_dir(&self.folder).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(not_written(error)),
        };
        while let Some(entry) = entries.next_entry().await.map_err(not_written)? {
            let path = entry.path();
            if path != self.recording() && path != self.part() {
                fine_if_gone(tokio::fs::remove_file(path).await)?;
            }
        }
        Ok(())
    }

    /// Removes the folder and all that is in it.
    pub(crate) async fn remove(&self) -> Result<(), StageError> {
        fine_if_gone(tokio::fs::remove_dir_all(&self.folder).await)
    }

    /// Writes a file of the folder, all of it or nothing. Blocks.
    pub(crate) fn write(&self, to: &Path, bytes: &[u8]) -> Result<(), StageError> {
        let mut file = self.scratch()?;
        io::Write::write_all(&mut file, bytes).map_err(not_written)?;
        self.keep(file, to)
    }

    /// A file in the folder that is gone unless it is kept: several may write the same at once. Blocks.
    pub(crate) fn scratch(&self) -> Result<tempfile::NamedTempFile, StageError> {
        fs::create_dir_all(&self.folder).map_err(not_written)?;
        tempfile::NamedTempFile::new_in(&self.folder).map_err(not_written)
    }

    /// Keeps a file under its name, complete on the disk. Blocks.
    pub(crate) fn keep(&self, file: tempfile::NamedTempFile, to: &Path) -> Result<(), StageError> {
        file.as_file().sync_all().map_err(not_written)?;
        file.persist(to).map_err(|error| not_written(error.error))?;
        self.sync()
    }

    /// Makes sure that names in the folder are on the disk. Blocks.
    pub(crate) fn sync(&self) -> Result<(), StageError> {
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(not_written)
    }
}

fn fine_if_gone(removed: io::Result<()>) -> Result<(), StageError> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(not_written(error)),
        _ => Ok(()),
    }
}

/// The disk may have room again another time.
#[expect(clippy::needless_pass_by_value, reason = "it ends the error's way")]
pub(crate) fn not_written(error: io::Error) -> StageError {
    StageError::again(format!("a working file cannot be written ({error}): check REFLECTOR_DATA_DIR"))
}

/// A file that was there may be made again another time.
#[expect(clippy::needless_pass_by_value, reason = "it ends the error's way")]
pub(crate) fn not_read(error: io::Error) -> StageError {
    StageError::again(format!("a working file cannot be read ({error}): check REFLECTOR_DATA_DIR"))
}
