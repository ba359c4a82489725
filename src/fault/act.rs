//! What a fault is: the seam at which it acts, the occasion at which it can fire, and the act.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{agent, bmc, host, wire};

/// A place at which a fault enters. Every case of its kind passes through one function there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seam {
    /// The connections of BMCs and agents.
    Wire,
    /// The requests to a BMC, and its documents.
    Bmc,
    /// The machine: power, self test, boot, parts.
    Host,
    /// The agent in the ramdisk, and its calls.
    Agent,
}

impl Seam {
    /// The name in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wire => "wire",
            Self::Bmc => "BMC",
            Self::Host => "host",
            Self::Agent => "agent",
        }
    }
}

/// A moment at which a rule is asked whether it fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// A connection to the BMC, or to the root that all BMCs share.
    Connection,
    /// A connection to the agent, or to the listener that all agents share.
    AgentConnection,
    /// A request that concerns the node, at its BMC.
    Request,
    /// A request to the API of the agent.
    AgentRequest,
    /// A request begins a task.
    Task,
    /// A client asks for a session of the BMC.
    Login,
    /// The BMC accepts a power-on of a machine that is off.
    PowerOn,
    /// The BMC accepts a request that ends the power: a forced power-off or an orderly shutdown.
    PowerOff,
    /// The self test begins.
    Post,
    /// The firmware lists its boot sources.
    Boot,
    /// The firmware reads a boot source.
    Media,
    /// A ramdisk with an agent has booted.
    AgentStart,
    /// A heartbeat of the agent is due.
    Heartbeat,
    /// The agent accepts a command.
    Command,
    /// The agent accepts a command that writes an image.
    Image,
    /// The agent begins an attempt to download an image.
    Download,
    /// The rule begins to take effect, at once or [after a state is entered](super::After). A condition lasts until the rule's end.
    Begin,
}

impl Occasion {
    /// The occasion as a person says it, for `fault test`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::AgentConnection => "connection to the agent",
            Self::Request => "request",
            Self::AgentRequest => "request to the agent",
            Self::Task => "task",
            Self::Login => "login",
            Self::PowerOn => "power-on",
            Self::PowerOff => "power-off",
            Self::Post => "self test",
            Self::Boot => "boot",
            Self::Media => "read of a boot source",
            Self::AgentStart => "start of the agent",
            Self::Heartbeat => "heartbeat",
            Self::Command => "command to the agent",
            Self::Image => "write of an image",
            Self::Download => "download of an image",
            Self::Begin => "begin of the effect",
        }
    }
}

impl Occasion {
    /// Whether it is a request, which rules can select.
    pub fn is_request(self) -> bool {
        matches!(self, Self::Request | Self::AgentRequest | Self::Login)
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a seam does when a fault has fired, or as long as the condition that the fault imposes lasts.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Wire(wire::Act),
    Bmc(bmc::Act),
    Host(host::Act),
    Agent(agent::Act),
}

/// One kind of fault. Its parameters are the fields of the type.
pub trait Fault {
    /// The name in a rule.
    const NAME: &'static str;
    /// The seam at which it acts.
    const SEAM: Seam;
    /// What a client of the BMC or of the agent sees.
    const SEEN: &'static str;
    /// What ends with the rule.
    const ENDS: &'static str;
    /// What stays, as on hardware.
    const STAYS: &'static str;
    /// The test that shows it: a path of a test function or script.
    const TEST: &'static str;

    /// The occasion at which the rule is asked.
    fn occasion(&self) -> Occasion;

    fn act(&self) -> Act;

    /// What happens then, where 64 random bits decide. The seed, the rule, the node and the number of the occasion decide them.
    fn act_with(&self, _roll: u64) -> Act {
        self.act()
    }

    /// Parameters that are allowed, for tests of all faults. Without an own example, none.
    #[cfg(test)]
    fn example() -> serde_json::Value {
        serde_json::json!({})
    }

    /// Checks the parameters of the fault.
    ///
    /// # Errors
    /// The field, its value, and what is allowed.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}
