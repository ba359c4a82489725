//! Charts as SVG. Colours and text follow the page: `currentColor` is dark on light and light on dark, without a style sheet.

use maud::{Markup, html};

use crate::report::text::{duration, short};

/// The width of a chart over time, and the space for the labels of its axes, in units of the drawing.
pub(super) const WIDTH: f64 = 900.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;

/// Colours that are legible on white and on black. Meanings have their own.
pub(super) const GOOD: &str = "#2f9e63";
pub(super) const BAD: &str = "#d6485a";
pub(super) const BUSY: &str = "#3f83d9";
pub(super) const WARN: &str = "#c99a1e";
pub(super) const NEUTRAL: &str = "#8b919b";
/// Colours of rows without a meaning.
pub(super) const PALETTE: [&str; 12] = [
    "#3f83d9", "#e08a2c", "#8f6fc4", "#1f9fae", "#c99a1e", "#cf6aa6", "#7ba83c", "#a8714a", "#5b6fb5",
    "#58a79a", "#b5838d", "#9aa03a",
];

/// A number with at most one decimal place, which is less than a pixel.
pub(super) fn n(value: f64) -> String {
    let text = format!("{:.1}", if value.is_finite() { value } else { 0.0 });
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// The unit of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Count,
    Seconds,
    Bytes,
}

impl Unit {
    /// A value as it is written.
    pub(super) fn text(self, value: f64) -> String {
        match self {
            Self::Count if value >= 10_000.0 => format!("{}k", short(value / 1000.0)),
            Self::Count => short(value),
            Self::Seconds => duration(value),
            Self::Bytes => format!("{} MiB", short(value / 1_048_576.0)),
        }
    }

    /// The first step of at least `least` with a round value.
    fn step(self, least: f64) -> f64 {
        let (scale, round): (f64, &[f64]) = match self {
            Self::Seconds if least > 1800.0 => (3600.0, &[1.0, 2.0, 3.0, 6.0, 12.0]),
            Self::Seconds if least > 30.0 => (60.0, &[1.0, 2.0, 5.0, 10.0, 15.0, 30.0]),
            Self::Seconds if least > 5.0 => (1.0, &[10.0, 15.0, 20.0, 30.0]),
            Self::Bytes => (1_048_576.0, &[]),
            _ => (1.0, &[]),
        };
        let least = least / scale;
        let found = round.iter().copied().find(|step| *step >= least);
        let decade = 10_f64.powf(least.max(1e-9).log10().floor());
        let decimal = || {
            [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * decade).find(|step| *step >= least * 0.999)
        };
        scale * found.or_else(decimal).unwrap_or(10.0 * decade)
    }
}

/// A rectangle with two axes: the values at its edges, and its size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plot {
    width: f64,
    height: f64,
    left: f64,
    x_max: f64,
    y_max: f64,
    x_unit: Unit,
    y_unit: Unit,
    y_step: f64,
}

impl Plot {
    /// A plot over the time of the run.
    pub(super) fn over_time(seconds: f64, largest: f64, y_unit: Unit, height: f64) -> Self {
        Self::new(WIDTH, height, seconds, largest, y_unit)
    }

    pub(super) fn new(width: f64, height: f64, seconds: f64, largest: f64, y_unit: Unit) -> Self {
        let largest = if largest > 0.0 && largest.is_finite() { largest } else { 1.0 };
        let lines = ((height - TOP - BOTTOM) / 34.0).max(2.0);
        let y_step = y_unit.step(largest / lines);
        let y_max = (largest / y_step - 1e-6).ceil().max(1.0) * y_step;
        Self {
            width,
            height,
            left: LEFT,
            x_max: seconds.max(1e-3),
            y_max,
            x_unit: Unit::Seconds,
            y_unit,
            y_step,
        }
    }

    /// Without labels at the left, where the caller writes names or nothing.
    pub(super) fn with_left(self, left: f64) -> Self {
        Self { left, ..self }
    }

