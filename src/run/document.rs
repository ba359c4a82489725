//! The documents of an operation that has ended.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::driver::{Job, Performed};
use super::epoch::Epoch;
use crate::plan::Operation;
use crate::report::{Item, MachineEvent, Status, cause};

/// The most states of an operation that its document has; the newest ones are kept.
const MAX_STATES: usize = 100;
/// The longest error in a document, bytes.
const MAX_ERROR: usize = 2000;

/// What an item is in the middle of.
pub(super) struct Context<'a> {
    pub(super) phase: Option<&'a str>,
    pub(super) cycle: u32,
    /// The moment at which the item was to start; known for its first operation in an open loop.
    pub(super) due: Option<Instant>,
    /// The number of the operation in this round.
    pub(super) number: u32,
    /// The set and the role of the item.
    pub(super) set: Option<(String, String)>,
}

/// The document of an operation, and those of its parts.
#[expect(clippy::too_many_arguments, reason = "each is a part of the document")]
pub(super) fn documents(
    epoch: &Epoch,
    job: &Job,
    operation: Operation,
    context: &Context<'_>,
    (started, ended): (Instant, Instant),
    performed: Performed,
    is_aborted: bool,
    (machine, machine_seconds): (Vec<MachineEvent>, BTreeMap<String, f64>),
) -> Vec<Item> {
    let Performed { error, node, conductor, endpoint, mut states, requests, retries, parts } = performed;
    states.drain(..states.len().saturating_sub(MAX_STATES));
    let error = error.map(|error| {
        let end = (0..=MAX_ERROR.min(error.len())).rev().find(|end| error.is_char_boundary(*end));
        error[..end.unwrap_or_default()].to_owned()
    });
    let status = match (&error, is_aborted) {
        (_, true) => Status::Aborted,
        (Some(_), _) => Status::Failed,
        (None, _) => Status::Succeeded,
    };
    let named = node.clone();
    let names: Vec<&str> =
        [Some(&*job.name), named.as_deref(), Some(&job.machine.name)].into_iter().flatten().collect();
    let place = match context.phase {
        Some(phase) => format!("{phase}/{}", context.cycle),
        None => context.cycle.to_string(),
    };
    let main = Item {
        id: format!("{}/{place}/{}", job.name, context.number),
        uuid: job.run.to_string(),
        timestamp: epoch.rfc3339(started),
        operation,
        status,
        duration: ended.saturating_duration_since(started).as_secs_f64(),
        name: job.name.to_string(),
        group: job.group.name.to_string(),
        cluster_name: context.set.as_ref().map(|(set, _)| set.clone()),
        role: context.set.as_ref().map(|(_, role)| role.clone()),
        node,
        phase: context.phase.map(str::to_owned),
        cycle: context.cycle,
        scheduled: epoch.seconds(context.due.unwrap_or(started)),
        started: epoch.seconds(started),
        ended: epoch.seconds(ended),
        late: context.due.map(|due| started.saturating_duration_since(due).as_secs_f64()),
        requests,
        retries,
        cause: error.as_deref().filter(|_| status == Status::Failed).map(|error| cause(error, &names)),
        error,
        conductor,
        endpoint: endpoint.map(|endpoint| endpoint.to_string()),
        states: states.into_iter().map(|(state, at)| (state, epoch.seconds(at))).collect(),
        machine,
        machine_seconds,
        values: (*job.values).clone(),
    };
    let part = |part: super::driver::Part| Item {
        id: format!("{}/{}", main.id, part.operation.name()),
        timestamp: epoch.rfc3339(part.started),
        operation: part.operation,
        status: if part.error.is_some() { Status::Failed } else { Status::Succeeded },
        duration: part.ended.saturating_duration_since(part.started).as_secs_f64(),
        scheduled: epoch.seconds(part.started),
        started: epoch.seconds(part.started),
        ended: epoch.seconds(part.ended),
        late: None,
        requests: 0,
        retries: 0,
        cause: part.error.as_deref().map(|error| cause(error, &names)),
        error: part.error,
        states: Vec::new(),
        machine: Vec::new(),
        machine_seconds: BTreeMap::new(),
        ..main.clone()
    };
    let mut all: Vec<_> = parts.into_iter().map(part).collect();
    all.push(main);
    all
}
