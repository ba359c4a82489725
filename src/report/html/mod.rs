//! `report.html`: one file that loads nothing, with all charts as SVG. It is at most 2 MB long, whatever the number of items.
//!
//! Charts and tables are legible without the style sheet, because servers of CI often forbid it (`default-src 'none'`).

mod bins;
mod charts;
mod gather;
mod style;
mod svg;
mod tables;
#[cfg(test)]
mod tests;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::folder::{Error, Folder};
use super::summary::{Outcome, Summary};
use gather::Charts;

/// The page of a run, computed from its files. Items and samples are read one at a time.
///
/// # Errors
/// If a file cannot be read, or a line is wrong.
pub fn page(folder: &Folder) -> Result<String, Error> {
    let summary = folder.figures()?;
    let mut charts = Charts::new();
    if folder.has_items() {
        for item in folder.items()? {
            charts.item(&item?);
        }
    }
    for sample in folder.samples()? {
        charts.sample(&sample?);
    }
    Ok(render(&summary, &charts).into_string())
}

fn render(summary: &Summary, charts: &Charts) -> Markup {
    let facts = &summary.facts;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // Without a style sheet, too, the browser chooses dark or light as the reader wants it.
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "Run " (facts.id) }
                style { (PreEscaped(style::SHEET)) }
            }
            body {
                h1 { "Run " (facts.id) " " (outcome(summary.outcome)) }
                (tables::head(summary))
                (tables::warnings(summary))
                (tables::assertions(summary))
                (tables::operations(summary))
                (tables::failures(summary))
                (charts::progress(summary, charts))
                (charts::states(summary, charts))
                (charts::rates(summary, charts))
                (charts::items(summary, charts))
                (charts::distributions(summary))
                (charts::conductors(summary, charts))
                (tables::idle(summary))
                (charts::lateness(summary, charts))
                (charts::requests(summary, charts))
                (charts::processes(summary, charts))
                (tables::runs(summary))
                footer { p { "Written by fauxmetal " (super::Facts::VERSION) ". All times are seconds of real time since the start, unless they have a date." } }
            }
        }
    }
}

fn outcome(outcome: Outcome) -> Markup {
    let class = match outcome {
        Outcome::Held => "good",
        Outcome::NotHeld | Outcome::CouldNotRun => "bad",
        Outcome::Aborted | Outcome::Running => "warn",
    };
    html! { span class=(class) { (outcome.text()) } }
}

/// A part of the page with a heading and a sentence about it.
fn section(title: &str, about: &str, content: &Markup) -> Markup {
    html! {
        section {
            h2 { (title) }
            @if !about.is_empty() { p class="about" { (about) } }
            (content)
        }
    }
}
