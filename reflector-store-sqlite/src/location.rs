//! Which file is meant, and why it cannot be opened.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::sqlite::SqliteConnectOptions;

use crate::error::{self, OpenError};

/// What a URL or a path names.
pub(crate) fn read(url_or_path: &str) -> Result<SqliteConnectOptions, OpenError> {
    let connect = if url_or_path.starts_with("sqlite:") {
        SqliteConnectOptions::from_str(url_or_path).map_err(|error| OpenError::NoFile(error.into()))?
    } else {
        SqliteConnectOptions::new().filename(url_or_path)
    };
    let file = connect.get_filename();
    if url_or_path.contains(":memory:") || url_or_path.contains("mode=memory") || file.as_os_str().is_empty()
    {
        return Err(OpenError::NoFile("a store in memory is another one".into()));
    }
    let read_only = url_or_path.starts_with("sqlite:") && url_or_path.contains("mode=ro");
    Ok(connect.create_if_missing(!read_only))
}

/// What somebody can do about a file that cannot be opened.
pub(crate) fn why(file: &Path, error: sqlx::Error) -> OpenError {
    let file = file.to_path_buf();
    match error::code(&error) {
        Some(error::CANTOPEN) => match missing_folder(&file) {
            Some(folder) => OpenError::NoFolder { folder },
            None => OpenError::NotOpened { file, source: error.into() },
        },
        Some(error::NOTADB | error::CORRUPT) => OpenError::NoDatabase { file },
        Some(error::READONLY) => OpenError::ReadOnly { file },
        // A disk without room for the index of the log is no full one to SQLite, but one that fails.
        Some(error::FULL | error::IOERR) => OpenError::Disk { file, source: error.into() },
        Some(error::BUSY) => OpenError::Locked { file },
        _ => OpenError::NotOpened { file, source: error.into() },
    }
}

fn missing_folder(file: &Path) -> Option<PathBuf> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty())?;
    (!folder.is_dir()).then(|| folder.to_path_buf())
}
