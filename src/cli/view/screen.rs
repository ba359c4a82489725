//! `--watch`: the same view again and again.

use std::io::{self, StdoutLock, Write};
use std::time::Duration;

use super::hue::Hue;
use super::paper::Paper;
use crate::cli::client::{ClientError, until_interrupted};
use crate::cli::exit_code::ExitCode;
use crate::cli::out;
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
    /// The last view on a terminal.
    last: Vec<u8>,
    /// Whether the daemon is away.
    lost: bool,
}

/// Where views are printed to.
type Out = io::BufWriter<StdoutLock<'static>>;

/// Shows a view again and again until the user presses Ctrl-C. `show` prints it once. A daemon that goes away later is waited for.
///
/// # Errors
/// If the first view fails, or the daemon refuses a later one.
pub(in crate::cli) async fn watch(
    interval: Duration,
    mut show: impl AsyncFnMut(&mut Screen, &mut Out) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let (mut screen, mut out) = (Screen::new(), out::stdout());
    until_interrupted(async {
        loop {
            match show(&mut screen, &mut out).await {
                Ok(()) => screen.found(),
                Err(error) => match error.downcast_ref().filter(|why: &&ClientError| why.may_pass()) {
                    Some(why) if screen.drawn => {
                        screen.rows();
                        screen.lose(&mut out, &why.brief())?;
                    }
                    _ => return Err(error),
                },
            }
            tokio::time::sleep(interval).await;
        }
    })
    .await
}

impl Screen {
    fn new() -> Self {
        Self { rows: None, drawn: false, last: Vec::new(), lost: false }
    }

    /// The rows of the terminal at present; `None` if standard output is no terminal, which has room for all.
    pub(in crate::cli) fn rows(&mut self) -> Option<u16> {
        let size = terminal_size::terminal_size_of(io::stdout());
        self.rows = size.map(|(_, terminal_size::Height(rows))| if rows == 0 { ROWS } else { rows });
        self.rows
    }

    /// Prints a view: over the last one on a terminal, and otherwise behind it, after an empty line.
    pub(in crate::cli) fn draw(&mut self, out: &mut impl Write, view: &[u8]) -> io::Result<()> {
        self.last = if self.rows.is_some() { view.to_vec() } else { Vec::new() };
        self.paint(out, view)
    }

    /// The daemon has answered.
    fn found(&mut self) {
        if std::mem::take(&mut self.lost) && self.rows.is_none() {
            out::message("the daemon answers again");
        }
    }

    /// Says that the daemon is away, above the last view.
    fn lose(&mut self, out: &mut impl Write, why: &str) -> io::Result<()> {
        let first = !std::mem::replace(&mut self.lost, true);
        let tries = format!("{why}; trying again");
        if self.rows.is_none() {
            if first {
                out.flush()?;
                out::message(&tries);
            }
            return Ok(());
        }
        let mut view = Paper::new().entry("", &[(&format!("{tries}. Below is the last view."), Hue::Bad)]);
        view.push(String::new());
        let view = [(view.join("\n") + "\n").as_bytes(), &self.last].concat();
        self.paint(out, &view)
    }

    fn paint(&mut self, out: &mut impl Write, view: &[u8]) -> io::Result<()> {
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
            let mut screen = Screen { rows, ..Screen::new() };
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
    fn a_terminal_shows_the_last_view_while_the_daemon_is_away() {
        let mut screen = Screen { rows: Some(5), ..Screen::new() };
        let mut out = Vec::new();
        screen.draw(&mut out, b"a\n").unwrap();
        out.clear();
        for _ in 0..2 {
            screen.lose(&mut out, "no daemon answers").unwrap();
        }
        let away =
            "\x1b[Hno daemon answers; trying again. Below is the last view.\x1b[K\n\x1b[K\na\x1b[K\n\x1b[J";
        assert_eq!(String::from_utf8(out).unwrap(), [away, away].concat());
    }

    #[test]
    fn an_interval_is_one_duration_of_at_least_100_ms() {
        assert_eq!(interval("1m30s"), Ok(Duration::from_secs(90)));
        for wrong in ["1s..2s", "50ms", "soon"] {
            assert!(interval(wrong).is_err_and(|said| said.contains(wrong)), "{wrong}");
        }
    }
}
