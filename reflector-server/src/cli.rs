//! The command line.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::app::{ServeError, Server};
use crate::clock;
use crate::config::{Config, LogFormat, Sources};
use crate::workers::Chain;
use crate::{replay, simulate};

/// Runs the life of video meetings, and brings their recordings to a transcript.
#[derive(Debug, Parser)]
#[command(name = "reflector", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Flags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server (also what no command does).
    Serve(Flags),
    /// Shows the settings in force and where each value came from, secrets masked.
    Config(Flags),
    /// Tries a policy on a virtual office: meetings, people who came back just too late, empty minutes, provider calls.
    Simulate(simulate::Flags),
    /// Tries a policy on a recorded history, and says what would have happened beside what did.
    Replay(replay::Flags),
}

#[derive(Clone, Debug, Default, Args)]
struct Flags {
    /// The file with settings; reflector.toml is read if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where things are kept.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Listens on an address that is not loopback although everybody is let in.
    #[arg(long)]
    insecure: bool,
}

impl Flags {
    fn sources(self) -> Sources {
        let flags = [("REFLECTOR_LISTEN", self.listen), ("DATABASE_URL", self.database_url)];
        Sources {
            file: self.config,
            // A variable that is not text cannot be one of ours.
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            flags: flags
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect::<BTreeMap<_, _>>(),
            insecure: self.insecure,
        }
    }
}

/// Runs the command line: 0 done, 1 failed, 2 wrong usage.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let (flags, serves) = match cli.command {
        None => (cli.serve, true),
        Some(Command::Serve(flags)) => (flags, true),
        Some(Command::Config(flags)) => (flags, false),
        Some(Command::Simulate(flags)) => return ended(simulate::run(&flags)),
        Some(Command::Replay(flags)) => return ended(replay::run(&flags).map(|()| true)),
    };
    let sources = flags.sources();
    let config = match Config::read(&sources) {
        Ok(config) => config,
        Err(wrong) => {
            eprintln!("reflector: {wrong}");
            return ExitCode::from(2);
        }
    };
    if !serves {
        return match Config::describe(&sources) {
            Ok(described) => {
                print!("{described}");
                ExitCode::SUCCESS
            }
            Err(wrong) => {
                eprintln!("reflector: {wrong}");
                ExitCode::from(2)
            }
        };
    }
    if let Err(wrong) = start_logging(&config) {
        eprintln!(
            "reflector: REFLECTOR_LOG is `{}`: {wrong}; use a filter such as info or reflector=debug",
            config.log
        );
        return ExitCode::from(2);
    }
    match serve(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reflector: {}", Chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// The end of a command that says for itself whether all is well, or why it cannot be done.
fn ended(well: Result<bool, String>) -> ExitCode {
    match well {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(wrong) => {
            eprintln!("reflector: {wrong}");
            ExitCode::FAILURE
        }
    }
}

fn start_logging(config: &Config) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::builder().parse(&config.log)?;
    let usual = if std::io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format.unwrap_or(usual) {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}

#[tokio::main]
async fn serve(config: &Config) -> Result<(), ServeError> {
    let cannot_listen = |source| ServeError::Listen { address: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(cannot_listen)?;
    // The port 0 asks the system for a free one.
    let config = &config.clone().listening_on(listener.local_addr().map_err(cannot_listen)?);
    let server = Server::new(config, clock::system()).await?;
    greet(config);
    server.run(listener, asked_to_stop()).await
}

/// The first lines: where to point a browser, what is embedded, and how to replace each part.
fn greet(config: &Config) {
    println!("Reflector listens on {}: point a browser at {}", config.listen, config.public_url);
    println!("  meetings   kept in memory, and gone when it stops (DATABASE_URL)");
    let provider = config.provider.as_str();
    let how =
        if provider == "builtin" { " (WHEREBY_API_KEY and WHEREBY_WEBHOOK_SECRET for Whereby)" } else { "" };
    println!("  video      {provider}{how}");
    println!("  everybody  is let in as the operator `local`, from this machine only (REFLECTOR_AUTH)");
    println!("Stop it with Ctrl-C; `reflector config` shows every setting.");
}

/// Waits for the first signal; a second one stops at once. It listens from the moment it is called.
fn asked_to_stop() -> impl Future<Output = ()> {
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
            tracing::error!("signals cannot be heard: stop this process by force");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::warn!("stopping at once");
            std::process::exit(1);
        });
    }
}
