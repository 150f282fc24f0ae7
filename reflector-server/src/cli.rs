//! The command line.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use reflector_core::TranscriptId;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::{ServeError, Server};
use crate::clock;
use crate::commands::hold::Hold;
use crate::commands::keys::Keys;
use crate::commands::meetings::Meetings;
use crate::commands::pipeline::Pipeline;
use crate::commands::recordings::Recordings;
use crate::commands::rooms::Rooms;
use crate::commands::{self, CommandError, Office};
use crate::config::{Auth, Config, Database, Sources};
use crate::database::Migrate;
use crate::workers::Chain;
use crate::{contract, log, replay, simulate};

/// Runs the life of video meetings, and brings their recordings to a transcript.
#[derive(Debug, Parser)]
#[command(name = "reflector", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Clone, Debug, Args)]
struct Serve {
    #[command(flatten)]
    settings: Settings,
    /// What this process does: some of api, lifecycle, recordings and pipeline, with commas between them.
    #[arg(long, value_name = "ROLES")]
    roles: Option<String>,
    /// Takes in at once what was missed: compares what is at the recordings' sources with what is known.
    #[arg(long)]
    reconcile: bool,
    /// Refuses a database whose schema is older than this program, instead of bringing it up to date.
    #[arg(long)]
    no_migrate: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server (also what no command does).
    Serve(Serve),
    /// Brings the database's schema up to date.
    Migrate(Settings),
    /// Looks whether everything is reachable and allowed: the store, the provider and what is heard of it, recordings,
    /// endpoints, the working folder.
    Doctor {
        #[command(flatten)]
        settings: Settings,
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Shows the settings in force and where each value came from, secrets masked.
    Config(Settings),
    /// Rooms, from a shell.
    Rooms {
        #[command(flatten)]
        settings: Settings,
        #[command(subcommand)]
        command: Rooms,
    },
    /// Meetings, from a shell.
    Meetings {
        #[command(flatten)]
        settings: Settings,
        #[command(subcommand)]
        command: Meetings,
    },
    /// Freezes every close of an empty meeting, or lets them go on: for all servers of the database.
    Hold {
        #[command(flatten)]
        settings: Settings,
        /// Whether they are frozen.
        state: Hold,
    },
    /// Recordings, from a shell.
    Recordings {
        #[command(flatten)]
        settings: Settings,
        #[command(subcommand)]
        command: Recordings,
    },
    /// Processes the uploaded file of a transcript again, from the start; a running server carries it out.
    Requeue {
        #[command(flatten)]
        settings: Settings,
        /// The transcript's id.
        id: TranscriptId,
    },
    /// Keys with which programs call, from a shell.
    Keys {
        #[command(flatten)]
        settings: Settings,
        #[command(subcommand)]
        command: Keys,
    },
    /// What makes transcripts of recordings, from a shell.
    Pipeline {
        #[command(flatten)]
        settings: Settings,
        #[command(subcommand)]
        command: Pipeline,
    },
    /// Shows the contract of the API, as an OpenAPI document.
    Openapi,
    /// Tries a policy on a virtual office: meetings, people who came back just too late, empty minutes, provider calls.
    Simulate(Box<simulate::Flags>),
    /// Tries a policy on a recorded history, and says what would have happened beside what did.
    Replay(replay::Flags),
}

#[derive(Clone, Debug, Default, Args)]
struct Settings {
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

impl Settings {
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
            reconcile: false,
        }
    }
}

impl Serve {
    fn sources(self) -> (Sources, Migrate) {
        let mut sources = self.settings.sources();
        sources.flags.extend(self.roles.map(|roles| ("REFLECTOR_ROLES", roles)));
        sources.reconcile = self.reconcile;
        (sources, if self.no_migrate { Migrate::No } else { Migrate::Yes })
    }
}

/// Runs the command line: 0 done, 1 failed, 2 wrong usage.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(flags) => {
            let (sources, migrate) = flags.sources();
            with(&sources, |config| serve(config, migrate))
        }
        Command::Config(settings) => {
            let sources = settings.sources();
            let described = Config::read(&sources).and_then(|_| Config::describe(&sources));
            ended(described.map(|described| print!("{described}")).map_err(Failed::usage))
        }
        Command::Migrate(settings) => {
            let work =
                |config: &Config| in_a_runtime(async { commands::migrate(config).await.map_err(failed) });
            with(&settings.sources(), work)
        }
        Command::Doctor { settings, json } => {
            let work = |config: &Config| {
                in_a_runtime(async { commands::doctor::run(config, json).await.map_err(failed) })
            };
            with(&settings.sources(), work)
        }
        Command::Rooms { settings, command } => {
            in_office(settings, async |office| commands::rooms::run(office, command).await)
        }
        Command::Meetings { settings, command } => {
            in_office(settings, async |office| commands::meetings::run(office, command).await)
        }
        Command::Recordings { settings, command } => {
            in_office(settings, async |office| commands::recordings::run(office, command).await)
        }
        Command::Requeue { settings, id } => {
            in_office(settings, async |office| commands::pipeline::requeue(office, id).await)
        }
        Command::Hold { settings, state } => {
            in_office(settings, async |office| commands::hold::run(office, state).await)
        }
        Command::Keys { settings, command } => {
            in_office(settings, async |office| commands::keys::run(office, command).await)
        }
        Command::Pipeline { settings, command } => {
            in_office(settings, async |office| commands::pipeline::run(office, command).await)
        }
        Command::Openapi => {
            print!("{}", contract::text());
            ExitCode::SUCCESS
        }
        Command::Simulate(flags) => match simulate::run(&flags) {
            // What was violated is printed.
            Ok(false) => ExitCode::FAILURE,
            told => ended(told.map(|_| ()).map_err(Failed::done)),
        },
        Command::Replay(flags) => ended(replay::run(&flags).map_err(Failed::done)),
    }
}

