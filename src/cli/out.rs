//! Writing to standard output, for whoever reads it: a person, a program, or a pipe that is closed early.

use std::io::{self, BufWriter, StdoutLock, Write};

use clap::ValueEnum;
use serde::Serialize;

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people; may change from version to version
    Text,
    /// For programs; keys are added, never renamed or removed
    Json,
}

/// Standard output, locked and buffered. Flush it at the end, or an error is lost.
pub(super) fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// A word to the person at the keyboard, on standard error; what is printed stays clean.
pub(super) fn note(text: &str) {
    // When nobody listens there, there is nobody to be told.
    let _ = writeln!(io::stderr(), "fauxmetal: {text}");
}

/// One JSON document, indented, with a line break at the end.
pub(super) fn json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// Rows in columns of equal width, two spaces apart, the last one ragged.
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
