//! The BMC that installs a license from a file.

use uuid::Uuid;

use super::error::Problem;
use super::message::{ACTION_PARAMETER_MISSING, ACTION_PARAMETER_VALUE_NOT_IN_LIST, Message};
use crate::node::Node;
use crate::node::bmc::licenses::Command;
use crate::node::bmc::source::Source;

const INSTALL: &str = "LicenseService.Install";
const MANAGERS: &str = "/redfish/v1/Managers/";

/// A request for `LicenseService.Install`.
pub(super) struct Install {
    pub source: Source,
    /// The URIs that say which BMC is meant, each with its parameter.
    pub named: Vec<(&'static str, Box<str>)>,
}

impl Install {
    /// The parameters that say which BMC is meant. The first is the one that a request to a shared root needs.
    pub(super) const NAMED_BY: [&str; 2] = ["TargetServices", "AuthorizedDevices"];

    /// The UUID of the machine that is meant, below the root that all machines share.
    pub(super) fn machine(&self) -> Option<Uuid> {
        let (_, uri) = self.named.first()?;
        uri.strip_prefix(MANAGERS)?.parse().ok()
    }

    /// The command for this machine.
    pub(super) fn command(&self, node: &Node, own_root: bool) -> Result<Command, Problem> {
        let profile = node.profile();
        let own = match own_root {
            true => format!("{MANAGERS}{}", profile.ids.manager),
            false => format!("{MANAGERS}{}", node.spec().uuid()),
        };
        // A shared root has licenses if one of its models has them.
        let has_licenses = !profile.lacks("LicenseService");
        // A UUID can be written in capitals.
        let is_own = |uri: &str| has_licenses && uri.eq_ignore_ascii_case(&own);
        match self.named.iter().find(|(_, uri)| !is_own(uri)) {
            Some((key, uri)) => Err(not_in_list(key, uri)),
            None => Ok(Command::Fetch { source: self.source.clone(), start: Box::default() }),
        }
    }

    /// The request means no machine.
    pub(super) fn nobody(&self) -> Problem {
        match self.named.first() {
            Some((key, uri)) => not_in_list(key, uri),
            None => Message::new(&ACTION_PARAMETER_MISSING, [INSTALL, Self::NAMED_BY[0]]).into(),
        }
    }
}

fn not_in_list(key: &str, uri: &str) -> Problem {
    let message = Message::new(&ACTION_PARAMETER_VALUE_NOT_IN_LIST, [uri, key, INSTALL]);
    message.about(format!("#/{key}/0")).into()
}
