//! The values of the settings as text, with where they came from, and how they are read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use axum::http::HeaderValue;
use ipnet::IpNet;
use reflector_core::ProviderName;
use reflector_core::lifecycle::{CloseMode, Overtime, Policy};
use reflector_whereby::WherebySettings;
use secrecy::SecretString;
use url::Url;

use super::keys::{KEYS, Key};
use super::roles::Roles;
use super::{ConfigError, Database, Origin, Sources};
use crate::line::in_one_line;

const POINTS: &str = "use a number above 0, such as 100";
const A_DURATION: &str = "use a duration such as 15m, 45s or 250ms";

/// The values of all keys.
pub(super) struct Values(BTreeMap<&'static str, Value>);

/// A value as it was written, and where.
type Value = (String, Origin);

impl Values {
    pub(super) fn collect(sources: &Sources) -> Result<Self, ConfigError> {
        let mut values: BTreeMap<_, _> =
            KEYS.iter().map(|key| (key.name, (key.default.to_owned(), Origin::Default))).collect();
        let file = sources.file.clone().or_else(|| {
            let usual = PathBuf::from("reflector.toml");
            usual.is_file().then_some(usual)
        });
        if let Some(file) = file {
            values.extend(read_file(&file)?);
        }
        for key in KEYS {
            if let Some(value) = sources.environment.get(key.name) {
                values.insert(key.name, (value.clone(), Origin::Environment));
            }
        }
        for (name, value) in &sources.flags {
            values.insert(name, (value.clone(), Origin::Flag));
        }
        Ok(Self(values))
    }

    pub(super) fn text(&self, name: &'static str) -> &str {
        self.0.get(name).map_or("", |(value, _)| value.as_str())
    }

    fn is_set(&self, name: &'static str) -> bool {
        self.0.get(name).is_some_and(|(_, origin)| *origin != Origin::Default)
    }

    pub(super) fn wrong(&self, name: &'static str, should: &str) -> ConfigError {
        let (value, origin) = self.0.get(name).cloned().unwrap_or((String::new(), Origin::Default));
        let key = KEYS.iter().find(|key| key.name == name);
        let named = match (&origin, key) {
            (Origin::File(_), Some(key)) => key.in_file(),
            _ => name.to_owned(),
        };
        let value = in_one_line(&key.map_or_else(|| value.clone(), |key| key.shown(&value)));
        ConfigError::Wrong { key: named, value, origin, should: should.to_owned() }
    }

    pub(super) fn parse<T: FromStr>(&self, name: &'static str, should: &str) -> Result<T, ConfigError> {
        self.text(name).parse().map_err(|_| self.wrong(name, should))
    }

    pub(super) fn one_of<T: Copy>(&self, name: &'static str, known: &[(&str, T)]) -> Result<T, ConfigError> {
        let value = self.text(name);
        let found = known.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning);
        found.ok_or_else(|| {
            let words: Vec<_> = known.iter().map(|(word, _)| *word).collect();
            self.wrong(name, &format!("use {}", words.join(" or ")))
        })
    }

    pub(super) fn optional_one_of<T: Copy>(
        &self,
        name: &'static str,
        known: &[(&str, T)],
    ) -> Result<Option<T>, ConfigError> {
        if self.text(name).is_empty() { Ok(None) } else { self.one_of(name, known).map(Some) }
    }

    fn duration(&self, name: &'static str) -> Result<Duration, ConfigError> {
        humantime::parse_duration(self.text(name)).map_err(|_| self.wrong(name, A_DURATION))
    }

    pub(super) fn duration_above_zero(&self, name: &'static str) -> Result<Duration, ConfigError> {
        match self.duration(name)? {
            Duration::ZERO => Err(self.wrong(name, &format!("{A_DURATION}, and more than nothing"))),
            duration => Ok(duration),
        }
    }

    pub(super) fn database(&self) -> Result<Database, ConfigError> {
        const NAME: &str = "DATABASE_URL";
        let url = self.text(NAME);
        match url.split_once(':') {
            Some(("memory", "")) => Ok(Database::Memory),
            Some(("sqlite", file)) if !file.trim_start_matches('/').is_empty() => {
                Ok(Database::Sqlite(url.to_owned()))
            }
            Some(("postgres" | "postgresql", server)) if server.starts_with("//") => {
                Ok(Database::Postgres(SecretString::from(url)))
            }
            _ => Err(self.wrong(NAME, "use sqlite://reflector.db, postgres://user@host/database or memory:")),
        }
    }

    pub(super) fn roles(&self) -> Result<Roles, ConfigError> {
        const NAME: &str = "REFLECTOR_ROLES";
        let should = format!("use some of {}, with commas between them", Roles::ALL);
        Roles::read(self.text(NAME)).ok_or_else(|| self.wrong(NAME, &should))
    }

    pub(super) fn metrics_listen(&self) -> Result<Option<SocketAddr>, ConfigError> {
        const NAME: &str = "REFLECTOR_METRICS_LISTEN";
        match self.text(NAME) {
            "" => Ok(None),
            _ => self.parse(NAME, "use an address and a port, such as 127.0.0.1:9464").map(Some),
        }
    }

    pub(super) fn policy(&self) -> Result<Policy, ConfigError> {
        let overtime = match self.text("REFLECTOR_OVERTIME") {
            "never" => Overtime::Never,
            text => Overtime::For(
                humantime::parse_duration(text)
                    .map_err(|_| self.wrong("REFLECTOR_OVERTIME", &format!("{A_DURATION}, or never")))?,
            ),
        };
        Ok(Policy {
            grace: self.duration("REFLECTOR_GRACE")?,
            overtime,
            never_joined: self.duration("REFLECTOR_NEVER_JOINED")?,
            unscheduled_length: self.duration_above_zero("REFLECTOR_UNSCHEDULED_LENGTH")?,
            max_lifetime: self.duration_above_zero("REFLECTOR_MAX_LIFETIME")?,
            lease: self.duration("REFLECTOR_LEASE")?,
            reconcile_after: self.duration_above_zero("REFLECTOR_RECONCILE_AFTER")?,
            close: self
                .one_of("REFLECTOR_CLOSE", &[("act", CloseMode::Act), ("observe", CloseMode::Observe)])?,
            provider_answers: Policy::default().provider_answers,
        })
    }

    pub(super) fn provider(&self, has_whereby: bool) -> Result<ProviderName, ConfigError> {
        const NAME: &str = "REFLECTOR_PROVIDER";
        match self.text(NAME) {
            "" => Ok(ProviderName::from(if has_whereby { "whereby" } else { "builtin" })),
            "builtin" => Ok("builtin".into()),
            "whereby" if has_whereby => Ok("whereby".into()),
            "whereby" => Err(self.wrong(NAME, "set WHEREBY_API_KEY to use it")),
            _ => Err(self.wrong(NAME, "use builtin or whereby")),
        }
    }

    pub(super) fn public_url(&self, listen: SocketAddr) -> Result<Url, ConfigError> {
        const NAME: &str = "REFLECTOR_PUBLIC_URL";
        const SHOULD: &str = "use an address such as https://meet.example.com";
        let text = match self.text(NAME) {
            "" => format!("http://{listen}"),
            text => text.to_owned(),
        };
        let url = Url::parse(&text).map_err(|_| self.wrong(NAME, SHOULD))?;
        let usable = matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none();
        if usable && url.path() == "/" { Ok(url) } else { Err(self.wrong(NAME, SHOULD)) }
    }

    pub(super) fn trusted_proxies(&self) -> Result<Vec<IpNet>, ConfigError> {
        const NAME: &str = "REFLECTOR_TRUSTED_PROXIES";
        let should = "use addresses or networks, such as 127.0.0.1,10.0.0.0/8";
        let named = self.text(NAME).split(',').map(str::trim).filter(|proxy| !proxy.is_empty());
        let read = |text: &str| text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        named.map(|text| read(text).ok_or_else(|| self.wrong(NAME, should))).collect()
    }

    /// As browsers write them: with a scheme and a host, and nothing behind.
    pub(super) fn cors_origins(&self) -> Result<Vec<HeaderValue>, ConfigError> {
        const NAME: &str = "REFLECTOR_CORS_ORIGINS";
        let named = self.text(NAME).split(',').map(str::trim).filter(|origin| !origin.is_empty());
        let read = |text: &str| {
            let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
            let origin = url.origin().ascii_serialization();
            (origin == text).then(|| HeaderValue::from_str(&origin).ok()).flatten()
        };
        let should =
            "use origins such as https://app.example.org, with commas between them and nothing behind them";
        named.map(|text| read(text).ok_or_else(|| self.wrong(NAME, should))).collect()
    }

    pub(super) fn whereby(&self) -> Result<Option<WherebySettings>, ConfigError> {
        let webhook_secrets = self.webhook_secrets()?;
        let api_key = self.text("WHEREBY_API_KEY");
        if api_key.is_empty() {
            return Ok(None);
        }
        if webhook_secrets.is_empty() {
            let should = "with WHEREBY_API_KEY set, give the signing secret of the webhook: without it nothing that \
                          Whereby says can be believed, and every meeting would look empty";
            return Err(self.wrong("WHEREBY_WEBHOOK_SECRET", should));
        }
        let subdomain = self.text("WHEREBY_SUBDOMAIN");
        let mut settings = WherebySettings::new(api_key, webhook_secrets);
        self.parse::<Url>("WHEREBY_API_URL", "use an address such as https://api.whereby.dev/v1")?;
        settings.api_url = self.text("WHEREBY_API_URL").to_owned();
        settings.points_per_minute = match self.parse("WHEREBY_POINTS_PER_MINUTE", POINTS)? {
            0 => return Err(self.wrong("WHEREBY_POINTS_PER_MINUTE", POINTS)),
            points => points,
        };
        settings.subdomain = (!subdomain.is_empty()).then(|| subdomain.to_owned());
        settings.recording_destination = self.recording_destination()?;
        Ok(Some(settings))
    }

    fn webhook_secrets(&self) -> Result<Vec<SecretString>, ConfigError> {
        const NAME: &str = "WHEREBY_WEBHOOK_SECRET";
        let text = self.text(NAME);
        if text.is_empty() && !self.is_set(NAME) {
            return Ok(Vec::new());
        }
        text.split(',')
            .map(str::trim)
            .map(|secret| match secret {
                "" => Err(self.wrong(NAME, "one of its entries is empty: anybody could sign with it")),
                secret => Ok(SecretString::from(secret)),
            })
            .collect()
    }

    pub(super) fn describe(&self) -> String {
        let mut text = String::new();
        for key in KEYS {
            let Some((value, origin)) = self.0.get(key.name) else { continue };
            let shown = key.shown(value);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{:<34} {:<32} {origin}", key.name, shown);
        }
        text
    }
}

/// The values of the file, by the names of their keys.
fn read_file(path: &Path) -> Result<Vec<(&'static str, Value)>, ConfigError> {
    let file = path.display().to_string();
    let cannot = |why: String| ConfigError::File { file: file.clone(), why };
    let text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
    // Not as toml tells it: it shows the line, and that may hold a secret.
    let table: toml::Table = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        cannot(format!("line {line}: {}", in_one_line(error.message())))
    })?;
    table
        .into_iter()
        .map(|(name, value)| {
            let known = KEYS.iter().find(|key: &&Key| key.in_file() == name);
            let key = known
                .ok_or_else(|| ConfigError::UnknownKey { file: file.clone(), key: in_one_line(&name) })?;
            let value = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Boolean(truth) => truth.to_string(),
                _ => {
                    return Err(cannot(format!(
                        "the value of `{}` must be a text, a whole number, or true or false",
                        key.in_file()
                    )));
                }
            };
            Ok((key.name, (value, Origin::File(file.clone()))))
        })
        .collect()
}
