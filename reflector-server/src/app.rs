//! The wiring: every part is made and connected here, and nowhere else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use reflector_core::engine::{Announcer, Engine, Settings};
use reflector_core::provider::VideoProvider;
use reflector_core::store::Store;
use reflector_whereby::Whereby;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::builtin::{Builtin, Meet};
use crate::clock::Clock;
use crate::config::Config;
use crate::database::{DatabaseError, Kept, Migrate};
use crate::router;
use crate::state::App;
use crate::watched::{Bell, Watched};
use crate::workers::{Heartbeat, Lifecycle, Worker};

/// How long new connections are still taken after it was asked to stop: load balancers look at `/readyz` meanwhile.
const STILL_TAKING: Duration = Duration::from_secs(5);
/// How long what is in hand may take after that.
const FINISHING: Duration = Duration::from_secs(20);

/// A server that is put together and not yet running.
pub struct Server {
    app: App,
    meet: Arc<Meet>,
    worker: Worker,
    heartbeat: Heartbeat,
    lifecycle: Lifecycle,
}

/// The server cannot be put together or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on: is another server running there?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The sockets failed.
    #[error("the server cannot go on")]
    Serve(#[source] std::io::Error),
    /// Whereby cannot be used with these settings.
    #[error(transparent)]
    Whereby(#[from] reflector_whereby::NotUsable),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The store is ill.
    #[error(transparent)]
    Store(#[from] reflector_core::store::StoreError),
}

impl Server {
    /// Makes and connects every part.
    ///
    /// # Errors
    ///
    /// [`ServeError`] for what cannot be used as it is configured.
    pub async fn new(config: &Config, migrate: Migrate, clock: Clock) -> Result<Self, ServeError> {
        let Kept { store, connections } = Kept::open(&config.database, migrate).await?;
        store.beat(clock()).await?;
        let bell = Bell::new();
        let store = Arc::new(Watched::new(store, Arc::clone(&bell)));
        let builtin = Arc::new(Builtin::new(connections, &config.public_url, Arc::clone(&clock)));
        let engine = Arc::new(engine(config, store, &builtin)?);

        let worker = Worker::new(Arc::clone(&clock));
        let meet = Arc::new(Meet::new(
            Arc::clone(&builtin),
            Arc::clone(&engine),
            Arc::clone(&clock),
            &config.public_url,
        ));
        let app = App {
            engine: Arc::clone(&engine),
            builtin,
            bell: Arc::clone(&bell),
            clock: Arc::clone(&clock),
            public_url: config.public_url.clone(),
            provider: config.provider.clone(),
            stopping: Arc::new(AtomicBool::new(false)),
        };
        let heartbeat =
            Heartbeat { worker: worker.clone(), engine: Arc::clone(&engine), bell: Arc::clone(&bell) };
        let lifecycle = Lifecycle {
            worker: worker.clone(),
            engine,
            bell,
            sweep: config.sweep,
            reconcile: config.policy.reconcile_after,
            retention: config.retention,
        };
        Ok(Self { app, meet, worker, heartbeat, lifecycle })
    }

    /// Its routes, for whoever serves them in another way.
    pub fn router(&self) -> Router {
        router::router(self.app.clone(), Arc::clone(&self.meet))
    }

    /// Serves until it is asked to stop, then finishes what is in hand.
    ///
    /// # Errors
    ///
    /// [`ServeError`] when the sockets fail.
    pub async fn run(
        self,
        listener: TcpListener,
        asked_to_stop: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        self.heartbeat.clone().start();
        self.lifecycle.clone().start();
        let close = CancellationToken::new();
        let service = self.router().into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(listener, service).with_graceful_shutdown(close.clone().cancelled_owned());
        let serving = tokio::spawn(serving.into_future());
        asked_to_stop.await;
        tracing::info!("stopping: finishing what is in hand");
        self.app.stopping.store(true, Ordering::SeqCst);
        tokio::time::sleep(STILL_TAKING).await;
        self.worker.stop.cancel();
        self.meet.stop().await;
        close.cancel();
        self.worker.tasks.close();
        let finished = async {
            self.worker.tasks.wait().await;
            serving.await
        };
        match tokio::time::timeout(FINISHING, finished).await {
            Ok(Ok(served)) => served.map_err(ServeError::Serve),
            // What was claimed and not settled is done by whoever runs next.
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }
}

/// The engine with every provider that is configured.
pub(crate) fn engine(
    config: &Config,
    store: Arc<dyn Store>,
    builtin: &Arc<Builtin>,
) -> Result<Engine, reflector_whereby::NotUsable> {
    let settings = Settings { deployment: config.deployment.clone(), policy: config.policy };
    let engine = Engine::new(store, settings)
        .with_provider("builtin".into(), Arc::clone(builtin) as Arc<dyn VideoProvider>)
        .with_announcer(Arc::clone(builtin) as Arc<dyn Announcer>);
    Ok(match &config.whereby {
        Some(whereby) => engine.with_provider("whereby".into(), Arc::new(Whereby::new(whereby.clone())?)),
        None => engine,
    })
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("app", &self.app).finish_non_exhaustive()
    }
}
