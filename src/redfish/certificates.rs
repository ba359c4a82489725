//! The HTTPS certificates of BMCs: which one a listener presents, and their changes.

use std::sync::Arc;

use rustls::sign::CertifiedKey;
use uuid::Uuid;

use super::certificate_change::Asking;
use super::error::Problem;
use super::resource::Outcome;
use super::root::Root;
use super::service::Redfish;
use super::task::AskedAt;
use crate::face::Peer;
use crate::node::{Node, NodeId};
use crate::time::SimTime;
use crate::tls::certified;

impl Redfish {
    /// The certificate that a client has installed for connections of a peer.
    pub(super) fn certificate_for(&self, peer: &Peer) -> Option<Arc<CertifiedKey>> {
        let id = peer.node.map(NodeId).or_else(|| Some(self.fleet.first().get()?.0))?;
        // The node need not be settled: a BMC that restarts accepts no connection at an address of its own.
        let installed = self.fleet.identify(id, |node, _| node.bmc().https.installed.clone())??;
        match certified(&installed.chain, &installed.key.0) {
            Ok(certified) => Some(certified),
            Err(error) => {
                tracing::warn!(node = id.0, %error, "an installed certificate cannot be used");
                None
            }
        }
    }

    /// Does what a client asks of the certificate service.
    pub(super) fn change_certificate(&self, root: &mut Root<'_>, asking: Asking) -> Result<Outcome, Problem> {
        let Some(manager) = asking.manager() else { return Err(asking.no_such()) };
        let act = |node: &mut Node, now: SimTime, own_root: bool, asking: Asking| {
            if !self.facts.may_replace(node.id(), own_root) {
                return Err(asking.not_the_first(self.fleet.first().get().map(|(_, uuid)| uuid)));
            }
            let uri = asking.uri().to_owned();
            let replaces = matches!(asking, Asking::Replace { .. });
            let command = asking.command(node, now)?;
            let outcome = self.apply(node, command, AskedAt { own_root, now }, || None)?;
            Ok(if replaces { Outcome::Replaced(uri) } else { outcome })
        };
        match root {
            Root::Own { node, now } if node.profile().ids.manager == manager => act(node, *now, true, asking),
            Root::Own { .. } => Err(asking.no_such()),
            Root::Shared => {
                let uuid: Option<Uuid> = manager.parse().ok();
                let Some(id) = uuid.and_then(|uuid| self.fleet.find(uuid)) else {
                    return Err(asking.no_such());
                };
                let uri = asking.uri().to_owned();
                let done = self.fleet.with(id, |node, now| act(node, now, false, asking));
                done.unwrap_or_else(|| Err(Problem::not_found(&uri)))
            }
        }
    }
}
