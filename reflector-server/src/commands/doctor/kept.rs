//! The store.

use std::sync::Arc;

use reflector_core::Timestamp;
use reflector_core::store::Store;

use super::Finding;
use crate::config::{Config, Database};
use crate::database::{DatabaseError, Kept, Migrate};
use crate::workers::Chain;

const CHECK: &str = "store";

/// Opens the store as the server would, without changing its schema, and writes to it. What was opened is handed on.
pub(super) async fn check(
    config: &Config,
    now: Timestamp,
    opened: &mut Option<Arc<dyn Store>>,
) -> Vec<Finding> {
    let name = match &config.database {
        Database::Memory => {
            let what = "DATABASE_URL is memory: nothing to reach, and all is gone when the server stops";
            return vec![Finding::warn(CHECK, what)];
        }
        Database::Sqlite(url) => url.clone(),
        Database::Postgres(_) => "PostgreSQL".to_owned(),
    };
    let store = match Kept::open(&config.database, Migrate::No).await {
        Ok(kept) => kept.store,
        Err(DatabaseError::Behind) => {
            let what = format!(
                "{name} has no schema yet or that of an older version: run `reflector migrate` (serve does it too)"
            );
            return vec![Finding::fail(CHECK, what)];
        }
        Err(error) => {
            let what = format!("{name} (DATABASE_URL): {}", Chain(&error));
            return vec![Finding::fail(CHECK, what)];
        }
    };
    // A word from a provider that does not exist: a true write, which nothing reads.
    if let Err(error) = store.heard(&"doctor".into(), 0, now).await {
        let what = format!("{name} can be read and takes nothing in: {}", Chain(&error));
        return vec![Finding::fail(CHECK, what)];
    }
    let mut found =
        vec![Finding::ok(CHECK, format!("{name} is reachable, its schema is current, and it takes writes"))];
    match store.held_since().await {
        Ok(None) => {}
        Ok(Some(since)) => {
            let what =
                format!("unforced closes are on hold since {since}: lift it with `reflector hold off`");
            found.push(Finding::warn(CHECK, what));
        }
        Err(error) => found.push(Finding::fail(CHECK, format!("{name}: {}", Chain(&error)))),
    }
    *opened = Some(store);
    found
}
