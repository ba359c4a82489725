//! The parts of the page that are drawn.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::gather::{Charts, Point, Segment};
use super::svg::{BAD, BUSY, GOOD, Line, NEUTRAL, PALETTE, Plot, Unit, WARN, legend, lines, n, stacked};
use super::{section, tables};
use crate::report::durations::Durations;
use crate::report::item::Status;
use crate::report::summary::{OTHER, Summary};
use crate::report::text::{bytes, count, duration};

/// The height of most charts.
const HEIGHT: f64 = 210.0;
/// The most states with a colour of their own.
const MAX_STATES: usize = 12;

/// Items by what has become of them, over time.
pub(super) fn progress(summary: &Summary, charts: &Charts) -> Markup {
    let points = charts.points();
    if points.is_empty() {
        return html! {};
    }
    let names = [
        (3, "failed", BAD),
        (2, "succeeded", GOOD),
        (4, "parked", WARN),
        (1, "under way", BUSY),
        (0, "not started", NEUTRAL),
    ];
    let rows: Vec<_> = names
        .into_iter()
        .filter(|(field, _, _)| points.iter().any(|point| point.progress[*field] > 0))
        .map(|(field, name, colour)| {
            (name.to_owned(), colour, points.iter().map(|point| point.progress[field] as f64).collect())
        })
        .collect();
    let chart = stacked((summary.seconds, HEIGHT), "Items over time", &moments(&points), &rows);
    section("Items over time", "Number of items, as the run counted them.", &chart)
}

fn moments(points: &[Point]) -> Vec<f64> {
    points.iter().map(|point| point.at).collect()
}

/// Nodes by state of the control plane, over time.
pub(super) fn states(summary: &Summary, charts: &Charts) -> Markup {
    let points = charts.points();
    let mut most: BTreeMap<&str, u64> = BTreeMap::new();
    for (state, number) in points.iter().flat_map(|point| &point.states) {
        let most = most.entry(state).or_default();
        *most = (*most).max(*number);
    }
    most.retain(|_, number| *number > 0);
    if most.is_empty() {
        return html! {};
    }
    let mut names: Vec<_> = most.keys().copied().collect();
    names.sort_by_key(|name| std::cmp::Reverse(most[name]));
    let rest = names.split_off(names.len().min(MAX_STATES));
    names.sort_by_key(|name| (place(name), *name));
    let value = |name: &str| {
        points.iter().map(|point| point.states.get(name).copied().unwrap_or(0) as f64).collect::<Vec<_>>()
    };
    let mut colours = PALETTE.iter().copied();
    let mut rows: Vec<(String, &'static str, Vec<f64>)> = Vec::new();
    for name in names {
        let colour = match name {
            "active" => GOOD,
            _ if is_failure(name) => BAD,
            _ => colours.next().unwrap_or(NEUTRAL),
        };
        rows.push((name.to_owned(), colour, value(name)));
    }
    if !rest.is_empty() {
        let mut sum = vec![0.0; points.len()];
        rest.iter().for_each(|name| sum.iter_mut().zip(value(name)).for_each(|(sum, value)| *sum += value));
        rows.push((OTHER.to_owned(), NEUTRAL, sum));
    }
    let chart = stacked((summary.seconds, HEIGHT), "Nodes by state over time", &moments(&points), &rows);
    section("States over time", "Number of nodes by state, as the control plane reported them.", &chart)
}

fn is_failure(state: &str) -> bool {
    state.ends_with("failed") || state == "error"
}

/// The place of a state of Ironic in the life of a node, so that the chart reads from the bottom to the top.
fn place(state: &str) -> usize {
    const LIFE: [&str; 8] =
        ["active", "rescu", "deploy", "wait", "available", "clean", "inspect", "manageable"];
    match is_failure(state) {
        true => 0,
        false => 1 + LIFE.iter().position(|start| state.starts_with(start)).unwrap_or(LIFE.len()),
    }
}

/// Starts and ends of operations.
pub(super) fn rates(summary: &Summary, charts: &Charts) -> Markup {
    let width = charts.ends.width();
    let of = |name: &str, colour: &'static str, value: &dyn Fn(&super::gather::Ends) -> u64| {
        let points =
            charts.ends.iter().map(|(at, ends)| (at + width / 2.0, value(ends) as f64)).collect::<Vec<_>>();
        (name.to_owned(), colour, points)
    };
    let rows = [
        // A line hides the ones before it, and most bins have no failure.
        of("failed", BAD, &|ends| ends.failed),
        of("started", BUSY, &|ends| ends.started),
        of("succeeded", GOOD, &|ends| ends.succeeded),
    ];
    let rows: Vec<_> =
        rows.into_iter().filter(|(_, _, points)| points.iter().any(|(_, y)| *y > 0.0)).collect();
    if rows.is_empty() {
        return html! {};
    }
    let chart = lines((summary.seconds, HEIGHT), ("Operations started and ended", Unit::Count), &rows);
    section("Starts and ends", &format!("Number of operations in each {}.", duration(width)), &chart)
}

