//! Where traces go, by the names that OpenTelemetry gives the settings of every program.

use url::Url;

use super::ConfigError;
use super::values::Values;

/// Where every signal goes, each to a path of its own.
const EVERYTHING: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// Where traces go, as it is.
const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const SERVICE: &str = "OTEL_SERVICE_NAME";

/// Where traces go, and as whose.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// What takes them: OTLP over HTTP.
    pub endpoint: Url,
    /// What this program is called in them.
    pub service: String,
}

impl Values {
    pub(super) fn traces(&self) -> Result<Option<TraceSettings>, ConfigError> {
        let endpoint = match (self.text(TRACES), self.text(EVERYTHING)) {
            ("", "") => return Ok(None),
            ("", base) => self.collector(EVERYTHING, &format!("{}/v1/traces", base.trim_end_matches('/')))?,
            (endpoint, _) => self.collector(TRACES, endpoint)?,
        };
        match self.text(SERVICE) {
            "" => Err(self.wrong(SERVICE, "use a name, such as reflector")),
            service => Ok(Some(TraceSettings { endpoint, service: service.to_owned() })),
        }
    }

    fn collector(&self, name: &'static str, address: &str) -> Result<Url, ConfigError> {
        let should = "use an address such as http://localhost:4318, without user, password and query: keys are told in \
                      the environment's OTEL_EXPORTER_OTLP_HEADERS";
        let url = Url::parse(address).map_err(|_| self.wrong(name, should))?;
        let usable = matches!(url.scheme(), "http" | "https") && url.has_host();
        let is_bare = url.username().is_empty() && url.password().is_none();
        if usable && is_bare && url.query().is_none() && url.fragment().is_none() {
            Ok(url)
        } else {
            Err(self.wrong(name, should))
        }
    }
}
