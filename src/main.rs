//! The `fauxmetal` command.

/// The static binary's own allocator (musl's) has one lock for all threads, and is several times slower.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    fauxmetal::cli::main().into()
}