/// A line for each item, from its first start to its last end.
pub(super) fn items(summary: &Summary, charts: &Charts) -> Markup {
    let Some(rows) = charts.rows.as_ref().filter(|rows| !rows.is_empty()) else { return html! {} };
    let start =
        |segments: &[Segment]| segments.iter().fold(f64::MAX, |start, segment| segment.started.min(start));
    let mut rows: Vec<_> = rows.iter().map(|(name, segments)| (start(segments), name, segments)).collect();
    rows.sort_by(|one, other| one.0.total_cmp(&other.0).then_with(|| one.1.cmp(other.1)));
    let has_names = rows.len() <= 60;
    let pitch = (if has_names { 15.0 } else { 700.0 / rows.len() as f64 }).clamp(2.0, 15.0).floor();
    let gap = if pitch > 4.0 { 2.0 } else { 0.4 };
    let plot = Plot::over_time(summary.seconds, 1.0, Unit::Count, rows.len() as f64 * pitch + 36.0);
    let plot = plot.with_left(if has_names { 150.0 } else { 14.0 });
    let content = html! {
        @for (row, (_, name, segments)) in rows.iter().enumerate() {
            @let top = plot.top() + row as f64 * pitch;
            @if has_names {
                text x="142" y=(n(top + 10.0)) text-anchor="end" fill-opacity="0.85" { (shortened(name)) }
            }
            @for (number, segment) in segments.iter().enumerate() {
                @let (left, right) = (plot.x(segment.started), plot.x(segment.ended));
                rect x=(n(left)) y=(n(top)) width=(n((right - left).max(0.8))) height=(n(pitch - gap)) fill=(colour(segment.status))
                    fill-opacity=[(number % 2 == 1).then_some("0.6")] {
                    title { (name) " " (segment.operation.name()) " " (duration(segment.ended - segment.started)) }
                }
            }
        }
    };
    let says = format!("{} items from start to end", rows.len());
    let chart = html! {
        (plot.draw(&says, false, &content))
        (legend([("succeeded", GOOD), ("failed", BAD), ("aborted", WARN)].into_iter()))
    };
    let about = "A row for each item in the order of their starts. Two shades tell an operation from the next one; the name and duration \
                 appear under the pointer.";
    section("Items from start to end", about, &chart)
}

fn colour(status: Status) -> &'static str {
    match status {
        Status::Succeeded => GOOD,
        Status::Failed => BAD,
        Status::Aborted => WARN,
    }
}

