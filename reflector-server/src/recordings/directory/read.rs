//! What is in the files.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use reflector_core::recording::{ObjectBytes, SourceError, Version};

use super::blocking;
use super::look::{Stamp, find};

/// How many bytes are read at once.
const AT_ONCE: usize = 64 * 1024;

/// A file that is being read.
pub(super) struct Opened {
    file: Arc<File>,
    path: PathBuf,
    /// Which version of it.
    version: Version,
    at: u64,
}

/// Opens the file of a key to be read from this byte on; nothing if this version of it is gone.
pub(super) fn open(
    root: &Path,
    key: &str,
    version: &Version,
    from: u64,
) -> Result<Option<Opened>, SourceError> {
    let Some(path) = find(root, key, not_read)? else { return Ok(None) };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(not_read(&path, error)),
    };
    // Of what was opened, whatever has the path by now.
    let is_there = is_still(&file, version).map_err(|error| not_read(&path, error))?;
    Ok(is_there.then(|| Opened { file: Arc::new(file), path, version: version.clone(), at: from }))
}

/// Whether nobody has written to it since it was this version.
fn is_still(file: &File, version: &Version) -> io::Result<bool> {
    Ok(Stamp::of(&file.metadata()?).version() == *version)
}

/// The bytes that stand there, without those that were read before somebody wrote to the file: they may be of two
/// versions.
fn read(file: &File, path: &Path, version: &Version, at: u64) -> Result<Vec<u8>, SourceError> {
    let mut bytes = vec![0; AT_ONCE];
    let read = loop {
        match file.read_at(&mut bytes, at) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => break read.map_err(|error| not_read(path, error))?,
        }
    };
    if !is_still(file, version).map_err(|error| not_read(path, error))? {
        return Err(SourceError::unavailable(format!("{} was written to while it was read", path.display())));
    }
    bytes.truncate(read);
    Ok(bytes)
}

#[async_trait]
impl ObjectBytes for Opened {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, SourceError> {
        let Self { file, path, version, at } = self;
        let (file, path, version, from) = (Arc::clone(file), path.clone(), version.clone(), *at);
        let bytes = blocking(move || read(&file, &path, &version, from)).await?;
        *at += bytes.len() as u64;
        Ok((!bytes.is_empty()).then_some(bytes))
    }
}

fn not_read(path: &Path, error: io::Error) -> SourceError {
    let path = path.display();
    match error.kind() {
        ErrorKind::PermissionDenied => {
            SourceError::refused(format!("{path} may not be read: let this program read it"))
        }
        _ => {
            SourceError::Unavailable { detail: format!("{path} cannot be read"), source: Some(error.into()) }
        }
    }
}
