//! `--watch`: the same view again and again.

use std::io::{self, Write};
use std::time::Duration;

use crate::time::{Span, SpanError};

/// Rows of a screen whose size is unknown.
const ROWS: u16 = 24;
const CLEAR: &[u8] = b"\x1b[H\x1b[2J";
const HOME: &[u8] = b"\x1b[H";
const CLEAR_LINE: &[u8] = b"\x1b[K\n";
const CLEAR_REST: &[u8] = b"\x1b[J";

#[derive(Clone, Copy, Debug, clap::Args)]
pub(in crate::cli) struct Watch {
    /// Print again and again, every 2 s or as given; a terminal shows one screen
    #[arg(
        short, long, value_name = "INTERVAL", num_args = 0..=1, require_equals = true, default_missing_value = "2s",
        value_parser = interval
    )]
    watch: Option<Duration>,
}

impl Watch {
    pub(in crate::cli) fn interval(self) -> Option<Duration> {
        self.watch
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let shortest = Duration::from_millis(100);
    let interval = duration(text)?;
    if interval < shortest {
        return Err(format!("'{text}' is too short; the shortest interval is 100ms"));
    }
    Ok(interval)
}

/// Reads a duration such as `1m30s`, at most 24 h.
pub(in crate::cli) fn duration(text: &str) -> Result<Duration, String> {
    let Span { min_ms, max_ms } = text.parse().map_err(|error: SpanError| error.to_string())?;
    if min_ms != max_ms {
        return Err(format!("'{text}' is a range; write one duration, such as 10s"));
    }
    Ok(Duration::from_millis(u64::from(min_ms)))
}

/// Where a view is printed again and again.
pub(in crate::cli) struct Screen {
    /// Rows of the terminal; `None` without one.
    rows: Option<u16>,
    drawn: bool,
}

impl Screen {
    pub(in crate::cli) fn new() -> Self {
        Self { rows: None, drawn: false }
    }

    /// The rows of the terminal at present; `None` if standard output is no terminal, which has room for all.
    pub(in crate::cli) fn rows(&mut self) -> Option<u16> {
        let size = terminal_size::terminal_size_of(io::stdout());
        self.rows = size.map(|(_, terminal_size::Height(rows))| if rows == 0 { ROWS } else { rows });
        self.rows
    }

    /// Prints a view: over the last one on a terminal, and otherwise behind it, after an empty line.
    pub(in crate::cli) fn draw(&mut self, out: &mut impl Write, view: &[u8]) -> io::Result<()> {
        let again = std::mem::replace(&mut self.drawn, true);
        let Some(rows) = self.rows else {
            if again {
                out.write_all(b"\n")?;
            }
            out.write_all(view)?;
            return out.flush();
        };
        out.write_all(if again { HOME } else { CLEAR })?;
        // The last row stays empty: a line break there would move the screen.
        for line in view.split_inclusive(|byte| *byte == b'\n').take(usize::from(rows) - 1) {
            out.write_all(line.strip_suffix(b"\n").unwrap_or(line))?;
            out.write_all(CLEAR_LINE)?;
        }
        out.write_all(CLEAR_REST)?;
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_shows_one_screen_and_a_file_gets_all() {
        let drawn = |rows| {
            let mut screen = Screen { rows, drawn: false };
            let mut out = Vec::new();
            for view in ["a\nb\nc\n", "d\n"] {
                screen.draw(&mut out, view.as_bytes()).unwrap();
            }
            String::from_utf8(out).unwrap()
        };
        assert_eq!(drawn(Some(3)), "\x1b[H\x1b[2Ja\x1b[K\nb\x1b[K\n\x1b[J\x1b[Hd\x1b[K\n\x1b[J");
        assert_eq!(drawn(None), "a\nb\nc\n\nd\n");
    }

    #[test]
    fn an_interval_is_one_duration_of_at_least_100_ms() {
        assert_eq!(interval("1m30s"), Ok(Duration::from_secs(90)));
        for wrong in ["1s..2s", "50ms", "soon"] {
            assert!(interval(wrong).is_err_and(|said| said.contains(wrong)), "{wrong}");
        }
    }
}
