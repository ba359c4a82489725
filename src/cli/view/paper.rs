//! Lines of text that fit the terminal, with colours.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use textwrap::Options;
use textwrap::core::display_width;

use super::hue::Hue;
use super::terminal::{self, shown};

/// Terminals that are narrower get lines that are cut by the terminal.
const NARROWEST: usize = 40;

/// Standard output as lines are printed to it.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Paper {
    /// The width of the terminal; `None` without one, where no line is broken.
    width: Option<usize>,
    colours: bool,
}

impl Paper {
    pub(in crate::cli) fn new() -> Self {
        Self { width: terminal::width().map(usize::from), colours: terminal::has_colours() }
    }

    /// Whether standard output is a terminal.
    pub(in crate::cli) fn is_terminal(self) -> bool {
        self.width.is_some()
    }

    /// A text of the daemon in lines that fit. `head` stands before it, and lines after the first are indented by its width.
    /// A text without colours is the same without a terminal.
    pub(in crate::cli) fn entry(self, head: &str, text: &str, hue: Hue) -> Vec<String> {
        let text = shown(text.to_owned());
        let indent = display_width(head);
        let lines = match self.width {
            Some(width) if width >= NARROWEST.max(indent + NARROWEST / 2) => {
                textwrap::wrap(&text, Options::new(width - indent))
            }
            _ => vec![text.as_str().into()],
        };
        let head = self.painted(head, Hue::Dim);
        let line = |(number, line): (usize, &std::borrow::Cow<'_, str>)| {
            let line = self.painted(line, hue);
            if number == 0 { format!("{head}{line}") } else { format!("{:indent$}{line}", "") }
        };
        lines.iter().enumerate().map(line).collect()
    }

    /// Prints the sentence about a node: its name, and what it waits for.
    pub(in crate::cli) fn sentence(
        self,
        out: &mut (impl Write + ?Sized),
        node: &str,
        text: &str,
    ) -> io::Result<()> {
        for line in self.entry("", &format!("{node} {text}."), Hue::Strong) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }

    /// A text with the colour of its meaning.
    pub(in crate::cli) fn painted(self, text: &str, hue: Hue) -> String {
        let style = match hue {
            Hue::Plain => return text.to_owned(),
            Hue::Good => AnsiColor::Green.on_default(),
            Hue::Busy => AnsiColor::Yellow.on_default(),
            Hue::Bad => AnsiColor::Red.on_default(),
            Hue::Dim => Style::new().dimmed(),
            Hue::Strong => Style::new().bold(),
        };
        if self.colours && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_for_a_terminal_only() {
        let text =
            "lookup http://127.0.0.1:9/v1/lookup?addresses=52:54:00:00:00:01 → failed: connection refused";
        let wide = Paper { width: None, colours: false };
        assert_eq!(wide.entry("12:00:00  ", text, Hue::Bad), [format!("12:00:00  {text}")]);
        let narrow = Paper { width: Some(50), ..wide };
        assert_eq!(
            narrow.entry("12:00:00  ", text, Hue::Bad),
            [
                "12:00:00  lookup",
                "          http://127.0.0.1:9/v1/lookup?addresses=5",
                "          2:54:00:00:00:01 → failed: connection",
                "          refused",
            ]
        );
        let tiny = Paper { width: Some(20), ..wide };
        assert_eq!(tiny.entry("12:00:00  ", text, Hue::Bad).len(), 1);
    }

    #[test]
    fn colours_surround_the_text_and_control_characters_are_escaped() {
        let paper = Paper { width: Some(80), colours: true };
        assert_eq!(
            paper.entry("12:00:00  ", "power\u{1b}[2J on", Hue::Strong),
            ["\u{1b}[2m12:00:00  \u{1b}[0m\u{1b}[1mpower\\u{1b}[2J on\u{1b}[0m"]
        );
        assert_eq!(paper.entry("", "power on", Hue::Plain), ["power on"]);
    }
}
