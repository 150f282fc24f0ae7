//! The schema: which one the file has, and bringing it up to date.

use std::collections::HashMap;

use reflector_core::store::{Schema, StoreError};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, query_as, query_scalar};

use crate::error::{BoxError, OpenError};
use crate::{SqliteStore, location};

static MIGRATIONS: Migrator = sqlx::migrate!();

impl SqliteStore {
    /// Which schema the file has.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when it has one that this program cannot work with, or cannot be read.
    pub async fn schema(&self) -> Result<Schema, OpenError> {
        let mut connection =
            self.readers.acquire().await.map_err(|error| location::why(&self.file, error))?;
        self.look(&mut connection).await
    }

    /// Brings the schema up to date: all of it or nothing. Several processes may do so at once.
    ///
    /// # Errors
    ///
    /// [`OpenError`] as for [`schema`](Self::schema), or when the change fails.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        let mut write = self.writer.alone().await.map_err(|error| self.not_written(error))?;
        let why = |error| location::why(&self.file, error);
        let mut begun = write.begin_with("BEGIN IMMEDIATE").await.map_err(why)?;
        // Looked at under the lock: whoever comes second finds it done.
        if self.look(&mut begun).await? == Schema::Behind {
            MIGRATIONS.run_direct(None, &mut *begun, false).await.map_err(|error| self.failed(error))?;
        }
        begun.commit().await.map_err(why)?;
        write.finish();
        Ok(())
    }

    async fn look(&self, connection: &mut SqliteConnection) -> Result<Schema, OpenError> {
        let why = |error| location::why(&self.file, error);
        let tables: Vec<String> = query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
            .fetch_all(&mut *connection)
            .await
            .map_err(why)?;
        if !tables.iter().any(|table| *table == MIGRATIONS.table_name) {
            return if tables.is_empty() {
                Ok(Schema::Behind)
            } else {
                Err(OpenError::Foreign { file: self.file.clone() })
            };
        }
        let applied = "SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version";
        let applied: Vec<(i64, Vec<u8>, bool)> =
            query_as(applied).fetch_all(&mut *connection).await.map_err(why)?;
        judge(&applied)
    }

    fn not_written(&self, error: StoreError) -> OpenError {
        let (StoreError::Unavailable(source) | StoreError::Corrupt { source, .. }) = error else {
            return OpenError::Failed(error.into());
        };
        match source.downcast::<sqlx::Error>() {
            Ok(error) => location::why(&self.file, *error),
            Err(source) => OpenError::Failed(source),
        }
    }

    fn failed(&self, error: MigrateError) -> OpenError {
        match error {
            MigrateError::Execute(error) => location::why(&self.file, error),
            other => OpenError::Failed(BoxError::from(other)),
        }
    }
}

/// What the migrations that were applied, oldest first, make of a schema.
fn judge(applied: &[(i64, Vec<u8>, bool)]) -> Result<Schema, OpenError> {
    let ours: HashMap<_, _> =
        MIGRATIONS.iter().map(|migration| (migration.version, &*migration.checksum)).collect();
    let known = ours.keys().max().copied().unwrap_or(0);
    if let Some((found, ..)) = applied.iter().rfind(|(version, ..)| *version > known) {
        return Err(OpenError::Newer { found: *found, known });
    }
    for (version, checksum, success) in applied {
        if !success {
            return Err(OpenError::HalfDone(*version));
        }
        if ours.get(version) != Some(&checksum.as_slice()) {
            return Err(OpenError::Changed(*version));
        }
    }
    Ok(if applied.len() == ours.len() { Schema::Current } else { Schema::Behind })
}
