//! Actions of the service that the BMC of one machine executes. Below the root that all machines share, the request says
//! which one is meant.

use uuid::Uuid;

use super::error::Problem;
use super::install::Install;
use super::update::Update;
use crate::node::Node;
use crate::node::bmc::tasks::Payload;
use crate::node::command::Command;

/// A request for such an action.
pub(super) struct Directed {
    pub what: What,
    /// The request, for its task.
    pub payload: Option<Payload>,
}

pub(super) enum What {
    Update(Update),
    Install(Install),
}

impl From<What> for Directed {
    fn from(what: What) -> Self {
        Self { what, payload: None }
    }
}

impl Directed {
    /// The UUID of the machine that is meant, below the root that all machines share.
    pub(super) fn machine(&self) -> Option<Uuid> {
        match &self.what {
            What::Update(update) => update.machine(),
            What::Install(install) => install.machine(),
        }
    }

    /// The command for this machine. The whole request must mean it.
    pub(super) fn command(&self, node: &Node, own_root: bool) -> Result<Command, Problem> {
        match &self.what {
            What::Update(update) => update.command(node, own_root).map(Command::Firmware),
            What::Install(install) => install.command(node, own_root).map(Command::License),
        }
    }

    /// The request means no machine.
    pub(super) fn nobody(&self) -> Problem {
        match &self.what {
            What::Update(update) => update.no_target(0),
            What::Install(install) => install.nobody(),
        }
    }
}
