//! Ends the work for a node as soon as the node no longer needs it.

use std::pin::pin;

use super::runner::EffectRunner;
use crate::node::{Node, NodeId};

impl EffectRunner {
    /// Performs `work` while `wanted` holds for the node. Returns `None`, and drops `work` with its connections, at the
    /// first change after which `wanted` does not hold: the machine was powered off or restarted, or the image ejected.
    pub(super) async fn while_wanted<T>(
        &self,
        id: NodeId,
        wanted: impl Fn(&Node) -> bool,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let changed = self.fleet.changed(id);
        let unwanted = async {
            loop {
                let mut change = pin!(changed.next());
                change.as_mut().enable();
                if self.fleet.look(id, |node, _| wanted(node)) != Some(true) {
                    return;
                }
                change.await;
            }
        };
        tokio::select! {
            biased;
            () = unwanted => None,
            done = work => Some(done),
        }
    }
}
