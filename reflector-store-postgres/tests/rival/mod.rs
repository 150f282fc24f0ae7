//! A store, and somebody else who writes to its database step by step.

use std::sync::Arc;

use reflector_store_postgres::{PostgresOptions, PostgresStore};
use reflector_test_postgres::{Schema, schema};
use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use tokio::task::JoinHandle;

pub(crate) struct World {
    pub(crate) store: Arc<PostgresStore>,
    schema: Schema,
    name: &'static str,
    rival: PgConnection,
}

impl World {
    /// A store of one connection, which the server knows by this name, and a rival within a transaction.
    pub(crate) async fn begin(name: &'static str) -> Self {
        let schema = schema();
        let url = format!("{}&application_name={name}", schema.url());
        let options = PostgresOptions { connections: 1, ..PostgresOptions::default() };
        let store = PostgresStore::connect(&url.into(), options).await.expect("the cluster is up");
        store.migrate().await.expect("an empty schema can be migrated");
        let mut rival = PgConnection::connect(schema.url()).await.expect("the cluster is up");
        // Should the two wait for each other, it is this one that is told.
        raw_sql("SET deadlock_timeout = '1ms'; BEGIN").execute(&mut rival).await.expect("nothing is open");
        Self { store: Arc::new(store), schema, name, rival }
    }

    /// Lets the rival do something.
    pub(crate) async fn rival(&mut self, sql: &'static str) {
        raw_sql(AssertSqlSafe(sql)).execute(&mut self.rival).await.expect("it can be written");
    }

    /// Lets the store do something, and comes back once that has to wait.
    pub(crate) fn waiting<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let working = tokio::spawn(work);
        let waits = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}' AND wait_event_type = 'Lock'",
            self.name
        );
        while self.schema.sql(&waits) == "0" {
            assert!(!working.is_finished(), "it need not wait");
        }
        working
    }
}
