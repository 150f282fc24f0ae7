//! Every setting there is, in one table.

use super::roles::Roles;

/// A setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its environment variable. In the file it is the same in lower case, without `reflector_`.
    pub name: &'static str,
    /// Its value when nobody sets it; empty for none.
    pub default: &'static str,
    /// What of its value is a secret.
    pub secret: Secret,
}

/// What of a value nobody may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// Nothing.
    Nothing,
    /// The password in an address.
    Password,
    /// All of it.
    All,
}

impl Key {
    /// Its name in the file.
    pub fn in_file(&self) -> String {
        let lower = self.name.to_ascii_lowercase();
        lower.strip_prefix("reflector_").unwrap_or(&lower).to_owned()
    }

    /// A value of it as anybody may see it.
    pub fn shown(&self, value: &str) -> String {
        match self.secret {
            Secret::Nothing => value.to_owned(),
            Secret::Password => without_password(value),
            Secret::All if value.is_empty() => String::new(),
            Secret::All => "…".to_owned(),
        }
    }
}

/// An address without its password, wherever that may stand: between `:` and `@`, or as a parameter.
fn without_password(address: &str) -> String {
    let mut url = match url::Url::parse(address) {
        Ok(url) if url.has_host() || !address.contains('@') => url,
        // Whatever it is, it may have a password in it.
        _ if address.contains('@') => return "…".to_owned(),
        _ => return address.to_owned(),
    };
    if url.password().is_some() && url.set_password(Some("…")).is_err() {
        return "…".to_owned();
    }
    if url.query().is_some_and(|query| query.to_ascii_lowercase().contains("password")) {
        url.set_query(None);
    }
    url.to_string().replace("%E2%80%A6", "…")
}

const fn key(name: &'static str, default: &'static str) -> Key {
    Key { name, default, secret: Secret::Nothing }
}

const fn secret(name: &'static str) -> Key {
    Key { name, default: "", secret: Secret::All }
}

/// Every setting.
pub const KEYS: &[Key] = &[
    key("REFLECTOR_LISTEN", "127.0.0.1:1250"),
    key("REFLECTOR_METRICS_LISTEN", ""),
    key("REFLECTOR_ROLES", Roles::ALL),
    Key { name: "DATABASE_URL", default: "sqlite://reflector.db", secret: Secret::Password },
    key("REFLECTOR_DEPLOYMENT", "reflector"),
    key("REFLECTOR_CLOSE", "act"),
    key("REFLECTOR_PROVIDER", ""),
    key("REFLECTOR_PUBLIC_URL", ""),
    key("REFLECTOR_CORS_ORIGINS", ""),
    key("REFLECTOR_TRUSTED_PROXIES", ""),
    key("REFLECTOR_CONNECTIONS", ""),
    key("REFLECTOR_CONNECTIONS_PER_ADDRESS", ""),
    key("REFLECTOR_GUEST_CALLS_PER_MINUTE", "120"),
    key("REFLECTOR_MEETINGS_PER_MINUTE", "10"),
    key("REFLECTOR_AUTH", "none"),
    secret("REFLECTOR_JWT_SECRET"),
    key("REFLECTOR_JWT_JWKS", ""),
    key("REFLECTOR_JWT_AUDIENCE", ""),
    key("REFLECTOR_JWT_ISSUER", ""),
    key("REFLECTOR_ADMINS", ""),
    key("WHEREBY_API_URL", "https://api.whereby.dev/v1"),
    secret("WHEREBY_API_KEY"),
    secret("WHEREBY_WEBHOOK_SECRET"),
    key("WHEREBY_POINTS_PER_MINUTE", "100"),
    key("WHEREBY_SUBDOMAIN", ""),
    key("AWS_PROCESS_RECORDING_QUEUE_URL", ""),
    key("RECORDING_STORAGE_AWS_BUCKET_NAME", ""),
    secret("AWS_WHEREBY_ACCESS_KEY_ID"),
    secret("AWS_WHEREBY_ACCESS_KEY_SECRET"),
    key("REFLECTOR_RECORDINGS_DIR", ""),
    key("REFLECTOR_RECORDING_SUFFIXES", ".mp4"),
    key("REFLECTOR_RECORDINGS_IN_HAND", "2m"),
    key("REFLECTOR_RECONCILE_RECORDINGS", "1d"),
    key("REFLECTOR_DATA_DIR", "./data"),
    key("REFLECTOR_STT_URL", ""),
    secret("REFLECTOR_STT_KEY"),
    key("REFLECTOR_STT_MODEL", ""),
    key("REFLECTOR_LLM_URL", ""),
    secret("REFLECTOR_LLM_KEY"),
    key("REFLECTOR_LLM_MODEL", ""),
    key("REFLECTOR_ALLOW_PRIVATE_URLS", "no"),
    key("REFLECTOR_GRACE", "15m"),
    key("REFLECTOR_OVERTIME", "30m"),
    key("REFLECTOR_NEVER_JOINED", "30m"),
    key("REFLECTOR_UNSCHEDULED_LENGTH", "8h"),
    key("REFLECTOR_MAX_LIFETIME", "24h"),
    key("REFLECTOR_LEASE", "45s"),
    key("REFLECTOR_SWEEP", "15s"),
    key("REFLECTOR_RECONCILE_AFTER", "15m"),
    key("REFLECTOR_RETENTION", "90d"),
    key("REFLECTOR_LOG", "info"),
    key("REFLECTOR_LOG_FORMAT", ""),
    Key { name: "OTEL_EXPORTER_OTLP_ENDPOINT", default: "", secret: Secret::Password },
    Key { name: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", default: "", secret: Secret::Password },
    key("OTEL_SERVICE_NAME", "reflector"),
];
