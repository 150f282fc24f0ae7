//! The program `reflector`.

fn main() -> std::process::ExitCode {
    reflector_server::cli::main()
}
