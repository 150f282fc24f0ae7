//! Every setting there is, in one table.

/// A setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its environment variable. In the file it is the same in lower case, without `reflector_`.
    pub name: &'static str,
    /// Its value when nobody sets it; empty for none.
    pub default: &'static str,
    /// Whether its value is a secret.
    pub secret: bool,
}

impl Key {
    /// Its name in the file.
    pub fn in_file(&self) -> String {
        let lower = self.name.to_ascii_lowercase();
        lower.strip_prefix("reflector_").unwrap_or(&lower).to_owned()
    }
}

const fn key(name: &'static str, default: &'static str) -> Key {
    Key { name, default, secret: false }
}

const fn secret(name: &'static str) -> Key {
    Key { name, default: "", secret: true }
}

/// Every setting.
pub const KEYS: &[Key] = &[
    key("REFLECTOR_LISTEN", "127.0.0.1:1250"),
    key("DATABASE_URL", "memory:"),
    key("REFLECTOR_DEPLOYMENT", "reflector"),
    key("REFLECTOR_CLOSE", "act"),
    key("REFLECTOR_PROVIDER", ""),
    key("REFLECTOR_PUBLIC_URL", ""),
    key("REFLECTOR_AUTH", "none"),
    key("WHEREBY_API_URL", "https://api.whereby.dev/v1"),
    secret("WHEREBY_API_KEY"),
    secret("WHEREBY_WEBHOOK_SECRET"),
    key("WHEREBY_POINTS_PER_MINUTE", "100"),
    key("WHEREBY_SUBDOMAIN", ""),
    key("RECORDING_STORAGE_AWS_BUCKET_NAME", ""),
    secret("AWS_WHEREBY_ACCESS_KEY_ID"),
    secret("AWS_WHEREBY_ACCESS_KEY_SECRET"),
    key("REFLECTOR_GRACE", "15m"),
    key("REFLECTOR_OVERTIME", "30m"),
    key("REFLECTOR_NEVER_JOINED", "30m"),
    key("REFLECTOR_UNSCHEDULED_LENGTH", "8h"),
    key("REFLECTOR_MAX_LIFETIME", "24h"),
    key("REFLECTOR_LEASE", "45s"),
    key("REFLECTOR_SWEEP", "15s"),
    key("REFLECTOR_RECONCILE_AFTER", "15m"),
    key("REFLECTOR_LOG", "info"),
    key("REFLECTOR_LOG_FORMAT", ""),
];
