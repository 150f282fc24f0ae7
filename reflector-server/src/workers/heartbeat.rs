//! The heart beats where the routes are: it says that somebody listens to what providers send.

use std::sync::Arc;
use std::time::Duration;

use reflector_core::engine::Engine;
use tracing::warn;

use super::{Chain, REST, Worker};
use crate::watched::Bell;

/// Our own heartbeat: several in the gap that counts as not listening.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Tells the store that we listen, and us whether it takes things in.
#[derive(Clone)]
pub(crate) struct Heartbeat {
    pub(crate) worker: Worker,
    pub(crate) engine: Arc<Engine>,
    pub(crate) bell: Arc<Bell>,
}

impl Heartbeat {
    /// Starts the loop.
    pub(crate) fn start(self) {
        self.worker.tasks.clone().spawn(self.beat());
    }

    async fn beat(self) {
        loop {
            let beaten = self.engine.store().beat(self.worker.now()).await;
            self.bell.store_takes_in(beaten.is_ok());
            let rest = match beaten {
                Ok(()) => HEARTBEAT,
                Err(error) => {
                    warn!(error = %Chain(&error), "the store takes nothing in; trying again");
                    REST
                }
            };
            if !self.worker.rest(&self.bell.ill, None, rest).await {
                return;
            }
        }
    }
}
