//! What the program tells while it runs: lines of the log, and traces if they go anywhere.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::{FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::{Config, LogFormat};
use crate::traces::{self, Traces};
use crate::workers::Chain;

/// Starts both, in the runtime that is to export traces.
///
/// # Errors
///
/// The line that tells which setting cannot be used.
pub(crate) fn start(config: &Config) -> Result<Option<Traces>, String> {
    let filter = EnvFilter::builder().parse(&config.log).map_err(|wrong| {
        let should = "use a filter such as info or reflector=debug";
        format!("REFLECTOR_LOG is `{}`: {wrong}; {should}", config.log)
    })?;
    // Without the hint, what the other filter says of levels would not be heard, and every line would be judged.
    let no_span_of_traces =
        filter_fn(|metadata| !traces::is_exported(metadata)).with_max_level_hint(LevelFilter::TRACE);
    let filter = filter.and(no_span_of_traces);
    let is_terminal = std::io::stderr().is_terminal();
    let usual = if is_terminal { LogFormat::Text } else { LogFormat::Json };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match config.log_format.unwrap_or(usual) {
        LogFormat::Text => lines.with_ansi(is_terminal).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let started = config.traces.as_ref().map(Traces::start).transpose();
    let (traces, spans) = started.map_err(|error| Chain(&error).to_string())?.unzip();
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).init();
    Ok(traces)
}
