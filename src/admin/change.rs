//! A change of many nodes: piece by piece, each node whole or not at all.

use std::sync::Arc;

use http::StatusCode;

use super::api::{Done, Nodes, Problem, Refused};
use super::control::Control;
use super::extract::Caller;
use super::target::{Piece, Target};
use crate::fleet::Fleet;
use crate::node::{Node, NodeId};
use crate::time::SimTime;

/// The largest number of refusals in an answer.
const MAX_REFUSALS: usize = 1000;

/// Changes one node, or refuses with a reason and leaves it as it is.
pub(super) type Act = Box<dyn Fn(&mut Node, SimTime) -> Result<(), String> + Send + Sync>;

/// What happens to each node.
pub(super) enum Change {
    Node(Act),
    Remove,
}

/// A change of many nodes, and the client that asks for it.
pub(super) struct Work {
    pub(super) caller: Caller,
    /// The change in a few words, for the journal; without secrets. `None` for a change that explains nothing about a machine,
    /// or removes it, journal included.
    pub(super) what: Option<String>,
    pub(super) dry_run: bool,
    pub(super) change: Change,
}

/// Applies a change to each node. With `dry_run` it tells what would happen, and changes nothing.
///
/// Each piece is on disk before the next one begins, so that a change of the whole fleet neither overtakes the disk nor delays
/// other clients.
///
/// # Errors
/// If the target is wrong, if the disk fails, or if every node refuses.
pub(super) async fn apply(
    control: &Arc<Control>,
    nodes: &Nodes,
    work: Work,
) -> Result<axum::Json<Done>, Problem> {
    let target = Arc::new(Target::new(nodes, &control.fleet)?);
    let mut done = Done { dry_run: work.dry_run, ..Done::default() };
    let work = Arc::new(work);
    for piece in target.pieces(&control.fleet) {
        if !work.dry_run
            && let Err(error) = control.fleet.may_change()
        {
            return Err(Problem::from(error).after(done));
        }
        let (target, work) = (Arc::clone(&target), Arc::clone(&work));
        let room = MAX_REFUSALS - done.refusals.len();
        match control.on_fleet(move |fleet| work.apply(fleet, piece, &target, room)).await {
            Ok(part) => {
                done.selected += part.selected;
                done.accepted += part.accepted;
                done.refused += part.refused;
                done.refusals.extend(part.refusals);
            }
            Err(problem) => return Err(problem.after(done)),
        }
    }
    if done.accepted == 0 && done.refused > 0 {
        let detail = match (&*done.refusals, done.refused) {
            ([only], 1) => format!("{} refuses: {}", only.node, only.reason),
            ([first, ..], refused) => {
                format!("all {refused} nodes refuse; the first, {}: {}", first.node, first.reason)
            }
            ([], _) => "all nodes refuse".to_owned(),
        };
        return Err(Problem::new(StatusCode::CONFLICT, detail).after(done));
    }
    Ok(axum::Json(done))
}

impl Work {
    fn apply(&self, fleet: &Fleet, piece: Piece, target: &Target, room: usize) -> Done {
        let mut done = Done::default();
        for id in piece.ids() {
            // The request stands before its consequences in the journal.
            let at = fleet.clock().now();
            let Some(result) = self.one(fleet, id, target) else { continue };
            done.selected += 1;
            if let Some(what) = self.what.as_deref().filter(|_| !self.dry_run) {
                let status = if result.is_ok() { StatusCode::OK } else { StatusCode::CONFLICT };
                let asked = self.caller.asked(at, what, status);
                fleet.journal().request(id, &asked);
            }
            match result {
                Ok(()) => done.accepted += 1,
                Err((node, reason)) => {
                    done.refused += 1;
                    if done.refusals.len() < room {
                        done.refusals.push(Refused { node, reason });
                    }
                }
            }
        }
        done
    }

    /// `None` if the node does not exist or is not selected. The error has the name of the node.
    fn one(&self, fleet: &Fleet, id: NodeId, target: &Target) -> Option<Result<(), (String, String)>> {
        match &self.change {
            Change::Node(act) => fleet
                .with(id, |node, now| {
                    target.has(node).then(|| {
                        let result = if self.dry_run { act(&mut node.clone(), now) } else { act(node, now) };
                        result.map_err(|reason| (node.spec().name(), reason))
                    })
                })
                .flatten(),
            Change::Remove => {
                let selected = fleet.look(id, |node, _| target.has(node))?;
                // Another client may have removed it in between.
                (selected && (self.dry_run || fleet.remove(id))).then_some(Ok(()))
            }
        }
    }
}
