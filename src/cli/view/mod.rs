//! How the subcommands for a running daemon print: formats, tables, colours, progress, screens.

mod document;
mod progress;
mod screen;
mod table;

use std::io::{self, IsTerminal as _};

use indicatif::HumanCount;

use crate::note::Note;

pub(super) use document::{Documents, Format, ListFormat};
pub(super) use progress::Progress;
pub(super) use screen::{Screen, Watch, duration};
pub(super) use table::{Cell, Column, Hue, Table};

/// Whether standard output has colours: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
fn has_colours() -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdout().is_terminal() && !no_color && !dumb
}

/// The width of the terminal, columns; `None` if standard output is no terminal.
fn width() -> Option<u16> {
    let (terminal_size::Width(width), _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(width)
}

/// A text of the daemon for a terminal: what would control the terminal is escaped.
pub(super) fn shown(text: String) -> String {
    if text.chars().any(char::is_control) { Note::from(text).to_string() } else { text }
}

/// A number of nodes in words: `1 node`, `12,000 nodes`.
pub(super) fn nodes(count: u64) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} node{s}", HumanCount(count))
}
