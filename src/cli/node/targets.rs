//! The nodes that a verb works on: names, a selection, or all.

use clap_complete::engine::ArgValueCompleter;

use crate::admin::api::Nodes;
use crate::cli::complete;
use crate::cli::exit_code::UsageError;

/// Names that one request may have.
const MAX_NAMES: usize = 10_000;

/// The nodes, named as arguments.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Targets {
    /// Names or UUIDs of nodes
    #[arg(value_name = "NODE", add = ArgValueCompleter::new(complete::nodes))]
    names: Vec<String>,
    #[command(flatten)]
    many: Selected,
}

/// Many nodes at a time.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Selected {
    /// The nodes of a selection, such as 'rack=r7,power!=off'
    #[arg(short = 'l', long, value_name = "SELECTION", conflicts_with = "all")]
    selector: Option<String>,
    /// All nodes of the fleet
    #[arg(long)]
    all: bool,
}

impl Targets {
    /// # Errors
    /// If the nodes are not named in exactly one of the three ways.
    pub(in crate::cli) fn nodes(self) -> Result<Nodes, UsageError> {
        self.many.with(self.names)
    }
}

impl Selected {
    /// These nodes, or those with the names.
    ///
    /// # Errors
    /// If the nodes are not named in exactly one of the three ways.
    pub(in crate::cli) fn with(self, mut names: Vec<String>) -> Result<Nodes, UsageError> {
        // A name that is written twice is one node.
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        let wrong = |why: String| Err(UsageError(why));
        match (names.is_empty(), self.selector, self.all) {
            (false, None, false) if names.len() > MAX_NAMES => wrong(format!(
                "{} nodes are named, and {MAX_NAMES} are allowed; give them a label and select it with -l",
                names.len()
            )),
            (false, None, false) => Ok(Nodes::Names(names)),
            (true, Some(selector), false) => Ok(Nodes::Selector(selector)),
            (true, None, true) => Ok(Nodes::All(true)),
            (true, None, false) => wrong(
                "no nodes are named; name them as arguments (generic-3), with a selection (-l rack=r7), or with --all"
                    .to_owned(),
            ),
            (..) => wrong(
                "nodes are named in two ways; name them as arguments (generic-3), with a selection (-l rack=r7), or \
                 with --all"
                    .to_owned(),
            ),
        }
    }
}
