//! What a node does, in one word each: the values of the fields `power`, `state` and `agent` of selections.

use super::Node;
use super::host::{Host, Running};
use super::ipa::Phase;

impl Node {
    /// The power of the machine in one word, as selections and the control API have it.
    pub fn power_word(&self) -> &'static str {
        match self.host() {
            Host::Off => "off",
            Host::PoweringOn { .. } => "powering-on",
            Host::Post { .. } | Host::Booting(_) | Host::Running { .. } => "on",
            Host::PoweringOff { .. } => "powering-off",
        }
    }

    /// What the machine does, in one word.
    pub fn state_word(&self) -> &'static str {
        match self.host() {
            Host::Off => "off",
            Host::PoweringOn { .. } => "powering-on",
            Host::Post { .. } => "post",
            Host::Booting(_) => "booting",
            Host::Running { what, .. } => match what {
                Running::NoBootDevice => "no-boot-device",
                Running::Setup => "setup",
                Running::Os => "os-running",
                Running::Live => "live-running",
                Running::Ipa(agent) => match agent.phase {
                    Phase::Starting { .. }
                    | Phase::Inspecting(_)
                    | Phase::LookingUp(_)
                    | Phase::Serving(_) => "agent-running",
                    Phase::Closed(_) => "agent-closed",
                },
            },
            Host::PoweringOff { .. } => "powering-off",
        }
    }

    /// The phase of the agent in one word.
    pub fn agent_word(&self) -> &'static str {
        let Some(agent) = self.ipa() else { return "none" };
        match &agent.phase {
            Phase::Starting { .. } => "starting",
            Phase::Inspecting(_) => "inspecting",
            Phase::LookingUp(_) => "looking-up",
            Phase::Serving(serving) if serving.commands.running().is_none() => "serving",
            Phase::Serving(_) => "working",
            Phase::Closed(_) => "closed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::Command;
    use super::super::lab;
    use super::super::tests::Bench;
    use super::*;
    use crate::selection::words;

    #[test]
    fn every_word_can_be_selected() {
        let mut bench = Bench::new();
        let seen = |node: &Node| {
            assert!(words::POWER.contains(&node.power_word()), "{}", node.power_word());
            assert!(words::STATE.contains(&node.state_word()), "{}", node.state_word());
            assert!(words::AGENT.contains(&node.agent_word()), "{}", node.agent_word());
        };
        seen(&bench.node);
        bench.serving();
        seen(&bench.node);
        bench.apply(Command::Lab(lab::Command::CrashAgent)).unwrap();
        seen(&bench.node);
    }
}
