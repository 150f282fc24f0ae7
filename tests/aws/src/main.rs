//! Runs a command with S3 and SQS of its own beside it: `reflector-test-aws COMMAND [ARGUMENT…]`.

use std::process::{Command, ExitCode};

use reflector_test_aws::Moto;

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("usage: reflector-test-aws COMMAND [ARGUMENT…]");
        return ExitCode::FAILURE;
    };
    let moto = Moto::start();
    match Command::new(&program).args(words).envs(moto.environment()).status() {
        Ok(status) => {
            status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => {
            eprintln!("{} cannot be started: {error}", program.display());
            ExitCode::FAILURE
        }
    }
}
