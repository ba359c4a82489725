//! Output to the terminal, to another program, or to a pipe that may be closed early.

use std::io::{self, BufWriter, StdoutLock, Write};

use clap::ValueEnum;
use serde::Serialize;

/// The format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people; can change with each version
    Text,
    /// For programs; keys are added, never renamed or removed
    Json,
}

/// Standard output, locked and buffered. Flush it at the end, so that no error is lost.
pub(super) fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// Prints a message on standard error, so that standard output has results only.
pub(super) fn message(text: &str) {
    // If standard error is closed, only the exit code is left.
    let _ = writeln!(io::stderr(), "fauxmetal: {text}");
}

/// Prints an indented JSON document and a line break.
pub(super) fn json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// Prints rows with aligned columns, two spaces apart.
pub(super) fn table<const N: usize>(
    out: &mut impl Write,
    indent: &str,
    rows: &[[String; N]],
) -> io::Result<()> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..N).map(width).collect();
    for row in rows {
        write!(out, "{indent}")?;
        for (column, cell) in row.iter().enumerate() {
            match column + 1 == N {
                true => writeln!(out, "{cell}")?,
                false => write!(out, "{cell:<width$}  ", width = widths[column])?,
            }
        }
    }
    Ok(())
}