    pub(super) fn x(&self, value: f64) -> f64 {
        self.left + (value / self.x_max).clamp(0.0, 1.0) * (self.width - self.left - RIGHT)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        self.bottom() - (value / self.y_max).clamp(0.0, 1.0) * (self.bottom() - TOP)
    }

    pub(super) fn top(&self) -> f64 {
        TOP
    }

    pub(super) fn bottom(&self) -> f64 {
        self.height - BOTTOM
    }

    /// The drawing: axes with units, and the content above them. `says` is its text for readers who do not see it.
    pub(super) fn draw(&self, says: &str, has_y: bool, content: &Markup) -> Markup {
        let lines: Vec<f64> = (0..)
            .map(|step| f64::from(step) * self.y_step)
            .take_while(|y| *y <= self.y_max * 1.001)
            .collect();
        html! {
            svg xmlns="http://www.w3.org/2000/svg" width=(n(self.width)) height=(n(self.height))
                viewBox={ "0 0 " (n(self.width)) " " (n(self.height)) } role="img" aria-label=(says)
                font-family="system-ui,sans-serif" font-size="11" fill="currentColor" {
                @if has_y {
                    @for y in &lines {
                        line x1=(n(self.left)) x2=(n(self.width - RIGHT)) y1=(n(self.y(*y))) y2=(n(self.y(*y))) stroke="currentColor" stroke-opacity="0.15" {}
                        text x=(n(self.left - 6.0)) y=(n(self.y(*y) + 4.0)) text-anchor="end" fill-opacity="0.75" { (self.y_unit.text(*y)) }
                    }
                }
                (content)
                (self.x_axis())
            }
        }
    }

    fn x_axis(&self) -> Markup {
        let wide = (self.width - self.left - RIGHT) / 90.0;
        let step = self.x_unit.step(self.x_max / wide.max(2.0));
        let ticks: Vec<f64> = (0..)
            .map(|tick| f64::from(tick) * step)
            .take_while(|x| *x <= self.x_max * 1.0001)
            .take(200)
            .collect();
        html! {
            line x1=(n(self.left)) x2=(n(self.width - RIGHT)) y1=(n(self.bottom())) y2=(n(self.bottom())) stroke="currentColor" stroke-opacity="0.5" {}
            @for x in &ticks {
                line x1=(n(self.x(*x))) x2=(n(self.x(*x))) y1=(n(self.bottom())) y2=(n(self.bottom() + 4.0)) stroke="currentColor" stroke-opacity="0.5" {}
                text x=(n(self.x(*x))) y=(n(self.bottom() + 17.0)) text-anchor="middle" fill-opacity="0.75" { (self.x_unit.text(*x)) }
            }
        }
    }

    /// A line through points.
    pub(super) fn line(&self, points: &[(f64, f64)], colour: &str) -> Markup {
        let path: Vec<_> =
            points.iter().map(|(x, y)| format!("{},{}", n(self.x(*x)), n(self.y(*y)))).collect();
        html! { polyline points=(path.join(" ")) fill="none" stroke=(colour) stroke-width="1.8" stroke-linejoin="round" {} }
    }

    /// The area between two lines over the same moments: `(x, below, above)`.
    pub(super) fn area(&self, points: &[(f64, f64, f64)], colour: &str) -> Markup {
        let above = points.iter().map(|(x, _, y)| (x, y));
        let below = points.iter().rev().map(|(x, y, _)| (x, y));
        let path: Vec<_> =
            above.chain(below).map(|(x, y)| format!("{},{}", n(self.x(*x)), n(self.y(*y)))).collect();
        html! { polygon points=(path.join(" ")) fill=(colour) fill-opacity="0.85" {} }
    }