/// Why a command did not do what it was to do, and how that is told to the shell.
struct Failed {
    line: String,
    code: u8,
}

impl Failed {
    /// It was asked for rightly, and cannot be done.
    fn done(line: String) -> Self {
        Self { line, code: 1 }
    }

    fn usage(why: impl std::fmt::Display) -> Self {
        Self { line: why.to_string(), code: 2 }
    }
}

fn failed(error: impl std::error::Error) -> Failed {
    Failed { line: Chain(&error).to_string(), code: 1 }
}

/// Reads the settings, and does something with them.
fn with(sources: &Sources, work: impl FnOnce(&Config) -> Result<(), Failed>) -> ExitCode {
    ended(Config::read(sources).map_err(Failed::usage).and_then(|config| work(&config)))
}

/// Opens the database with the settings, and does something with it.
fn in_office(settings: Settings, work: impl AsyncFnOnce(&Office) -> Result<(), CommandError>) -> ExitCode {
    with(&settings.sources(), |config| {
        in_a_runtime(async {
            let office = Office::open(config).await.map_err(failed)?;
            work(&office).await.map_err(failed)
        })
    })
}

fn ended(outcome: Result<(), Failed>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed { line, code }) => {
            eprintln!("reflector: {line}");
            ExitCode::from(code)
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn in_a_runtime(work: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    work.await
}

#[tokio::main]
async fn serve(config: &Config, migrate: Migrate) -> Result<(), Failed> {
    let traces = log::start(config).map_err(Failed::usage)?;
    let served = run(config, migrate).await.map_err(failed);
    if let Some(traces) = traces {
        traces.stop().await;
    }
    served
}

async fn run(config: &Config, migrate: Migrate) -> Result<(), ServeError> {
    let (listener, address) = listen(config.listen).await?;
    let mut config = config.clone().listening_on(address);
    let mut metrics = None;
    if let Some(address) = config.metrics_listen {
        let (listener, address) = listen(address).await?;
        config.metrics_listen = Some(address);
        metrics = Some(listener);
    }
    let server = Server::new(&config, migrate, clock::system()).await?;
    greet(&config);
    if let Some(listener) = metrics {
        server.serve_metrics(listener);
    }
    server.run(listener, asked_to_stop()).await;
    Ok(())
}

/// Listens on an address, and says on which: the port 0 asks the system for a free one.
async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let cannot_listen = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    Ok((listener, address))
}

/// The first lines: where to point a browser, what is embedded, and how to replace each part.
fn greet(config: &Config) {
    let roles = config.roles;
    if roles.api {
        println!("Reflector listens on {}: point a browser at {}", config.listen, config.public_url);
    } else {
        println!("Reflector listens on {}: for health and metrics only (REFLECTOR_ROLES)", config.listen);
    }
    let kept = match &config.database {
        Database::Memory => "in memory, and gone when it stops".to_owned(),
        Database::Sqlite(url) => format!("in {url}"),
        Database::Postgres(_) => "in PostgreSQL".to_owned(),
    };
    println!("  meetings   kept {kept} (DATABASE_URL)");
    let provider = config.provider.as_str();
    let how =
        if provider == "builtin" { " (WHEREBY_API_KEY and WHEREBY_WEBHOOK_SECRET for Whereby)" } else { "" };
    println!("  video      {provider}{how}");
    println!("  recordings {}", recordings(config));
    println!("  pipeline   {}", pipeline(config));
    if let Some(address) = config.metrics_listen {
        println!("  metrics    at http://{address}/metrics");
    }
    println!("  callers    {}", callers(config));
    println!("Stop it with Ctrl-C; `reflector config` shows every setting.");
}

fn recordings(config: &Config) -> String {
    let folder = config.recordings.folder.iter().map(|folder| folder.display().to_string());
    let queue = config.recordings.queue_url.iter().cloned();
    let sources: Vec<_> = folder.chain(queue).collect();
    match sources.as_slice() {
        _ if !config.roles.recordings => "taken in by another process (REFLECTOR_ROLES)".to_owned(),
        [] => "not taken in (REFLECTOR_RECORDINGS_DIR, or AWS_PROCESS_RECORDING_QUEUE_URL)".to_owned(),
        sources => format!("from {}", sources.join(" and ")),
    }
}

fn callers(config: &Config) -> &'static str {
    match (&config.auth, config.insecure) {
        (Auth::Jwt(_), _) => "say who they are by a token or an API key (REFLECTOR_AUTH)",
        (Auth::Nobody, false) => {
            "are all let in as the operator `local`, from this machine only (REFLECTOR_AUTH)"
        }
        (Auth::Nobody, true) => {
            "are all let in as the operator `local`, from ANYWHERE (REFLECTOR_AUTH, --insecure)"
        }
    }
}

fn pipeline(config: &Config) -> String {
    if !config.roles.pipeline {
        return "run by another process (REFLECTOR_ROLES)".to_owned();
    }
    let how = |named: bool, setting: &str| if named { String::new() } else { format!(" ({setting})") };
    let (stt, llm) = (config.pipeline.stt.is_some(), config.pipeline.llm.is_some());
    let text = if stt { "transcribed" } else { "not transcribed" };
    let summaries = if llm { "summed up" } else { "not summed up" };
    format!("{text}{}, {summaries}{}", how(stt, "REFLECTOR_STT_URL"), how(llm, "REFLECTOR_LLM_URL"))
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
