//! What the listeners of a fleet allow: a fault that comes before the head of a request reaches a node only at an address of its own.

use super::act::{Act, Occasion};
use super::agent;
use super::rule::Rule;
use super::wire;
use crate::wire::Need;

/// What the listeners of a fleet allow.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// Each BMC has a service root of its own.
    pub own_roots: bool,
    pub bmcs: Side,
    /// `None` if agents have no listener.
    pub agents: Option<Side>,
}

/// What the listeners of BMCs or of agents allow.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    /// Each node has an address of its own there.
    pub own_addresses: bool,
    pub tls: bool,
    /// Certificates there are made by fauxmetal.
    pub own_ca: bool,
}

impl Reach {
    /// # Errors
    /// What the rule needs, and how the fleet can be served so.
    pub fn check(&self, rule: &Rule) -> Result<(), String> {
        let fault = rule.what.name();
        if rule.what.act() == Act::Agent(agent::Act::Certificate) && !self.agents.is_some_and(|side| side.tls)
        {
            return Err(format!(
                "the fault '{fault}' is about the certificate of agents, whose listener has no TLS; serve the fleet with https:// in --agent-listen"
            ));
        }
        let side = match rule.what.occasion() {
            Occasion::Login if !self.own_roots => {
                return Err(format!(
                    "the fault '{fault}' is about the sessions of a BMC, and all BMCs share one service root; serve the fleet with --addresses ip, port or host"
                ));
            }
            Occasion::AgentRequest | Occasion::AgentConnection => match self.agents {
                Some(side) => side,
                None => {
                    return Err(format!(
                        "the fault '{fault}' is about the API of agents, which have no listener; serve the fleet without --agent-listen off"
                    ));
                }
            },
            Occasion::Connection => self.bmcs,
            _ => return Ok(()),
        };
        let Act::Wire(wire::Act::Open(opening)) = rule.what.act() else { return Ok(()) };
        if !side.own_addresses && !rule.who.is_everybody() {
            return Err(format!(
                "the fault '{fault}' comes before the head of a request, and several nodes share a listener; write 'who: {{all: true}}' for the whole listener, or serve the fleet with --addresses ip, port or host, of which only ip and port give each node an address of its own"
            ));
        }
        match opening.need() {
            Need::Tls | Need::OwnCa if !side.tls => Err(format!(
                "the fault '{fault}' is about TLS, and the listener has none; serve the fleet with https:// in --listen and --agent-listen"
            )),
            Need::OwnCa if !side.own_ca => Err(format!(
                "the fault '{fault}' needs a certificate that fauxmetal makes; serve the fleet without --tls-cert and --tls-key"
            )),
            Need::Nothing | Need::Tls | Need::OwnCa => Ok(()),
        }
    }
}
