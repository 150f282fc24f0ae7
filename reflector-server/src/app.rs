//! The wiring: every part is made and connected here, and nowhere else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use reflector_aws::{AwsSettings, AwsSource};
use reflector_core::ProviderName;
use reflector_core::engine::{Announcer, Engine, Notices, Recordings, Settings};
use reflector_core::provider::VideoProvider;
use reflector_core::recording::{SourceError, Wanted};
use reflector_core::store::{DeploymentKey, RecordingStore, Store, StoreError};
use reflector_whereby::Whereby;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::builtin::{Builtin, Meet};
use crate::clock::{self, Clock};
use crate::config::{Config, RecordingSettings, Roles};
use crate::connections::{Bounds, Door};
use crate::courier::HttpCourier;
use crate::database::{DatabaseError, Kept, Migrate};
use crate::identity::{Identity, Sessions};
use crate::limits::Limits;
use crate::live::{Newsroom, Seats, Works};
use crate::metered::Metered;
use crate::metrics::{ConnectionMetrics, Metrics};
use crate::pipeline::{Line, ParticipantTokens};
use crate::recordings::directory::{self, Directory, Pace};
use crate::recordings::{Feed, Holds};
use crate::router;
use crate::state::App;
use crate::watched::{Bell, Watched};
use crate::workers::{Counts, Heartbeat, Intake, Lifecycle, Pipelines, Post, Worker};

/// How long new connections are still taken after it was asked to stop: load balancers look at `/readyz` meanwhile.
const STILL_TAKING: Duration = Duration::from_secs(5);
/// How long what is in hand may take after that.
const FINISHING: Duration = Duration::from_secs(20);

/// How many connections there may be where there are metrics alone.
const SCRAPES: usize = 32;

/// How often a process looks for what other processes made due or owed, if it answers no requests itself: nothing
/// rings its bell.
const LOOK: Duration = Duration::from_secs(1);

