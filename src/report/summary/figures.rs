//! What assertions ask of a summary.

use super::parts::{Items, ProcessUse, Requests, Tally};
use super::{OperationFigures, Summary};
use crate::plan::{Figures, Function, Operation};

impl Figures for Summary {
    fn value(&self, function: &Function) -> Option<f64> {
        let of = |operation: &Operation| self.operations.get(operation);
        match function {
            Function::Count(None) => Some(self.items().succeeded as f64),
            Function::Failed(None) => Some(self.items().failed as f64),
            Function::Count(Some(operation)) => Some(of(operation)?.ends.succeeded as f64),
            Function::Failed(Some(operation)) => Some(of(operation)?.ends.failed as f64),
            Function::Rate(operation) => of(operation)?.rate(),
            Function::Percentile(tenths, operation) => {
                of(operation)?.durations.quantile(f64::from(*tenths) / 1000.0)
            }
            Function::Max(operation) => of(operation)?.durations.max(),
            Function::Cpu(name) => Some(self.process(name)?.cpu),
            Function::Rss(name) => Some(self.process(name)?.rss as f64),
        }
    }
}

impl Summary {
    /// The items of all runs. Without a sample, only failures are known: each failed operation counts as an item.
    pub fn items(&self) -> Items {
        let mut items = Items::default();
        self.runs.values().for_each(|part| items.add(&part.items));
        if items.total() == 0 {
            items.failed = self.ends().failed;
        }
        items
    }

    /// The ends of all operations that the run asked for.
    pub fn ends(&self) -> Tally {
        let mut ends = Tally::default();
        let asked = self.operations.iter().filter(|(operation, _)| !operation.is_of_machine());
        asked.for_each(|(_, figures)| ends.add(&figures.ends));
        ends
    }

    /// The requests of all runs.
    pub fn requests(&self) -> Requests {
        let mut requests = Requests::default();
        self.runs.values().for_each(|part| requests.add(&part.requests));
        // A run that was killed has asked after its last sample, too.
        requests.changes = requests.changes.max(self.item_requests);
        requests
    }

    /// The names of the watched processes.
    pub fn process_names(&self) -> impl Iterator<Item = &str> {
        let names: std::collections::BTreeSet<_> =
            self.runs.values().flat_map(|part| part.processes.keys()).collect();
        names.into_iter().map(String::as_str)
    }

    /// What a watched process has used: CPU seconds of all runs, and the largest memory of one.
    pub fn process(&self, name: &str) -> Option<ProcessUse> {
        let uses = self.runs.values().filter_map(|part| part.processes.get(name));
        uses.copied()
            .reduce(|one, other| ProcessUse { cpu: one.cpu + other.cpu, rss: one.rss.max(other.rss) })
    }

    /// The operations with an end, in their order.
    pub fn rows(&self) -> impl Iterator<Item = (Operation, &OperationFigures)> {
        self.operations.iter().map(|(operation, figures)| (*operation, figures))
    }
}
