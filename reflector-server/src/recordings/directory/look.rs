//! What is on the disk.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use reflector_core::Timestamp;
use reflector_core::recording::{SourceError, Version};

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The files, by their keys.
    pub(super) files: BTreeMap<String, Stamp>,
    /// What had to be left out, and why.
    pub(super) left_out: Vec<(PathBuf, String)>,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    seconds: i64,
    nanos: i64,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { size: metadata.len(), seconds: metadata.mtime(), nanos: metadata.mtime_nsec() }
    }

    /// When it was written to last, as the disk has it.
    pub(super) fn written_at(self) -> Timestamp {
        Timestamp::from_micros(self.seconds.saturating_mul(1_000_000).saturating_add(self.nanos / 1000))
    }

    pub(super) fn version(self) -> Version {
        Version::Tag(format!("{}-{}.{:09}", self.size, self.seconds, self.nanos))
    }
}

/// Looks for files below a folder.
pub(super) fn look(root: &Path) -> Result<Seen, SourceError> {
    let mut seen = Seen::default();
    let mut folders = vec![(root.to_owned(), String::new())];
    while let Some((folder, key)) = folders.pop() {
        match entries(&folder) {
            Ok(entries) => entries.iter().for_each(|entry| note(entry, &key, &mut seen, &mut folders)),
            Err(error) if folder == *root => return Err(away(root, error)),
            // It went meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => seen.left_out.push((folder, error.to_string())),
        }
    }
    Ok(seen)
}

fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    fs::read_dir(folder)?.collect()
}

/// Notes a file, or a folder that is to be looked at too.
fn note(entry: &DirEntry, above: &str, seen: &mut Seen, folders: &mut Vec<(PathBuf, String)>) {
    let name = entry.file_name();
    if name.as_encoded_bytes().starts_with(b".") {
        return;
    }
    let Some(name) = name.to_str() else {
        seen.left_out.push((entry.path(), "its name is not UTF-8".to_owned()));
        return;
    };
    // Of the entry itself, never of what a link leads to. One that cannot be told has gone meanwhile.
    let Ok(metadata) = entry.metadata() else { return };
    if metadata.is_dir() {
        folders.push((entry.path(), format!("{above}{name}/")));
    } else if metadata.is_file() && metadata.len() > 0 {
        seen.files.insert(format!("{above}{name}"), Stamp::of(&metadata));
    }
}

/// If the folder itself is not there, it is away, and the file may be in it all the same.
fn is_there(root: &Path) -> Result<(), SourceError> {
    fs::read_dir(root).map(drop).map_err(|error| away(root, error))
}

fn away(root: &Path, error: io::Error) -> SourceError {
    let root = root.display();
    match error.kind() {
        ErrorKind::NotADirectory => {
            SourceError::refused(format!("{root} is no folder: name one with REFLECTOR_RECORDINGS_DIR"))
        }
        ErrorKind::PermissionDenied => {
            SourceError::refused(format!("{root} may not be read: let this program read it"))
        }
        ErrorKind::NotFound => SourceError::unavailable(format!("the folder {root} is not there: make it")),
        _ => SourceError::Unavailable {
            detail: format!("the folder {root} cannot be read"),
            source: Some(error.into()),
        },
    }
}

/// Deletes the file of a key, if it is there.
pub(super) fn erase(root: &Path, key: &str) -> Result<(), SourceError> {
    let Some(path) = find(root, key, not_erased)? else { return Ok(()) };
    fs::remove_file(&path).or_else(|error| match error.kind() {
        ErrorKind::NotFound => Ok(()),
        _ => Err(not_erased(&path, error)),
    })
}

/// Where the file of a key is, if it is there. No link leads it out of the folder.
pub(super) fn find(
    root: &Path,
    key: &str,
    failed: fn(&Path, io::Error) -> SourceError,
) -> Result<Option<PathBuf>, SourceError> {
    let no_file = || SourceError::refused(format!("{} holds no file of the key {key}", root.display()));
    if key.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(no_file());
    }
    let mut path = root.to_owned();
    let mut parts = key.split('/').peekable();
    while let Some(part) = parts.next() {
        path.push(part);
        let is_last = parts.peek().is_none();
        match fs::symlink_metadata(&path) {
            Ok(metadata) if is_last && metadata.is_file() || !is_last && metadata.is_dir() => {}
            Ok(_) => return Err(no_file()),
            Err(error) if error.kind() == ErrorKind::NotFound => return is_there(root).map(|()| None),
            Err(error) => return Err(failed(&path, error)),
        }
    }
    Ok(Some(path))
}

fn not_erased(path: &Path, error: io::Error) -> SourceError {
    let path = path.display();
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            SourceError::refused(format!("{path} may not be deleted: let this program write to its folder"))
        }
        _ => SourceError::Unavailable {
            detail: format!("{path} cannot be deleted"),
            source: Some(error.into()),
        },
    }
}
