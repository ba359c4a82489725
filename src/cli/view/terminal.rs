//! What the terminal can show.

use std::io::{self, IsTerminal as _};

use crate::note::Note;

/// Whether standard output has colours: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
pub(super) fn has_colours() -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdout().is_terminal() && !no_color && !dumb
}

/// The width of the terminal, columns; `None` if standard output is no terminal.
pub(super) fn width() -> Option<u16> {
    let (terminal_size::Width(width), _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(width)
}

/// A text of the daemon for a terminal: what would control the terminal is escaped.
pub(in crate::cli) fn shown(text: String) -> String {
    if text.chars().any(char::is_control) { Note::from(text).to_string() } else { text }
}
