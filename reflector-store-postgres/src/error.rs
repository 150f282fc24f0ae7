//! What can be wrong with the database, told to those who can do something about it.

use reflector_core::store::StoreError;
use sqlx::Error;
use sqlx::migrate::MigrateError;

/// Why the store cannot be opened, and what an operator has to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address cannot be read.
    #[error(
        "the database's address cannot be read: it looks like postgres://user:password@host:5432/database"
    )]
    BadUrl,
    /// Nobody answers there, or not in time.
    #[error("the database cannot be reached: check its address, and that it is up")]
    Unreachable(#[source] Error),
    /// The server does not let us in.
    #[error("the database refuses the user or the password: check both in its address")]
    RefusedCredentials(#[source] Error),
    /// The server has no such database.
    #[error("the server has no database of this name: create it (createdb), or correct the address")]
    NoSuchDatabase(#[source] Error),
    /// The server is older than 14.
    #[error("the server is PostgreSQL {version}: it must be 14 or newer")]
    ServerTooOld {
        /// Its major version.
        version: i32,
    },
    /// It can be read, but not written.
    #[error(
        "the database is read-only: connect to the primary server, and to a database that may be written"
    )]
    ReadOnly,
    /// Its tables are those of a newer program.
    #[error(
        "the database's schema is newer than this program: update the program (it has migration {version})"
    )]
    NewerSchema {
        /// The first migration in it that is not known here.
        version: i64,
    },
    /// A migration that it has is another one here.
    #[error(
        "migration {version} of the database is not the one of this program: use the program that made it"
    )]
    MigrationChanged {
        /// Which.
        version: i64,
    },
    /// A migration was begun and not finished.
    #[error("migration {version} was left half-done: restore the database from before it, and migrate again")]
    MigrationUnfinished {
        /// Which.
        version: i64,
    },
    /// A migration does not work here.
    #[error(
        "a migration failed, and nothing of it was kept: the user must be allowed to create tables, and no others of the same names may be there"
    )]
    MigrationFailed(#[source] Error),
    /// The server refuses something else.
    #[error("the database refuses to be used")]
    Refused(#[source] Error),
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        let Error::Database(refused) = &error else { return Self::Unreachable(error) };
        match refused.code().as_deref() {
            // Codes of classes: wrong user or password; a database that is not there; a read-only transaction.
            Some(code) if code.starts_with("28") => Self::RefusedCredentials(error),
            Some("3D000") => Self::NoSuchDatabase(error),
            Some("25006") => Self::ReadOnly,
            // It starts, stops, or has no room for another connection.
            Some(code) if code.starts_with("57") || code.starts_with("53") || code.starts_with("08") => {
                Self::Unreachable(error)
            }
            _ => Self::Refused(error),
        }
    }
}

impl From<MigrateError> for OpenError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) => Self::from(error),
            MigrateError::ExecuteMigration(error, _) => match Self::from(error) {
                Self::Refused(error) => Self::MigrationFailed(error),
                other => other,
            },
            MigrateError::VersionMissing(version) => Self::NewerSchema { version },
            MigrateError::VersionMismatch(version) => Self::MigrationChanged { version },
            MigrateError::Dirty(version) => Self::MigrationUnfinished { version },
            other => Self::Refused(Error::Migrate(Box::new(other))),
        }
    }
}

/// The database did not do what it was asked.
pub(crate) fn unavailable(error: Error) -> StoreError {
    match error {
        Error::ColumnDecode { index, source } => {
            StoreError::Corrupt { what: format!("the column {index}"), source }
        }
        error => StoreError::Unavailable(Box::new(error)),
    }
}
