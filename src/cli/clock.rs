//! `fauxmetal clock`: the simulated time of a running fleet.

use std::io::{self, Write};

use clap::{Parser, Subcommand};
use serde::Serialize;

use super::client::{Client, Connection, run};
use super::exit_code::ExitCode;
use super::out;
use super::view::{Format, moment, shown, span};
use crate::admin::api::{self, Clock, NoMembers, Occasion, Stepped};

/// Show, hold, step and move the simulated time of a running fleet
///
/// While the clock is held, no node moves by time, and requests are answered. docs/time.md explains what follows the clock.
#[derive(Parser)]
#[command(after_help = "\
Examples:
  fauxmetal clock hold
  fauxmetal clock step 90s
  fauxmetal clock next
  fauxmetal clock jump 2031-01-01T00:00:00Z
  fauxmetal clock speed 60
  fauxmetal clock run")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Show(Show),
    Hold(Hold),
    Run(Run),
    Step(Step),
    Next(Next),
    Speed(Speed),
    Jump(Jump),
}

#[derive(clap::Args)]
struct Flags {
    /// Format of the result
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    connection: Connection,
}

/// Show the simulated time, and what happens next
///
/// JSON: the object of GET /fauxmetal/v1/clock.
#[derive(Parser)]
struct Show {
    #[command(flatten)]
    flags: Flags,
}

/// Hold the clock: no node moves by time until `clock run`
///
/// The clock stays held when the daemon restarts with --state.
#[derive(Parser)]
struct Hold {
    #[command(flatten)]
    flags: Flags,
}

/// Let time go on from where it is held
#[derive(Parser)]
struct Run {
    #[command(flatten)]
    flags: Flags,
}

/// Move a clock that is held by a duration, from one deadline to the next
///
/// The clock stands still at each deadline until all outgoing calls are answered. The exit code is 1 if the step takes more than five
/// minutes of real time; the clock then stands where the message says.
#[derive(Parser)]
#[command(after_help = "Examples:\n  fauxmetal clock step 90s\n  fauxmetal clock step 1h30m")]
struct Step {
    /// Simulated time, such as 500ms, 90s, 1h30m or 7d; at most 366d
    #[arg(value_name = "DURATION", value_parser = seconds)]
    duration: f64,
    #[command(flatten)]
    flags: Flags,
}

/// Move a clock that is held to the next thing that happens
///
/// The exit code is 1 if nothing will happen by time.
#[derive(Parser)]
struct Next {
    #[command(flatten)]
    flags: Flags,
}

/// Change the speed of simulated time
///
/// While the clock is held, the speed takes effect at `clock run`. A --speed of a later start of the daemon takes precedence.
#[derive(Parser)]
#[command(after_help = "Example:\n  fauxmetal clock speed 60")]
struct Speed {
    /// Simulated seconds per real second, from 0.001 to 10000
    #[arg(value_name = "X")]
    speed: f64,
    #[command(flatten)]
    flags: Flags,
}

/// Move the clock forward at once, by a duration or to a moment
///
/// What is overdue then happens at its own moment, as after a restart. Outgoing calls are made after the jump; `clock step` makes
/// them at their moments.
#[derive(Parser)]
#[command(after_help = "Examples:\n  fauxmetal clock jump 30d\n  fauxmetal clock jump 2031-01-01T00:00:00Z")]
struct Jump {
    /// A duration such as 90s or 30d, or a moment such as 2031-01-01T00:00:00Z
    #[arg(value_name = "DURATION|MOMENT", value_parser = jump)]
    to: api::ClockJump,
    #[command(flatten)]
    flags: Flags,
}

/// Reads a duration such as `1h30m` or `7d` as seconds. A day has 24 hours.
fn seconds(text: &str) -> Result<f64, String> {
    let wrong =
        || format!("'{text}' is not a duration: write numbers with ms, s, m, h or d, such as 90s or 1h30m");
    let span: jiff::Span =
        jiff::fmt::friendly::SpanParser::new().parse_span(text.trim()).map_err(|_| wrong())?;
    let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    if duration.is_negative() { Err(wrong()) } else { Ok(duration.as_millis() as f64 / 1000.0) }
}

