//! How the subcommands for a running daemon print: formats, tables, colours, progress, screens.

mod document;
pub(super) mod hue;
mod moment;
mod paper;
mod progress;
mod screen;
mod table;
mod terminal;

use indicatif::HumanCount;

pub(super) use document::{Documents, Format, ListFormat};
pub(super) use hue::Hue;
pub(super) use moment::{moment, span, time_of_day};
pub(super) use paper::Paper;
pub(super) use progress::Progress;
pub(super) use screen::{Screen, Watch, duration, watch};
pub(super) use table::{Cell, Column, Table};
pub(super) use terminal::shown;

/// A number of nodes in words: `1 node`, `12,000 nodes`.
pub(super) fn nodes(count: u64) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} node{s}", HumanCount(count))
}
