//! `fauxmetal run`: a load run on a control plane, from a plan to an exit code.

mod progress;
mod server;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{ArgAction, Parser};
use serde_json::Value;

use super::exit_code::{ExitCode, UsageError};
use super::plan::Source;
use super::view::duration;
use super::{log, out, report};
use crate::config::{LogFilter, LogFormat};
use crate::plan::{FleetSource, HttpUrl, Items, Plan, Target};
use crate::report::{Folder, Outcome};
use crate::run::ironic::{Api, IronicDriver};
use crate::run::machine::Machines;
use crate::run::redfish::RedfishDriver;
use crate::run::{Driver, Ended, Epoch, FleetOfOwn, Level, Run, Stop, foreign};
use progress::Progress;

/// Run a plan: load on a control plane or on BMCs that ends in figures and an exit code
///
/// The files of the run are in runs/ID. Ctrl-C stops starting items; a second Ctrl-C gives up the items in flight and cleans up as the
/// plan says; a third one ends the cleanup.
#[derive(Parser)]
#[command(after_help = HELP)]
pub(super) struct Args {
    #[command(flatten)]
    source: Source,
    /// Id of the run [default: the name of the plan with date, time and three random letters]
    #[arg(long, value_name = "ID", value_parser = id)]
    id: Option<String>,
    /// Folder for the folders of runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,
    /// Print a line with the counts so often, such as 30s; without a terminal 10s
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    watch_every: Option<Duration>,
    /// Store the metrics of URL in each sample, besides those of the plan's watch.scrape; can be repeated
    #[arg(long, value_name = "URL")]
    scrape: Vec<HttpUrl>,
    /// The log of the run's own fleet on standard error: -v for level info, -vv for debug
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
}

const HELP: &str = "\
Examples:
  fauxmetal plan example > plan.yaml
  fauxmetal plan check plan.yaml
  fauxmetal run plan.yaml
  fauxmetal run plan.yaml --set groups.small.count=50 --set pacing.batchSize=10

Exit codes:
  0  the run has ended, and all assertions hold
  1  it could not run, or was stopped
  2  wrong command line or plan; nothing was done
  4  an assertion does not hold, or a rule of faults was never reached";

/// The longest id. Names of nodes contain it, and Ironic's have at most 255 characters.
const MAX_ID: usize = 64;

fn id(text: &str) -> Result<String, String> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let valid = (1..=MAX_ID).contains(&text.len())
        && text.bytes().all(is_part)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric());
    match valid {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "'{text}' is no id; allowed are 1 to {MAX_ID} lower-case letters, digits, dots and dashes"
        )),
    }
}

