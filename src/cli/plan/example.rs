//! `fauxmetal plan example`.

use std::io::Write as _;

use clap::Parser;
use clap::builder::PossibleValuesParser;

use crate::cli::exit_code::ExitCode;
use crate::cli::out;

/// Print a plan to begin with
#[derive(Parser)]
#[command(after_help = "Example:\n  fauxmetal plan example deploy > plan.yaml\n  fauxmetal run plan.yaml")]
pub(super) struct Args {
    /// Name of the example
    #[arg(default_value = "inspect", value_parser = PossibleValuesParser::new(EXAMPLES.map(|(name, _)| name)))]
    name: String,
}

/// All examples, by name.
pub(super) const EXAMPLES: [(&str, &str); 4] = [
    ("inspect", include_str!("examples/inspect.yaml")),
    ("deploy", include_str!("examples/deploy.yaml")),
    ("clusters", include_str!("examples/clusters.yaml")),
    ("redfish", include_str!("examples/redfish.yaml")),
];

pub(super) fn command(args: &Args) -> anyhow::Result<ExitCode> {
    let text = EXAMPLES.iter().find(|(name, _)| *name == args.name).map_or("", |(_, text)| text);
    let mut out = out::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(ExitCode::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn every_example_is_a_plan() {
        for (name, text) in EXAMPLES {
            plan::read(text, name, &[]).unwrap();
        }
    }
}
