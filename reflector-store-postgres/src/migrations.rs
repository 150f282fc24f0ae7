//! The tables and how they came to be.

use reflector_core::store::Schema;
use sqlx::migrate::{Migrate, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};

use crate::line::within;
use crate::{OpenError, PostgresStore};

/// The table in which the migrations are noted that a database has.
const TABLE: &str = "reflector_migrations";

impl PostgresStore {
    /// How the tables compare with those that this program needs.
    ///
    /// # Errors
    ///
    /// If they are those of another program, or cannot be looked at.
    pub async fn schema(&self) -> Result<Schema, OpenError> {
        let mut line = self.line_for_migrations().await?;
        let answer = within(self.options.answer_within, compare(&mut line)).await;
        line.close().await.ok();
        answer?
    }

    /// Brings the tables up to date; whoever does so at the same time waits. There is nothing that it undoes.
    ///
    /// # Errors
    ///
    /// If the tables are those of another program, or a migration does not work: then it has changed nothing.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        // A line of its own: the lock of migrations goes when it is closed, and no time-out ends a long one.
        let mut line = self.line_for_migrations().await?;
        let answer = migrator().run_direct(None, &mut line, false).await;
        line.close().await.ok();
        Ok(answer?)
    }

    async fn line_for_migrations(&self) -> Result<PgConnection, OpenError> {
        Ok(within(self.options.connect_within, PgConnection::connect_with(&self.address)).await?)
    }
}

fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!();
    // The database may be one that other programs migrate as well.
    migrator.dangerous_set_table_name(TABLE);
    migrator
}

async fn compare(line: &mut PgConnection) -> Result<Result<Schema, OpenError>, sqlx::Error> {
    let there = sqlx::query("SELECT to_regclass($1) IS NOT NULL AS there").bind(TABLE);
    if !there.fetch_one(&mut *line).await?.try_get::<bool, _>("there")? {
        return Ok(Ok(Schema::Behind));
    }
    Ok(compare_versions(line).await)
}

async fn compare_versions(line: &mut PgConnection) -> Result<Schema, OpenError> {
    if let Some(version) = line.dirty_version(TABLE).await? {
        return Err(OpenError::MigrationUnfinished { version });
    }
    let applied = line.list_applied_migrations(TABLE).await?;
    let ours = migrator();
    for migration in &applied {
        match ours.iter().find(|known| known.version == migration.version) {
            None => return Err(OpenError::NewerSchema { version: migration.version }),
            Some(known) if known.checksum != migration.checksum => {
                return Err(OpenError::MigrationChanged { version: migration.version });
            }
            Some(_) => {}
        }
    }
    Ok(if applied.len() < ours.iter().count() { Schema::Behind } else { Schema::Current })
}
