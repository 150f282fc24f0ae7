//! Runs a command with a PostgreSQL of its own beside it: `reflector-test-postgres COMMAND [ARGUMENT…]`.

use std::process::{Command, ExitCode};

use reflector_test_postgres::{Cluster, Durability, RUNNING};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("usage: reflector-test-postgres COMMAND [ARGUMENT…]");
        return ExitCode::FAILURE;
    };
    let cluster = Cluster::start(Durability::None);
    let mut command = Command::new(&program);
    // What cargo said of this program is not said of the one that it starts.
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            command.env_remove(name);
        }
    }
    match command.args(words).env(RUNNING, cluster.url()).status() {
        Ok(status) => {
            status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            eprintln!("{} cannot be started: {error}", program.display());
            ExitCode::FAILURE
        }
    }
}
