//! A table of any length in constant memory: the first rows determine the widths of the columns.

use std::io::{self, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Color, ColumnConstraint, ContentArrangement, Row, Width};
use unicode_width::UnicodeWidthStr as _;

use super::hue::Hue;
use super::terminal;

/// Rows that determine the widths, and rows that are laid out at the same time.
const ROWS: usize = 1000;
/// Spaces between two columns.
const GAP: u16 = 2;
/// Columns are not made narrower than this to fit the terminal.
const NARROWEST: u16 = 6;

/// A value of a table.
pub(in crate::cli) struct Cell {
    pub(in crate::cli) text: String,
    pub(in crate::cli) hue: Hue,
}

impl Cell {
    pub(in crate::cli) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), hue: Hue::Plain }
    }

    fn styled(self) -> comfy_table::Cell {
        let cell = comfy_table::Cell::new_owned(terminal::shown(self.text));
        match self.hue {
            Hue::Plain => cell,
            Hue::Good => cell.fg(Color::DarkGreen),
            Hue::Busy => cell.fg(Color::DarkYellow),
            Hue::Bad => cell.fg(Color::DarkRed),
            Hue::Dim => cell.add_attribute(Attribute::Dim),
            Hue::Strong => cell.add_attribute(Attribute::Bold),
        }
    }
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Column {
    pub(in crate::cli) title: &'static str,
}

/// Prints rows as they come, in pieces of [`ROWS`].
pub(in crate::cli) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    /// The widths of the columns without gaps, once they are known.
    widths: Option<Vec<u16>>,
    /// The width of the terminal. Longer values are cut, and without a terminal they are not.
    fit: Option<u16>,
    colours: bool,
}

impl Table {
    /// A table for standard output.
    pub(in crate::cli) fn new(columns: Vec<Column>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
            widths: None,
            fit: terminal::width(),
            colours: terminal::has_colours(),
        }
    }

    /// The same table, whose values are not cut to fit the terminal.
    pub(in crate::cli) fn uncut(self) -> Self {
        Self { fit: None, ..self }
    }

    /// Adds a row with a value for each column.
    pub(in crate::cli) fn push(&mut self, out: &mut impl Write, row: Vec<Cell>) -> io::Result<()> {
        self.rows.push(row);
        if self.rows.len() < ROWS { Ok(()) } else { self.print(out) }
    }

    /// Prints the rows that are left. A table without rows has its titles.
    pub(in crate::cli) fn end(mut self, out: &mut impl Write) -> io::Result<()> {
        if !self.rows.is_empty() || self.widths.is_none() {
            self.print(out)?;
        }
        out.flush()
    }

    fn print(&mut self, out: &mut impl Write) -> io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let mut table = comfy_table::Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        match self.colours {
            true => {
                table.enforce_styling().style_text_only();
            }
            false => {
                table.force_no_tty();
            }
        }
        let widths = match &self.widths {
            Some(widths) => widths.clone(),
            None => {
                let widths = self.widths(&rows);
                self.widths = Some(widths.clone());
                let title =
                    |column: &Column| comfy_table::Cell::new(column.title).add_attribute(Attribute::Bold);
                table.set_header(one_line(Row::from(self.columns.iter().map(title).collect::<Vec<_>>())));
                widths
            }
        };
        for row in rows {
            table.add_row(one_line(Row::from(row.into_iter().map(Cell::styled).collect::<Vec<_>>())));
        }
        let last = self.columns.len() - 1;
        for (at, column) in table.column_iter_mut().enumerate() {
            let gap = if at == last { 0 } else { GAP };
            let width = Width::Fixed(widths[at] + gap);
            column.set_padding((0, gap));
            column.set_constraint(match self.fit {
                Some(_) => ColumnConstraint::Absolute(width),
                None => ColumnConstraint::LowerBoundary(width),
            });
        }
        for line in table.lines() {
            out.write_all(line.trim_end().as_bytes())?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    /// The widths that show the titles and these rows. If the terminal is too narrow, the widest columns are cut.
    fn widths(&self, rows: &[Vec<Cell>]) -> Vec<u16> {
        let width = |text: &str| u16::try_from(text.width()).unwrap_or(u16::MAX / 2);
        let mut widths: Vec<u16> = self.columns.iter().map(|column| width(column.title)).collect();
        for row in rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(width(&cell.text));
            }
        }
        let Some(fit) = self.fit else { return widths };
        let gaps = u32::from(GAP) * (widths.len() as u32 - 1);
        let mut over =
            (widths.iter().copied().map(u32::from).sum::<u32>() + gaps).saturating_sub(u32::from(fit));
        // The first column names the row, so it is cut last.
        for start in [1, 0] {
            while over > 0 {
                let widest = widths.iter_mut().skip(start).max().filter(|widest| **widest > NARROWEST);
                let Some(widest) = widest else { break };
                *widest -= 1;
                over -= 1;
            }
        }
        widths
    }
}

fn one_line(mut row: Row) -> Row {
    row.max_height(1);
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(fit: Option<u16>, rows: impl IntoIterator<Item = [&'static str; 2]>) -> String {
        let columns = vec![Column { title: "NAME" }, Column { title: "LABELS" }];
        let mut table = Table { columns, rows: Vec::new(), widths: None, fit, colours: false };
        let mut out = Vec::new();
        for row in rows {
            table.push(&mut out, row.map(Cell::plain).into()).unwrap();
        }
        table.end(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_their_values() {
        assert_eq!(printed(None, []), "NAME  LABELS\n");
        assert_eq!(
            printed(None, [["generic-3", "rack=r7"], ["x", ""]]),
            "NAME       LABELS\ngeneric-3  rack=r7\nx\n"
        );
    }

    #[test]
    fn a_table_fits_the_terminal() {
        let said = printed(Some(24), [["generic-3", "rack=r7,row=12,owner=x"]]);
        assert_eq!(said, "NAME       LABELS\ngeneric-3  rack=r7,row=…\n");
        assert_eq!(printed(Some(12), [["generic-3", "rack=r7"]]), "NAME    LABELS\ngener…  rack=…\n");
    }

    #[test]
    fn rows_after_the_first_thousand_keep_their_columns() {
        let rows = (0..2500).map(|n| if n == 2000 { ["a-long-name", "b"] } else { ["x", "b"] });
        let text = printed(Some(40), rows.clone());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            (lines.len(), lines[1], lines[1500], lines[2001]),
            (2501, "x     b", "x     b", "a-l…  b")
        );
        let text = printed(None, rows);
        assert_eq!(
            text.lines().filter(|line| *line == "a-long-name  b").count(),
            1,
            "no value is cut in a file"
        );
    }
}
