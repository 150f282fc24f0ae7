//! Settings: a file, overridden by the environment, overridden by flags. A wrong value stops the start with one line
//! that names the key, the value and what it should be.

mod auth;
mod keys;
mod limits;
mod pipeline;
mod recordings;
mod roles;
mod traces;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::HeaderValue;
use ipnet::IpNet;
use reflector_core::ProviderName;
use reflector_core::engine::Deployment;
use reflector_core::lifecycle::Policy;
use reflector_pipeline::PipelineSettings;
use reflector_whereby::WherebySettings;
use secrecy::SecretString;
use std::time::Duration;
use url::Url;

pub use crate::connections::Bounds;
pub use crate::limits::LimitSettings;
pub use auth::{Auth, JwtKeys, JwtSettings};
pub use keys::{KEYS, Key, Secret};
pub use recordings::RecordingSettings;
pub use roles::Roles;
pub use traces::TraceSettings;
use values::Values;

use crate::outgoing::Reach;

/// Where meetings and rooms are kept.
#[derive(Clone, Debug)]
pub enum Database {
    /// In this process, for as long as it lives.
    Memory,
    /// In a SQLite file: its address, such as `sqlite://reflector.db`.
    Sqlite(String),
    /// In PostgreSQL: its address, which may hold a password.
    Postgres(SecretString),
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The settings in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The address of its own that metrics are served on; without one, they are where everything else is.
    pub metrics_listen: Option<SocketAddr>,
    /// Whether an address that is not loopback is allowed although everybody is let in.
    pub insecure: bool,
    /// Whether callers are asked who they are.
    pub auth: Auth,
    /// What this process does.
    pub roles: Roles,
    /// Where things are kept.
    pub database: Database,
    /// For how long what is over is kept.
    pub retention: Duration,
    /// The name that begins every room made at a provider.
    pub deployment: Deployment,
    /// The policies of meetings.
    pub policy: Policy,
    /// The longest time between two sweeps.
    pub sweep: Duration,
    /// The provider of rooms that name none.
    pub provider: ProviderName,
    /// How participants reach this server.
    pub public_url: Url,
    /// The proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// How many connections there may be.
    pub connections: Bounds,
    /// How much is too much.
    pub limits: LimitSettings,
    /// The origins whose pages may call, beside our own.
    pub cors_origins: Vec<HeaderValue>,
    /// How to reach Whereby, if it is used.
    pub whereby: Option<WherebySettings>,
    /// Where recordings come from.
    pub recordings: RecordingSettings,
    /// What the pipeline works with.
    pub pipeline: PipelineSettings,
    /// Where addresses that users give may lead.
    pub reach: Reach,
    /// Which log lines are written.
    pub log: String,
    /// How they are written; what suits the terminal if not set.
    pub log_format: Option<LogFormat>,
    /// Where traces go, if anywhere: the program starts them, and a server that is put together by others leaves it to
    /// them.
    pub traces: Option<TraceSettings>,
}

/// A setting that cannot be used, in one line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value is wrong.
    #[error("{key} is `{value}` ({origin}): {should}")]
    Wrong {
        /// Its key, as it is named where it was set.
        key: String,
        /// The value, masked if it is a secret.
        value: String,
        /// Where it was set.
        origin: Origin,
        /// What it should be.
        should: String,
    },
    /// The file has a key that is none.
    #[error("{file} has the key `{key}`, which is not known: see `reflector config` for those that are")]
    UnknownKey {
        /// The file.
        file: String,
        /// The key.
        key: String,
    },
    /// The file cannot be read.
    #[error("{file} cannot be used: {why}")]
    File {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file.
    File(String),
    /// The environment.
    Environment,
    /// A flag.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File(file) => write!(f, "from {file}"),
            Self::Environment => f.write_str("from the environment"),
            Self::Flag => f.write_str("from a flag"),
        }
    }
}

/// What the settings are read from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file that was asked for; without one, `reflector.toml` is read if it is there.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// The flags, by the name of the environment variable that they override.
    pub flags: BTreeMap<&'static str, String>,
    /// Whether an address that is not loopback is allowed.
    pub insecure: bool,
    /// Whether what is at the recordings' sources is compared with what is known at the start.
    pub reconcile: bool,
}

impl Config {
    /// Reads and checks the settings.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be used.
    pub fn read(sources: &Sources) -> Result<Self, ConfigError> {
        let values = Values::collect(sources)?;
        let listen: SocketAddr =
            values.parse("REFLECTOR_LISTEN", "use an address and a port, such as 127.0.0.1:1250")?;
        let auth = values.auth()?;
        if matches!(auth, Auth::Nobody) && !listen.ip().is_loopback() && !sources.insecure {
            let should = "with REFLECTOR_AUTH=none everybody is let in, so the address must be a loopback one such as \
                          127.0.0.1:1250; --insecure allows another";
            return Err(values.wrong("REFLECTOR_LISTEN", should));
        }
        let whereby = values.whereby()?;
        Ok(Self {
            listen,
            metrics_listen: values.metrics_listen()?,
            insecure: sources.insecure,
            auth,
            roles: values.roles()?,
            database: values.database()?,
            retention: values.duration_above_zero("REFLECTOR_RETENTION")?,
            deployment: values.parse("REFLECTOR_DEPLOYMENT", "use 1 to 10 lower-case letters and digits")?,
            policy: values.policy()?,
            sweep: values.duration_above_zero("REFLECTOR_SWEEP")?,
            provider: values.provider(whereby.is_some())?,
            public_url: values.public_url(listen)?,
            trusted_proxies: values.trusted_proxies()?,
            connections: values.connections()?,
            limits: values.limits()?,
            cors_origins: values.cors_origins()?,
            whereby,
            recordings: values.recordings(sources.reconcile)?,
            pipeline: values.pipeline()?,
            reach: values.reach()?,
            log: values.text("REFLECTOR_LOG").to_owned(),
            log_format: values.optional_one_of(
                "REFLECTOR_LOG_FORMAT",
                &[("text", LogFormat::Text), ("json", LogFormat::Json)],
            )?,
            traces: values.traces()?,
        })
    }

    /// The settings once the address is known: the port 0 stands for one that the system chooses.
    #[must_use]
    pub fn listening_on(mut self, address: SocketAddr) -> Self {
        if self.public_url.as_str() == format!("http://{}/", self.listen)
            && let Ok(url) = Url::parse(&format!("http://{address}"))
        {
            self.public_url = url;
        }
        self.listen = address;
        self
    }

    /// Every key with its value and where it came from, secrets masked: what `reflector config` prints.
    ///
    /// # Errors
    ///
    /// When the sources cannot be read; wrong values are printed as they are.
    pub fn describe(sources: &Sources) -> Result<String, ConfigError> {
        Ok(Values::collect(sources)?.describe())
    }
}