/// A server that is put together and not yet running.
pub struct Server {
    app: App,
    roles: Roles,
    bounds: Bounds,
    metrics_elsewhere: bool,
    meet: Arc<Meet>,
    worker: Worker,
    heartbeat: Heartbeat,
    lifecycle: Lifecycle,
    counts: Counts,
    intake: Intake,
    pipelines: Pipelines,
    post: Post,
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
    /// Whereby cannot be used with these settings.
    #[error(transparent)]
    Whereby(#[from] reflector_whereby::NotUsable),
    /// A source of recordings cannot be used with these settings.
    #[error(transparent)]
    Recordings(#[from] SourceError),
    /// Tokens cannot be verified with these settings.
    #[error(transparent)]
    Identity(#[from] crate::identity::NotUsable),
    /// The pipeline cannot be used with these settings.
    #[error(transparent)]
    Pipeline(#[from] reflector_pipeline::NotUsable),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The store is ill.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Server {
    /// Makes and connects every part.
    ///
    /// # Errors
    ///
    /// [`ServeError`] for what cannot be used as it is configured.
    pub async fn new(config: &Config, migrate: Migrate, clock: Clock) -> Result<Self, ServeError> {
        let mut kept = Kept::open(&config.database, migrate).await?;
        if config.roles.api {
            kept.store.beat(clock()).await?;
        }
        let bell = Bell::new();
        kept.store = Arc::new(Watched::new(kept.store, Arc::clone(&bell)));
        let builtin = builtin(config, &kept, &clock);
        let metrics = Arc::new(Metrics::new());
        let metered = |name: &ProviderName, provider| {
            Arc::new(Metered::new(name.clone(), provider, metrics.life.clone())) as Arc<dyn VideoProvider>
        };
        let engine = Arc::new(engine(config, Arc::clone(&kept.store), &builtin, metered)?);
        metrics.life.begin_with(engine.providers());
        let recordings = Arc::new(recordings(&config.recordings, &engine, Arc::clone(&kept.recordings)));
        let feeds = feeds(&config.recordings, &metrics, &clock).await?;
        let line = Line::new(config.pipeline.clone(), &kept, &feeds)?;
        let key = key(&kept).await?;
        let sessions = Sessions::new(key, &config.public_url);
        let identity =
            Identity::new(&config.auth, Arc::clone(&kept.keys), sessions.clone(), Arc::clone(&clock)).await?;
        let notices = notices(config, &kept);

        let worker = Worker::new(Arc::clone(&clock));
        let heartbeat =
            Heartbeat { worker: worker.clone(), engine: Arc::clone(&engine), bell: Arc::clone(&bell) };
        let lifecycle = Lifecycle {
            worker: worker.clone(),
            engine: Arc::clone(&engine),
            bell: Arc::clone(&bell),
            sweep: if config.roles.api { config.sweep } else { config.sweep.min(LOOK) },
            notices: Arc::clone(&notices),
            metrics: Arc::clone(&metrics),
            reconcile: config.policy.reconcile_after,
            retention: config.retention,
        };
        let counts = Counts {
            worker: worker.clone(),
            engine: Arc::clone(&engine),
            tallies: Arc::clone(&kept.tallies),
            metrics: Arc::clone(&metrics),
        };
        let intake = Intake {
            worker: worker.clone(),
            recordings: Arc::clone(&recordings),
            feeds: feeds.clone(),
            metrics: Arc::clone(&metrics),
            reconcile: config.recordings.reconcile,
            reconcile_at_start: config.recordings.reconcile_at_start,
        };

        let pipelines = Pipelines::new(worker.clone(), line.clone(), Arc::clone(&metrics));
        let post = Post { worker: worker.clone(), notices, metrics: Arc::clone(&metrics) };

        let meet = Arc::new(Meet::new(
            Arc::clone(&builtin),
            Arc::clone(&engine),
            Arc::clone(&clock),
            &config.public_url,
        ));
        let newsroom = Arc::new(Newsroom::new(Arc::clone(&engine), Arc::clone(&kept.feed)));
        let works = Arc::new(Works::new(
            Arc::clone(&kept.tallies),
            Arc::clone(&kept.recordings),
            Arc::clone(&kept.transcripts),
        ));
        let app = App {
            engine,
            recordings,
            feeds,
            line,
            identity,
            sessions,
            tokens: ParticipantTokens::new(key),
            reach: config.reach,
            takes_recordings_in: config.roles.recordings,
            limits: Arc::new(Limits::new(&config.limits, &clock)),
            metrics,
            builtin,
            bell,
            newsroom,
            seats: Seats::default(),
            works,
            clock,
            public_url: config.public_url.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            cors_origins: config.cors_origins.clone(),
            provider: config.provider.clone(),
            stopping: Arc::new(AtomicBool::new(false)),
        };
        let (roles, metrics_elsewhere) = (config.roles, config.metrics_listen.is_some());
        Ok(Self {
            app,
            roles,
            bounds: config.connections.clone(),
            metrics_elsewhere,
            meet,
            worker,
            heartbeat,
            lifecycle,
            counts,
            intake,
            pipelines,
            post,
        })
    }

    /// Its routes, for whoever serves them in another way.
    pub fn router(&self) -> Router {
        let metrics_too = !self.metrics_elsewhere;
        if self.roles.api {
            router::router(self.app.clone(), Arc::clone(&self.meet), metrics_too)
        } else {
            router::of_operation(self.app.clone(), metrics_too)
        }
    }

    /// Serves its metrics on an address of their own, until it stops.
    pub fn serve_metrics(&self, listener: TcpListener) {
        let router = router::of_metrics(self.app.clone());
        let door = Door {
            listener,
            router,
            bounds: Bounds { all: SCRAPES, per_address: SCRAPES, proxies: Vec::new() },
            metrics: ConnectionMetrics::default(),
            stopping: Arc::clone(&self.app.stopping),
            close: self.worker.stop.clone(),
        };
        self.worker.tasks.spawn(door.serve());
    }

    /// Starts what its roles are.
    fn start(&self) {
        if self.roles.api {
            self.heartbeat.clone().start();
        }
        if self.roles.lifecycle {
            self.lifecycle.clone().start();
            self.counts.clone().start();
            self.post.clone().start();
        }
        if self.roles.recordings {
            self.intake.clone().start();
        }
        if self.roles.pipeline {
            self.pipelines.clone().start();
        }
    }

    /// Serves until it is asked to stop, then finishes what is in hand.
    pub async fn run(self, listener: TcpListener, asked_to_stop: impl Future<Output = ()>) {
        self.start();
        let close = CancellationToken::new();
        let door = Door {
            listener,
            router: self.router(),
            bounds: self.bounds.clone(),
            metrics: self.app.metrics.http.connections.clone(),
            stopping: Arc::clone(&self.app.stopping),
            close: close.clone(),
        };
        let serving = tokio::spawn(door.serve());
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
            drop(serving.await);
        };
        // What was claimed and not settled is done by whoever runs next.
        let _ = tokio::time::timeout(FINISHING, finished).await;
    }
}

/// The built-in provider, on this database.
pub(crate) fn builtin(config: &Config, kept: &Kept, clock: &Clock) -> Arc<Builtin> {
    let connections = Arc::clone(&kept.connections);
    Arc::new(Builtin::new(connections, &config.public_url, Arc::clone(clock)))
}

/// The key that all servers of this database have.
async fn key(kept: &Kept) -> Result<DeploymentKey, StoreError> {
    kept.consents.key(DeploymentKey::new(clock::new_key())).await
}

/// What rooms' owners are told.
fn notices(config: &Config, kept: &Kept) -> Arc<Notices> {
    let courier = Arc::new(HttpCourier { reach: config.reach });
    Arc::new(Notices::new(Arc::clone(&kept.notices), Arc::clone(&kept.store), courier))
}

/// The engine with every provider that is configured, each as `metered` makes it.
pub(crate) fn engine(
    config: &Config,
    store: Arc<dyn Store>,
    builtin: &Arc<Builtin>,
    metered: impl Fn(&ProviderName, Arc<dyn VideoProvider>) -> Arc<dyn VideoProvider>,
) -> Result<Engine, reflector_whereby::NotUsable> {
    let settings = Settings { deployment: config.deployment.clone(), policy: config.policy };
    let with = |engine: Engine, name: ProviderName, provider| {
        let provider = metered(&name, provider);
        engine.with_provider(name, provider)
    };
    let engine = Engine::new(store, settings).with_announcer(Arc::clone(builtin) as Arc<dyn Announcer>);
    let engine = with(engine, "builtin".into(), Arc::clone(builtin) as Arc<dyn VideoProvider>);
    Ok(match &config.whereby {
        Some(whereby) => with(engine, "whereby".into(), Arc::new(Whereby::new(whereby.clone())?)),
        None => engine,
    })
}

/// Recordings of the meetings of this engine.
pub(crate) fn recordings(
    settings: &RecordingSettings,
    engine: &Arc<Engine>,
    store: Arc<dyn RecordingStore>,
) -> Recordings {
    let folder = settings.folder.as_deref().map(directory::bucket);
    // Where no bucket is named, any will do, and the folder is one of them.
    let buckets =
        settings.bucket.iter().flat_map(|bucket| [bucket.clone()].into_iter().chain(folder.clone()));
    let wanted = Wanted { suffixes: settings.suffixes.clone(), buckets: buckets.collect() };
    Recordings::new(Arc::clone(engine), store, wanted)
}

/// Every source of recordings that is configured.
pub(crate) async fn feeds(
    settings: &RecordingSettings,
    metrics: &Metrics,
    clock: &Clock,
) -> Result<Vec<Arc<Feed>>, SourceError> {
    let mut feeds = Vec::new();
    if let Some(folder) = &settings.folder {
        let source = Arc::new(Directory::new(folder, Pace::default(), Arc::clone(clock)));
        let holds = Holds::Folder(directory::bucket(folder));
        feeds.push(Arc::new(Feed::new("folder", source, holds, metrics.of_feed("folder"))));
    }
    if let Some(source) = queue(settings).await? {
        let holds = Holds::Buckets { named: settings.bucket.is_some() };
        feeds.push(Arc::new(Feed::new("queue", Arc::new(source), holds, metrics.of_feed("queue"))));
    }
    Ok(feeds)
}

/// The queue that is told of recordings and the bucket that holds them, if they are configured.
pub(crate) async fn queue(settings: &RecordingSettings) -> Result<Option<AwsSource>, SourceError> {
    let Some(url) = &settings.queue_url else { return Ok(None) };
    let aws = AwsSettings {
        queue_url: Some(url.clone()),
        buckets: settings.bucket.iter().cloned().collect(),
        ..AwsSettings::default()
    };
    Ok(Some(AwsSource::connect(aws).await?.with_in_hand(settings.in_hand)))
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("app", &self.app).finish_non_exhaustive()
    }
}