fn shortened(name: &str) -> String {
    let most = 22;
    match name.chars().count() > most {
        true => name.chars().take(most - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

/// The distribution of the durations of each operation.
pub(super) fn distributions(summary: &Summary) -> Markup {
    let charts = summary.rows().filter(|(_, figures)| !figures.durations.is_empty());
    let charts: Vec<_> = charts
        .map(|(operation, figures)| (operation.name(), distribution(operation.name(), &figures.durations)))
        .collect();
    if charts.is_empty() {
        return html! {};
    }
    let grid = html! { div class="grid" { @for (name, chart) in &charts { div { h3 { (name) } (chart) } } } };
    let about = "Number of operations that succeeded, by duration. Lines mark p50, p95 and p99.";
    section("Durations", about, &grid)
}

fn distribution(name: &str, durations: &Durations) -> Markup {
    const BARS: usize = 50;
    let longest = durations.max().unwrap_or(0.0).max(1e-6);
    let mut bars = [0.0; BARS];
    for (value, number) in durations.classes() {
        bars[((value.min(longest) / longest * BARS as f64) as usize).min(BARS - 1)] += number as f64;
    }
    let plot = Plot::new(430.0, 150.0, longest, bars.iter().copied().fold(0.0, f64::max), Unit::Count);
    let width = longest / BARS as f64;
    let content = html! {
        @for (bar, number) in bars.iter().enumerate().filter(|(_, number)| **number > 0.0) {
            (plot.bar((bar as f64 * width, (bar + 1) as f64 * width), (0.0, *number), BUSY))
        }
        @for (share, dashes) in [(0.5, ""), (0.95, "5 3"), (0.99, "2 3")] {
            @if let Some(value) = durations.quantile(share) {
                line x1=(n(plot.x(value))) x2=(n(plot.x(value))) y1=(n(plot.top())) y2=(n(plot.bottom())) stroke="currentColor" stroke-width="1.2" stroke-dasharray=[(!dashes.is_empty()).then_some(dashes)] {
                    title { "p" (share * 100.0) " " (duration(value)) }
                }
            }
        }
    };
    let quantile = |share| durations.quantile(share).map_or_else(String::new, duration);
    html! {
        (plot.draw(&format!("Durations of {name}"), true, &content))
        p class="legend" { span { "— p50 " (quantile(0.5)) } " " span { "╌ p95 " (quantile(0.95)) } " " span { "┈ p99 " (quantile(0.99)) } " " span { (count(durations.count())) " in all" } }
    }
}

/// Ends of operations by conductor, over time.
pub(super) fn conductors(summary: &Summary, charts: &Charts) -> Markup {
    if charts.conductors.is_empty() {
        return html! {};
    }
    let width = charts.ends.width();
    let largest = charts.ends.iter().map(|(_, ends)| ends.conductors.iter().sum::<u64>()).max().unwrap_or(0);
    let plot = Plot::over_time(summary.seconds, largest as f64, Unit::Count, HEIGHT);
    let content = html! {
        @for (at, ends) in charts.ends.iter() {
            @for (number, ended) in ends.conductors.iter().enumerate().filter(|(_, ended)| **ended > 0) {
                @let below: u64 = ends.conductors[..number].iter().sum();
                (plot.bar((at, at + width), (below as f64, (below + ended) as f64), PALETTE[number % PALETTE.len()]))
            }
        }
    };
    let names = charts
        .conductors
        .iter()
        .enumerate()
        .map(|(number, name)| (name.as_str(), PALETTE[number % PALETTE.len()]));
    let rows: Vec<Vec<Markup>> = summary
        .conductors
        .iter()
        .map(|(name, ends)| {
            vec![html! { (name) }, html! { (count(ends.succeeded)) }, html! { (count(ends.failed)) }]
        })
        .collect();
    let content = html! {
        (plot.draw("Ended operations by conductor", true, &content))
        (legend(names))
        (tables::table(&["Conductor", "Succeeded", "Failed"], 2, &rows))
    };
    section(
        "Conductors over time",
        &format!(
            "Number of operations that ended in each {}, by the conductor that held the node.",
            duration(width)
        ),
        &content,
    )
}

/// How late items started.
pub(super) fn lateness(summary: &Summary, charts: &Charts) -> Markup {
    let late = &summary.lateness;
    let Some(largest) = late.max() else { return html! {} };
    let width = charts.ends.width();
    let starts = || charts.ends.iter().filter(|(_, ends)| ends.late_count > 0);
    let rows = [
        ("largest".to_owned(), WARN, starts().map(|(at, ends)| (at + width / 2.0, ends.latest)).collect()),
        (
            "mean".to_owned(),
            BUSY,
            starts().map(|(at, ends)| (at + width / 2.0, ends.late / ends.late_count as f64)).collect(),
        ),
    ];
    let quantile = |share| late.quantile(share).map_or_else(String::new, duration);
    let about = format!(
        "How much later than the plan wanted it an item started: p50 {}, p99 {}, largest {}. A run that falls behind asks less of the \
         control plane than its plan says, and its durations look better than they are.",
        quantile(0.5),
        quantile(0.99),
        duration(largest)
    );
    section(
        "Lateness of starts",
        &about,
        &lines((summary.seconds, 150.0), ("Lateness over time", Unit::Seconds), &rows),
    )
}

/// Requests a second by their reason.
pub(super) fn requests(summary: &Summary, charts: &Charts) -> Markup {
    let requests = summary.requests();
    let points = charts.points();
    let agents: u64 = requests.agents.values().sum();
    let names = [
        ("requests of the run", BUSY),
        ("watching (polls of the run)", WARN),
        ("the machines' own", PALETTE[2]),
    ];
    let rows: Vec<_> = names
        .into_iter()
        .enumerate()
        .map(|(kind, (name, colour))| {
            (name.to_owned(), colour, rate(&points, |point| point.requests[kind] as f64))
        })
        .filter(|(_, _, rates)| rates.iter().any(|(_, rate)| *rate > 0.0))
        .collect();
    let mut kinds: Vec<_> = requests.agents.iter().collect();
    kinds.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
    let row = |name: &str, number: u64, more: String| {
        vec![html! { (name) }, html! { (count(number)) }, html! { (more) }]
    };
    let retried = format!("{} of them repeated a refused one", count(summary.item_retries));
    let polled = format!(
        "{} lists of all nodes, {} until their answers",
        count(requests.polls),
        duration(requests.poll_seconds)
    );
    let mut table = vec![
        row("requests of the run", requests.changes, retried),
        row("watching (polls of the run)", requests.poll_requests, polled),
    ];
    if agents > 0 {
        let kinds: Vec<_> =
            kinds.into_iter().map(|(kind, number)| format!("{kind} {}", count(*number))).collect();
        table.push(row("the machines' own", agents, kinds.join(", ")));
    }
    let content = html! {
        @if !rows.is_empty() { (lines((summary.seconds, HEIGHT), ("Requests a second", Unit::Count), &rows)) }
        (tables::table(&["Requests", "Count", ""], 1, &table))
    };
    section(
        "Requests",
        "Requests a second. Those of the simulated machines, such as heartbeats, are load that the run does not ask for.",
        &content,
    )
}

/// The increase of a counter a second, at the moments of the samples.
fn rate(points: &[Point], value: impl Fn(&Point) -> f64) -> Vec<(f64, f64)> {
    let pairs = points.windows(2).filter(|pair| pair[1].at > pair[0].at);
    pairs
        .map(|pair| (pair[1].at, (value(&pair[1]) - value(&pair[0])).max(0.0) / (pair[1].at - pair[0].at)))
        .collect()
}

/// CPU and memory of the watched processes.
pub(super) fn processes(summary: &Summary, charts: &Charts) -> Markup {
    let points = charts.points();
    let names: std::collections::BTreeSet<&String> =
        points.iter().flat_map(|point| point.processes.keys()).collect();
    if names.is_empty() {
        return html! {};
    }
    let rows = |value: &dyn Fn(&str) -> Vec<(f64, f64)>| -> Vec<Line> {
        names.iter().zip(PALETTE).map(|(name, colour)| ((*name).clone(), colour, value(name))).collect()
    };
    let cpu =
        |name: &str| rate(&points, |point| point.processes.get(name).map_or(0.0, |process| process.cpu));
    let memory = |name: &str| {
        let rss = |point: &Point| point.processes.get(name).map_or(0.0, |process| process.rss as f64);
        points.iter().map(|point| (point.at, rss(point))).collect::<Vec<_>>()
    };
    let table: Vec<Vec<Markup>> = summary
        .process_names()
        .filter_map(|name| Some((name, summary.process(name)?)))
        .map(|(name, used)| {
            vec![html! { (name) }, html! { (duration(used.cpu)) }, html! { (bytes(used.rss)) }]
        })
        .collect();
    let content = html! {
        h3 { "CPU: processors in use" }
        (lines((summary.seconds, 150.0), ("Processors in use", Unit::Count), &rows(&cpu)))
        h3 { "Resident memory" }
        (lines((summary.seconds, 150.0), ("Resident memory", Unit::Bytes), &rows(&memory)))
        (tables::table(&["Process", "CPU", "Largest memory"], 2, &table))
    };
    section(
        "CPU and memory",
        "The watched processes with all of their descendants. fauxmetal is the run itself, with its fleet if it has one.",
        &content,
    )
}
