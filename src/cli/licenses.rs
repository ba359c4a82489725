//! `fauxmetal licenses`: the licences of fauxmetal and of everything that is built into it.

use std::io::Write as _;

use clap::Parser;

use super::exit_code::ExitCode;
use super::out;

/// Print the licences of fauxmetal and of all parts that are built into it
#[derive(Parser)]
pub(super) struct Args {}

/// The licences of the crates and of DMTF's schemas. `tests/it/licenses.rs` writes the file, and compares it with Cargo.lock.
const THIRD_PARTIES: &str = include_str!("licenses.txt");

pub(super) fn command(Args {}: &Args) -> anyhow::Result<ExitCode> {
    let mut out = out::stdout();
    writeln!(out, "fauxmetal {}: Apache-2.0\n", env!("CARGO_PKG_VERSION"))?;
    out.write_all(THIRD_PARTIES.as_bytes())?;
    out.flush()?;
    Ok(ExitCode::Ok)
}