    /// A bar from `from` to `to` between two heights.
    pub(super) fn bar(&self, (from, to): (f64, f64), (below, above): (f64, f64), colour: &str) -> Markup {
        let (left, right, top, bottom) = (self.x(from), self.x(to), self.y(above), self.y(below));
        // Neighbours are half a unit apart.
        let width = (right - left - 0.5).max(0.5);
        html! { rect x=(n(left)) y=(n(top)) width=(n(width)) height=(n((bottom - top).max(0.0))) fill=(colour) {} }
    }
}

/// Rows of values over the same moments, one upon the other, with the names and colours of the rows.
pub(super) fn stacked(
    (seconds, height): (f64, f64),
    says: &str,
    moments: &[f64],
    rows: &[(String, &'static str, Vec<f64>)],
) -> Markup {
    let sums: Vec<f64> =
        (0..moments.len()).map(|at| rows.iter().map(|(_, _, values)| values[at]).sum()).collect();
    let plot = Plot::over_time(seconds, sums.iter().copied().fold(0.0, f64::max), Unit::Count, height);
    let mut below = vec![0.0; moments.len()];
    let mut areas = Vec::new();
    for (_, colour, values) in rows {
        let points: Vec<_> =
            (0..moments.len()).map(|at| (moments[at], below[at], below[at] + values[at])).collect();
        areas.push(plot.area(&points, colour));
        points.iter().enumerate().for_each(|(at, point)| below[at] = point.2);
    }
    html! {
        (plot.draw(says, true, &html! { @for area in &areas { (area) } }))
        (legend(rows.iter().map(|(name, colour, _)| (name.as_str(), *colour))))
    }
}

/// A line of a chart: its name, its colour, and its points.
pub(super) type Line = (String, &'static str, Vec<(f64, f64)>);

/// Lines over time with their names and colours.
pub(super) fn lines((seconds, height): (f64, f64), (says, unit): (&str, Unit), rows: &[Line]) -> Markup {
    let largest = rows.iter().flat_map(|(_, _, points)| points).map(|(_, y)| *y).fold(0.0, f64::max);
    let plot = Plot::over_time(seconds, largest, unit, height);
    html! {
        (plot.draw(says, true, &html! { @for (_, colour, points) in rows { (plot.line(points, colour)) } }))
        (legend(rows.iter().map(|(name, colour, _)| (name.as_str(), *colour))))
    }
}

/// Names beside their colours.
pub(super) fn legend<'a>(rows: impl Iterator<Item = (&'a str, &'static str)>) -> Markup {
    html! {
        p class="legend" {
            @for (name, colour) in rows {
                span {
                    svg xmlns="http://www.w3.org/2000/svg" width="11" height="11" viewBox="0 0 11 11" aria-hidden="true" {
                        rect width="11" height="11" rx="2" fill=(colour) {}
                    }
                    " " (name)
                }
                " "
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_with_their_units() {
        assert_eq!(Unit::Count.text(120_000.0), "120k");
        assert_eq!(Unit::Bytes.text(52_428_800.0), "50 MiB");
        assert_eq!(Unit::Seconds.text(0.35), "350 ms");
    }

    #[test]
    fn the_lines_of_an_axis_have_round_values() {
        let steps: Vec<_> =
            [0.3, 4.0, 7.0, 40.0, 70.0, 2000.0, 90_000.0].map(|least| Unit::Seconds.step(least)).into();
        assert_eq!(steps, [0.5, 5.0, 10.0, 60.0, 120.0, 3600.0, 180_000.0]);
        assert_eq!([0.7, 3.0, 11.0, 200.0].map(|least| Unit::Count.step(least)), [1.0, 5.0, 20.0, 200.0]);
        for largest in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9, 1e12] {
            let plot = Plot::over_time(0.0, largest, Unit::Count, 100.0);
            let text = plot.draw("x", true, &plot.line(&[(0.0, f64::NAN), (9.0, 1.0)], GOOD)).into_string();
            assert!(text.len() < 5000, "{largest}: {}", text.len());
        }
    }
}
