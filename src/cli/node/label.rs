//! `fauxmetal node label`: sets and removes labels.

use std::collections::BTreeMap;

use clap::Parser;
use clap_complete::engine::ArgValueCompleter;

use super::change::{Change, ChangeFlags};
use super::targets::Selected;
use crate::admin::api::Label;
use crate::cli::complete;
use crate::cli::exit_code::{ExitCode, UsageError};

/// Set and remove labels
#[derive(Parser)]
#[command(
    override_usage = "fauxmetal node label [OPTIONS] [NODE]... <KEY=VALUE|KEY->...",
    after_help = "Examples:
  fauxmetal node label generic-3 generic-4 rack=r7 row=2
  fauxmetal node label -l rack=r7 row-
  fauxmetal node label -l 'index in (0..39)' rack=r1"
)]
pub(super) struct Args {
    /// Names or UUIDs of nodes, labels to set (key=value), and labels to remove (key-)
    #[arg(
        value_name = "NODE|KEY=VALUE|KEY-", required = true, add = ArgValueCompleter::new(complete::nodes)
    )]
    words: Vec<String>,
    #[command(flatten)]
    many: Selected,
    #[command(flatten)]
    flags: ChangeFlags,
}

/// The words of a command line, sorted.
#[derive(Debug, Default, PartialEq)]
struct Words {
    names: Vec<String>,
    set: BTreeMap<String, String>,
    remove: Vec<String>,
}

impl Words {
    fn new(words: Vec<String>) -> Result<Self, UsageError> {
        let mut sorted = Self::default();
        for word in words {
            if let Some((key, value)) = word.split_once('=') {
                if sorted.set.insert(key.to_owned(), value.to_owned()).is_some() {
                    return Err(UsageError(format!("the label {key} is set twice; give it one value")));
                }
            } else if let Some(key) = word.strip_suffix('-') {
                sorted.remove.push(key.to_owned());
            } else {
                sorted.names.push(word);
            }
        }
        if sorted.set.is_empty() && sorted.remove.is_empty() {
            return Err(UsageError(
                "no label is given; write rack=r7 to set one, and rack- to remove one".to_owned(),
            ));
        }
        Ok(sorted)
    }
}

pub(super) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let Words { names, set, remove } = Words::new(args.words)?;
    let change = Change {
        path: "label",
        what: "label".to_owned(),
        nodes: args.many.with(names)?,
        body: |nodes, dry_run| Label { nodes, set: set.clone(), remove: remove.clone(), dry_run },
    };
    change.run(&args.flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<Words, String> {
        Words::new(text.split(' ').map(str::to_owned).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn names_and_labels_are_told_apart() {
        let sorted = words("generic-3 rack=r7 row- x= generic-4").unwrap();
        assert_eq!(sorted.names, ["generic-3", "generic-4"]);
        assert_eq!(
            sorted.set,
            BTreeMap::from([("rack", "r7"), ("x", "")].map(|(k, v)| (k.into(), v.into())))
        );
        assert_eq!(sorted.remove, ["row"]);
        assert!(words("generic-3").unwrap_err().contains("no label is given"));
        assert!(words("a=1 a=2").unwrap_err().contains("a is set twice"));
    }
}
