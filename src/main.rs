//! The `fauxmetal` command.

/// The static binary's own allocator (musl's) has one lock for all threads, and is several times slower. It does not
/// ask the kernel for huge pages (the feature `no_thp`): with them, a million nodes took 44 MiB more and each page of a list touched
/// fresh ones, and a request needed the same CPU time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    fauxmetal::cli::main().into()
}
