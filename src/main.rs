//! The `fauxmetal` command.

fn main() -> std::process::ExitCode {
    fauxmetal::cli::main().into()
}
