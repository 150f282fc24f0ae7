//! What goes wrong, as what can be done about it.

use std::path::PathBuf;

use reflector_core::store::StoreError;

/// Any error, as a source.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The file cannot be used as a store. Each message is one line that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// What was given names no file.
    #[error("no file is named: write sqlite://reflector.db, or a path ({0})")]
    NoFile(#[source] BoxError),
    /// The folder of the file is missing.
    #[error("the folder {} does not exist: make it, or name another one", folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// The file cannot be opened.
    #[error("{} cannot be opened: see whether this user may read and write it, and its folder", file.display())]
    NotOpened {
        /// The file.
        file: PathBuf,
        /// What SQLite said.
        #[source]
        source: BoxError,
    },
    /// The file cannot be written.
    #[error("{} can only be read: let this user write it, and its folder", file.display())]
    ReadOnly {
        /// The file.
        file: PathBuf,
    },
    /// The disk takes or gives no more.
    #[error("{} cannot be written: its disk is full, or a limit is reached, or it fails; make room, or mend it", file.display())]
    Disk {
        /// The file.
        file: PathBuf,
        /// What SQLite said.
        #[source]
        source: BoxError,
    },
    /// Another process has the file and does not let go of it.
    #[error("{} is locked by another process: end what holds it, and try again", file.display())]
    Locked {
        /// The file.
        file: PathBuf,
    },
    /// The file holds something else.
    #[error("{} is no SQLite database, or a damaged one: name another file, or restore a back-up", file.display())]
    NoDatabase {
        /// The file.
        file: PathBuf,
    },
    /// The file is a database of another program.
    #[error("{} is the database of another program: name another file", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// The schema is of a later version of this program.
    #[error(
        "the database has schema {found}, and this program knows up to {known}: run a newer version of it"
    )]
    Newer {
        /// The schema that it has.
        found: i64,
        /// The newest one that this program knows.
        known: i64,
    },
    /// A migration was applied that is not ours of that number.
    #[error("schema {0} of the database was made by another build: run that one, or restore a back-up")]
    Changed(i64),
    /// A migration stopped half-way.
    #[error("schema {0} of the database was not finished: restore a back-up")]
    HalfDone(i64),
    /// The schema could not be brought up to date. Nothing was changed.
    #[error("the schema could not be changed, and is as it was")]
    Failed(#[source] BoxError),
}

/// SQLite's numbers for what went wrong, without their details.
pub(crate) const BUSY: u32 = 5;
pub(crate) const READONLY: u32 = 8;
pub(crate) const IOERR: u32 = 10;
pub(crate) const CORRUPT: u32 = 11;
pub(crate) const FULL: u32 = 13;
pub(crate) const CANTOPEN: u32 = 14;
pub(crate) const NOTADB: u32 = 26;

/// What SQLite calls this error.
pub(crate) fn code(error: &sqlx::Error) -> Option<u32> {
    let code: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// What a caller can do about an error of the database.
pub(crate) fn ill(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => corrupt("a row", error),
        _ if matches!(code(&error), Some(CORRUPT | NOTADB)) => corrupt("the database file", error),
        _ => StoreError::Unavailable(error.into()),
    }
}

/// What cannot be read.
pub(crate) fn corrupt(what: &str, source: impl Into<BoxError>) -> StoreError {
    StoreError::Corrupt { what: what.to_owned(), source: source.into() }
}

/// Whether a row was refused because another one holds what it names.
pub(crate) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