fn jump(text: &str) -> Result<api::ClockJump, String> {
    if text.parse::<jiff::Timestamp>().is_ok() {
        return Ok(api::ClockJump { to: Some(text.to_owned()), seconds: None });
    }
    match seconds(text) {
        Ok(seconds) => Ok(api::ClockJump { seconds: Some(seconds), to: None }),
        Err(_) => Err(format!(
            "'{text}' is neither a duration such as 90s or 30d nor a moment such as 2031-01-01T00:00:00Z"
        )),
    }
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    match args.verb {
        Verb::Show(Show { flags }) => {
            let client = Client::new(&flags.connection)?;
            let clock: Clock = run(async { Ok(client.get(&["clock"], &[]).await?) })?;
            flags.output.print(&mut out::stdout(), &clock, table)?;
            Ok(ExitCode::Ok)
        }
        Verb::Hold(Hold { flags }) => {
            change(&flags, "hold", &NoMembers {}, |clock| format!("the clock is held at {}", clock.now))
        }
        Verb::Run(Run { flags }) => change(&flags, "run", &NoMembers {}, |clock| {
            format!("the clock runs at speed {} from {}", clock.speed, clock.now)
        }),
        Verb::Speed(Speed { speed, flags }) => change(&flags, "speed", &api::ClockSpeed { speed }, |clock| {
            let held = if clock.held { ", from `fauxmetal clock run` on" } else { "" };
            format!("the clock has the speed {}{held}", clock.speed)
        }),
        Verb::Jump(Jump { to, flags }) => change(&flags, "jump", &to, |clock| {
            let held = if clock.held { ", and is held" } else { "" };
            format!("the clock is at {}{held}", clock.now)
        }),
        Verb::Step(Step { duration, flags }) => step(&flags, "step", &api::ClockStep { seconds: duration }),
        Verb::Next(Next { flags }) => step(&flags, "next", &NoMembers {}),
    }
}

/// Changes the clock, and says in one line how it goes then.
fn change(
    flags: &Flags,
    verb: &str,
    body: &impl Serialize,
    line: impl FnOnce(&Clock) -> String,
) -> anyhow::Result<ExitCode> {
    let client = Client::new(&flags.connection)?;
    let clock: Clock = run(async { Ok(client.post(&format!("clock/{verb}"), body).await?) })?;
    flags.output.print(&mut out::stdout(), &clock, |out, clock| writeln!(out, "{}", shown(line(clock))))?;
    Ok(ExitCode::Ok)
}

/// Steps the clock. A step that is not complete is a failure.
fn step(flags: &Flags, verb: &str, body: &impl Serialize) -> anyhow::Result<ExitCode> {
    let client = Client::new(&flags.connection)?;
    let stepped: Stepped = run(async { Ok(client.post(&format!("clock/{verb}"), body).await?) })?;
    flags.output.print(&mut out::stdout(), &stepped, |out, stepped| {
        let s = if stepped.deadlines == 1 { "" } else { "s" };
        let whom =
            stepped.happened.as_ref().map(|happened| format!(": {}", of(happened))).unwrap_or_default();
        let line =
            format!("the clock is at {}, after {} deadline{s}{whom}", stepped.clock.now, stepped.deadlines);
        writeln!(out, "{}", shown(line))
    })?;
    match &stepped.reason {
        None => Ok(ExitCode::Ok),
        Some(reason) => {
            out::message(&shown(format!("the step is not complete: {reason}")));
            Ok(ExitCode::Failure)
        }
    }
}

/// The one to whom something happens.
fn of(occasion: &Occasion) -> String {
    occasion.node.clone().unwrap_or_else(|| "the service root of all nodes".to_owned())
}

fn table(out: &mut dyn Write, clock: &Clock) -> io::Result<()> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
    let far = span(clock.ahead_seconds.abs().round() as u64);
    let date = match clock.ahead_seconds {
        ahead if ahead >= 1.0 => format!("simulated time is {far} ahead"),
        ahead if ahead <= -1.0 => format!("simulated time is {far} behind"),
        _ => "the same as simulated time".to_owned(),
    };
    let next = match &clock.next {
        Some(next) => format!("{}: {}", moment(&next.at, &clock.now), of(next)),
        None => "nothing happens by time".to_owned(),
    };
    let held = if clock.held { ", held" } else { "" };
    let rows = [
        ["Simulated time".to_owned(), format!("{}{held}", clock.now)],
        ["Speed".to_owned(), clock.speed.to_string()],
        ["System's date".to_owned(), date],
        ["Next".to_owned(), next],
    ];
    let mut text = Vec::new();
    out::table(&mut text, "", &rows.map(|row| row.map(shown)))?;
    out.write_all(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_can_have_days_and_parts_of_seconds() {
        for (text, expected) in
            [("90s", 90.0), ("1h30m", 5400.0), ("7d", 604_800.0), ("500ms", 0.5), ("1.5h", 5400.0)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "5", "-5s", "soon", "1mo", "1y", "inf"] {
            assert!(seconds(text).unwrap_err().contains("is not a duration"), "{text}");
        }
    }

    #[test]
    fn a_jump_is_a_duration_or_a_moment() {
        assert_eq!(jump("30d").unwrap(), api::ClockJump { seconds: Some(2_592_000.0), to: None });
        let to = "2031-01-01T00:00:00Z";
        assert_eq!(jump(to).unwrap(), api::ClockJump { seconds: None, to: Some(to.to_owned()) });
        assert!(jump("tomorrow").unwrap_err().contains("is neither a duration"));
    }
}
