//! Lines of text that fit the terminal, with colours.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use textwrap::core::display_width;
use textwrap::{Options, WordSplitter};

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

    /// A text of the daemon in lines that fit, from parts with a colour each. `head` stands before it, and lines after the first are
    /// indented by its width.
    pub(in crate::cli) fn entry(self, head: &str, parts: &[(&str, Hue)]) -> Vec<String> {
        let parts: Vec<_> = parts.iter().map(|(text, hue)| (shown((*text).to_owned()), *hue)).collect();
        let all: String = parts.iter().map(|(text, _)| text.as_str()).collect();
        let indent = display_width(head);
        let lines = match self.width {
            Some(width) if width >= NARROWEST.max(indent + NARROWEST / 2) => {
                // A UUID is not broken at a dash.
                textwrap::wrap(&all, Options::new(width - indent).word_splitter(WordSplitter::NoHyphenation))
            }
            _ => vec![all.as_str().into()],
        };
        let (mut out, mut at) = (Vec::new(), 0);
        for line in lines {
            // Spaces between two lines are left out.
            at += all[at..].find(&*line).unwrap_or_default();
            let end = at + line.len();
            let mut text = if out.is_empty() { self.painted(head, Hue::Dim) } else { " ".repeat(indent) };
            let mut begin = 0;
            for (part, hue) in &parts {
                let (from, to) = (begin.max(at), (begin + part.len()).min(end));
                if from < to {
                    text += &self.painted(&all[from..to], *hue);
                }
                begin += part.len();
            }
            out.push(text);
            at = end;
        }
        out
    }

    /// Prints the sentence about a node: its name, and what it waits for.
    pub(in crate::cli) fn sentence(
        self,
        out: &mut (impl Write + ?Sized),
        node: &str,
        text: &str,
    ) -> io::Result<()> {
        for line in self.entry("", &[(&format!("{node} {text}."), Hue::Strong)]) {
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
        let text = "lookup http://127.0.0.1:9/v1/lookup?addresses=52:54:00:00:00:01 → failed: connection";
        let wide = Paper { width: None, colours: false };
        let lines = |paper: Paper| paper.entry("12:00:00  ", &[(text, Hue::Bad), (" refused", Hue::Plain)]);
        assert_eq!(lines(wide), [format!("12:00:00  {text} refused")]);
        assert_eq!(
            lines(Paper { width: Some(50), ..wide }),
            [
                "12:00:00  lookup",
                "          http://127.0.0.1:9/v1/lookup?addresses=5",
                "          2:54:00:00:00:01 → failed: connection",
                "          refused",
            ]
        );
        assert_eq!(lines(Paper { width: Some(20), ..wide }).len(), 1);
    }

    #[test]
    fn colours_surround_the_text_and_control_characters_are_escaped() {
        let paper = Paper { width: Some(45), colours: true };
        assert_eq!(
            paper.entry("12:00:00  ", &[("power\u{1b}[2J", Hue::Strong), (" on", Hue::Plain)]),
            ["\u{1b}[2m12:00:00  \u{1b}[0m\u{1b}[1mpower\\u{1b}[2J\u{1b}[0m on"]
        );
        assert_eq!(
            paper.entry(
                "",
                &[("a line that is longer than forty-five columns", Hue::Bad), (" of a terminal", Hue::Dim)]
            ),
            [
                "\u{1b}[31ma line that is longer than forty-five columns\u{1b}[0m",
                "\u{1b}[2mof a terminal\u{1b}[0m"
            ]
        );
        assert_eq!(paper.entry("", &[("power on", Hue::Plain)]), ["power on"]);
    }
}
