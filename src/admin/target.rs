//! The nodes that a request names: a selection, a list of names, or all.

use std::ops::Range;

use crate::fleet::Fleet;
use crate::node::{Node, NodeId};
use crate::selection::Selection;

use super::api::{Nodes, Problem};

/// The largest number of names in a request.
pub(super) const MAX_NAMES: usize = 10_000;
/// The number of nodes that are looked at in one piece of work.
pub(super) const PIECE: u32 = 4096;

/// The nodes that a request is about.
#[derive(Clone)]
pub(super) enum Target {
    Ids(Vec<NodeId>),
    /// The selected nodes; all of them without a selection.
    Selected(Option<Selection>),
}

impl Target {
    /// # Errors
    /// If the selection is wrong, a name is unknown, or there are too many of them.
    pub(super) fn new(nodes: &Nodes, fleet: &Fleet) -> Result<Self, Problem> {
        match nodes {
            Nodes::Selector(text) => Ok(Self::Selected(Some(selection("nodes.selector", text)?))),
            Nodes::All(true) => Ok(Self::Selected(None)),
            Nodes::All(false) => {
                let detail = "'all' is false; allowed is true, or 'selector' or 'names' in its place";
                Err(Problem::wrong("nodes.all", "false", detail).allowing(["true"]))
            }
            Nodes::Names(names) => {
                if names.is_empty() || names.len() > MAX_NAMES {
                    let detail = format!("'names' has {} names; allowed are 1 to {MAX_NAMES}", names.len());
                    return Err(Problem::wrong("nodes.names", &names.len().to_string(), detail));
                }
                let mut ids = names.iter().map(|name| named(fleet, name)).collect::<Result<Vec<_>, _>>()?;
                ids.sort_unstable();
                ids.dedup();
                Ok(Self::Ids(ids))
            }
        }
    }

    /// The pieces of work, each with at most [`PIECE`] indexes.
    pub(super) fn pieces(&self, fleet: &Fleet) -> Vec<Piece> {
        match self {
            Self::Ids(ids) => ids.chunks(PIECE as usize).map(|ids| Piece::Ids(ids.to_vec())).collect(),
            Self::Selected(selection) => {
                let all = fleet.indexes(selection.as_ref());
                let starts = all.clone().step_by(PIECE as usize);
                starts.map(|start| Piece::Range(start..all.end.min(start.saturating_add(PIECE)))).collect()
            }
        }
    }

    /// Whether the target has a node, among those of its pieces.
    pub(super) fn has(&self, node: &Node) -> bool {
        match self {
            Self::Ids(_) | Self::Selected(None) => true,
            Self::Selected(Some(selection)) => selection.matches(node),
        }
    }
}

/// Some nodes of a target.
#[derive(Clone)]
pub(super) enum Piece {
    Ids(Vec<NodeId>),
    Range(Range<u32>),
}

impl Piece {
    pub(super) fn ids(self) -> Box<dyn Iterator<Item = NodeId>> {
        match self {
            Self::Ids(ids) => Box::new(ids.into_iter()),
            Self::Range(range) => Box::new(range.map(NodeId)),
        }
    }
}

/// # Errors
/// If the text is no selection. `field` is the member or parameter that has it.
pub(super) fn selection(field: &str, text: &str) -> Result<Selection, Problem> {
    text.parse().map_err(|error| Problem::wrong(field, text, format!("the selection is wrong {error}")))
}

/// The node with this name or UUID.
///
/// # Errors
/// If there is no such node.
pub(super) fn named(fleet: &Fleet, name: &str) -> Result<NodeId, Problem> {
    fleet.find_named(name).ok_or_else(|| unknown(name))
}

pub(super) fn unknown(name: &str) -> Problem {
    let detail = format!("there is no node '{name}'; a node has a name such as generic-3, or a UUID");
    Problem { value: Some(name.to_owned()), ..Problem::new(http::StatusCode::NOT_FOUND, detail) }
}
