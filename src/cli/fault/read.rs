//! The rules that a command line names: a file, or a preset with nodes.

use std::path::Path;

use clap_complete::CompletionCandidate;
use clap_complete::engine::ArgValueCompleter;

use crate::admin::api::Nodes;
use crate::cli::exit_code::UsageError;
use crate::cli::node::Selected;
use crate::config::{read_faults, read_faults_from_stdin};
use crate::fault::{Mode, Name, Preset, Rule, Who, presets};

/// Where the rules come from.
#[derive(clap::Args)]
pub(super) struct Source {
    /// YAML file with rules; - for standard input
    #[arg(value_name = "FILE", conflicts_with = "preset")]
    file: Option<String>,
    /// Rules that are asked for often, from `fauxmetal fault presets`; with -l or --all
    #[arg(long, value_name = "PRESET", add = ArgValueCompleter::new(preset_names))]
    preset: Option<String>,
    /// Name of the rule of a preset; by default that of the preset
    #[arg(long, value_name = "NAME", requires = "preset")]
    name: Option<String>,
    #[command(flatten)]
    nodes: Selected,
    /// How many of the selected nodes get the rule of a preset: a number, or a part such as 5%
    #[arg(long, value_name = "HOW-MANY", requires = "preset", value_parser = mode)]
    count: Option<Mode>,
}

fn preset_names(_: &std::ffi::OsStr) -> Vec<CompletionCandidate> {
    presets().iter().map(|preset| CompletionCandidate::new(preset.name.as_str())).collect()
}

fn mode(text: &str) -> Result<Mode, String> {
    let wrong = || format!("'{text}' is no number of nodes; write a number such as 3, or a part such as 5%");
    match text.strip_suffix('%') {
        Some(percent) => percent.parse().map(Mode::Percent).map_err(|_| wrong()),
        None => text.parse().map(Mode::Number).map_err(|_| wrong()),
    }
}

impl Source {
    /// # Errors
    /// If the file cannot be read, or a rule is wrong.
    pub(super) fn rules(self) -> anyhow::Result<Vec<Rule>> {
        let usage = |problem: String| UsageError(problem);
        let Some(preset) = self.preset else {
            let file = self.file.ok_or_else(|| {
                usage("no rules are named; name a file, or a preset with --preset and -l or --all".to_owned())
            })?;
            let rules = match file.as_str() {
                "-" => read_faults_from_stdin(),
                file => read_faults(Path::new(file)),
            };
            return Ok(rules.map_err(usage)?);
        };
        let found = Preset::named(&preset).ok_or_else(|| {
            let known: Vec<_> = presets().iter().map(|preset| preset.name.as_str()).collect();
            usage(format!("--preset: there is no preset '{preset}'; allowed are {}", known.join(", ")))
        })?;
        let who = match self.nodes.with(Vec::new())? {
            Nodes::Selector(selector) => Who { selector: Some(selector), ..Who::default() },
            Nodes::All(_) | Nodes::Names(_) => Who::everybody(),
        };
        let who = Who { mode: self.count.unwrap_or_default(), ..who };
        let name: Name = match &self.name {
            Some(name) => name.parse().map_err(|problem| usage(format!("--name: {problem}")))?,
            None => found.name.clone(),
        };
        Ok(found.rules(&name, &who).map_err(|problem| usage(format!("--name: {problem}")))?)
    }
}