impl Args {
    /// The plan with more values replaced, and with the URLs of `--scrape`.
    fn plan(&self, sets: &[(String, Value)]) -> anyhow::Result<Plan> {
        let mut plan = self.source.read(sets)?;
        plan.watch.scrape.extend(self.scrape.iter().cloned());
        plan.check().map_err(|problem| UsageError(format!("--scrape: {problem}")))?;
        Ok(plan)
    }
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let plan = args.plan(&[])?;
    let _summary = match args.verbose {
        0 => None,
        level => {
            let filter = if level == 1 { "info" } else { "debug" };
            Some(log::start(&LogFilter::parse(filter).map_err(UsageError)?, LogFormat::Text)?)
        }
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let outcome = runtime.block_on(all(&args, plan));
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

/// Runs the plan, or each plan of its sweep. The exit code is the first that is not 0.
async fn all(args: &Args, plan: Plan) -> anyhow::Result<ExitCode> {
    let stop = Stop::default();
    let listener = tokio::spawn(listen(stop.clone()));
    let id = args.id.clone().map_or_else(|| new_id(&plan), Ok)?;
    let outcome = if plan.sweep.is_empty() {
        one(args, plan, &id, &stop).await
    } else {
        sweep(args, &plan, &id, &stop).await
    };
    listener.abort();
    outcome
}

async fn sweep(args: &Args, plan: &Plan, id: &str, stop: &Stop) -> anyhow::Result<ExitCode> {
    if args.source.is_stdin() {
        return Err(UsageError(
            "a plan with 'sweep' is read once for each run; write it into a file".to_owned(),
        )
        .into());
    }
    let mut first_bad = ExitCode::Ok;
    let mut folders = Vec::new();
    for (number, sets) in combinations(plan).into_iter().enumerate() {
        if stop.level() > Level::Go {
            break;
        }
        let mut sets = sets;
        let shown: Vec<_> = sets.iter().map(|(path, value)| format!("{path}={value}")).collect();
        out::message(&format!("run {} of the sweep: {}", number + 1, shown.join(", ")));
        sets.push(("sweep".to_owned(), Value::Object(serde_json::Map::new())));
        let id = format!("{id}.{}", number + 1);
        let code = one(args, args.plan(&sets)?, &id, stop).await?;
        folders.push((Folder::open(args.runs.join(id))?, shown.join(", ")));
        if first_bad == ExitCode::Ok {
            first_bad = code;
        }
    }
    if let Some(((first, _), others)) = folders.split_first() {
        for (other, shown) in others {
            out::message(&format!("what changed with {shown}:"));
            report::print_comparison(first, other)?;
        }
    }
    Ok(first_bad)
}

/// The values of a sweep in all combinations: the last path changes first.
fn combinations(plan: &Plan) -> Vec<Vec<(String, Value)>> {
    let mut all = vec![Vec::new()];
    for (path, values) in &plan.sweep {
        let longer = |start: &Vec<(String, Value)>| {
            let start = start.clone();
            values
                .iter()
                .map(move |value| [start.clone(), vec![(path.clone(), value.clone())]].concat())
                .collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

async fn one(args: &Args, plan: Plan, id: &str, stop: &Stop) -> anyhow::Result<ExitCode> {
    let items = Items::new(&plan.groups).all.len();
    let (own, machines): (_, Arc<dyn Machines>) = match &plan.fleet {
        FleetSource::Own(_) => {
            let own = Arc::new(FleetOfOwn::start(&plan).await?);
            (Some(Arc::clone(&own)), own)
        }
        FleetSource::Server(daemon) => (None, server::machines(daemon, items).await?),
        FleetSource::File(file) => (None, foreign(file, items)?),
    };
    let outcome = match plan.target.clone() {
        Target::Ironic(target) => {
            let api = Arc::new(Api::new(&target).await?);
            api.probe().await?;
            let expire = plan.expire.map(|after| Duration::from_millis(after.ms()));
            let driver = IronicDriver::new(api, &target, id, expire);
            drive(args, plan, id, driver, machines, stop).await
        }
        Target::Redfish(target) => {
            let driver = RedfishDriver::new(&target, machines.ca())?;
            drive(args, plan, id, driver, machines, stop).await
        }
    };
    if let Some(own) = own {
        own.stop().await?;
    }
    outcome
}

async fn drive(
    args: &Args,
    plan: Plan,
    id: &str,
    driver: impl Driver,
    machines: Arc<dyn Machines>,
    stop: &Stop,
) -> anyhow::Result<ExitCode> {
    let text = serde_saphyr::to_string(&plan).context("cannot write the plan")?;
    let expected = plan.expected();
    let run = Run::new(plan, &text, id, &args.runs, driver, machines, stop.clone())?;
    out::message(&format!("run {id}; its files are in {}", args.runs.join(id).display()));
    let progress = Progress::begin(run.view(), expected, args.watch_every);
    let ended = run.go().await;
    progress.end().await;
    let Ended { summary, folder, left } = ended?;
    for (name, reason) in &left {
        out::message(&format!("{name} could not be deleted: {reason}; try `fauxmetal clean {id}` later"));
    }
    report::print(&summary)?;
    out::message(&format!("the report is {}", folder.report().display()));
    Ok(match summary.outcome {
        Outcome::Held if left.is_empty() => ExitCode::Ok,
        Outcome::NotHeld => ExitCode::NotHeld,
        _ => ExitCode::Failure,
    })
}

/// Stops the run further with each signal.
async fn listen(stop: Stop) {
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    let Ok(mut terminate) = terminate else { return };
    loop {
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => {
                if pressed.is_err() {
                    return;
                }
                out::message(match stop.further() {
                    Level::Go | Level::Drain => "no item starts any more; Ctrl-C again gives up those in flight and cleans up",
                    Level::Abort => "items in flight are given up; Ctrl-C again ends the cleanup",
                    Level::Quit => "the cleanup ends; `fauxmetal clean` does the rest",
                });
            }
            _ = terminate.recv() => {
                out::message("items in flight are given up, and the run cleans up");
                stop.at_least(Level::Abort);
            }
        }
    }
}

/// An id that no other run has: the name of the plan, the time, and three random letters.
fn new_id(plan: &Plan) -> anyhow::Result<String> {
    let random = crate::seed::secret::<3>()
        .map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    let letters = random.map(|byte| char::from(b'a' + byte % 26)).iter().collect::<String>();
    Ok(format!("{}-{}-{letters}", plan.name, Epoch::begin().digits()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn a_sweep_has_all_combinations() {
        let text = "target: {redfish: {}}\ngroups: [{name: a, count: 1, until: {walked: 1}}]\nsweep: {pacing.maxInFlight: [1, 2], seed: [x, y]}";
        let all = combinations(&plan::read(text, "p", &[]).unwrap());
        let shown: Vec<_> = all.iter().map(|sets| format!("{} {}", sets[0].1, sets[1].1)).collect();
        assert_eq!(shown, ["1 \"x\"", "1 \"y\"", "2 \"x\"", "2 \"y\""]);
    }

    #[test]
    fn an_id_is_part_of_names() {
        for good in ["a", "run-20261128-183000-abc", "x.1"] {
            assert!(id(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a/b", "a b", &"a".repeat(65)] {
            assert!(id(bad).is_err(), "{bad}");
        }
    }
}
