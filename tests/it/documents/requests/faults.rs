//! Random rules of faults among random requests: no panic, no answer that the rules do not ask for, nothing wrong with the machines
//! that have no rule, and nothing left of the rules once they are cleared.
//!
//! `PROPTEST_CASES=2000 cargo test --test it random_rules` tries more sequences than an ordinary run.

use fauxmetal::fault::{Act, Occasion, Rule, What};
use fauxmetal::node::rules::Faults;
use fauxmetal::node::{Node, NodeId};
use proptest::prelude::*;
use serde_json::json;

use super::agent::{Agents, Ask, any_ask, ramdisk};
use super::any_rule::{any_name, any_rule};
use super::bodies::right;
use super::checker::sequences;
use super::site::{MACHINES, New, Response, Site, WATCHER};
use super::{STATUSES, Sent, Step, any_step, check_body, difference, learn};

/// Sequences of an ordinary test run.
const CASES: u32 = 30;
const MINUTE: u64 = 60_000;

/// What happens in a sequence.
#[derive(Clone)]
enum Happening {
    /// A request to a BMC.
    Request(Box<Step>),
    /// A request to an agent, which boots before if there is none, and a minute.
    Ask(Ask),
    Add(Box<Rule>),
    Clear(String),
    /// A machine boots an agent, as far as its rules let it.
    Boot(u32),
    /// Firmware of a machine is updated, and a client logs in at the root of its own.
    Work(u32),
}

/// One line: a sequence that fails is printed.
impl std::fmt::Debug for Happening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Request(step) => write!(f, "{step:?}"),
            Self::Ask(ask) => write!(f, "{} to the agent of {}", ask.command, ask.machine),
            Self::Add(rule) => write!(f, "add {}", json!(rule)),
            Self::Clear(name) => write!(f, "clear {name}"),
            Self::Boot(machine) => write!(f, "boot {machine}"),
            Self::Work(machine) => write!(f, "work of {machine}"),
        }
    }
}

fn any_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => any_step().prop_map(|step| Happening::Request(Box::new(step))),
        4 => any_ask(any_machine()).prop_map(Happening::Ask),
        4 => any_rule().prop_map(|rule| Happening::Add(Box::new(rule))),
        1 => any_name().prop_map(Happening::Clear),
        2 => any_machine().prop_map(Happening::Boot),
        2 => any_machine().prop_map(Happening::Work),
    ]
}

/// The first machine most of all, because it has most of the rules.
fn any_machine() -> impl Strategy<Value = u32> {
    prop_oneof![3 => Just(0), 1 => 1..MACHINES]
}

/// A service with machines, agents and rules.
struct World {
    site: Site,
    agents: Agents,
}

impl World {
    fn new(model: &str, new: &New, guest: u8) -> Self {
        let mut site = Site::new(model, new, guest);
        site.boots = ramdisk();
        let agents = Agents::of(&site.redfish.fleet);
        Self { site, agents }
    }

    fn look<R>(&self, machine: u32, see: impl FnOnce(&Node) -> R) -> R {
        self.site.redfish.fleet.look(NodeId(machine), |node, _| see(node)).unwrap()
    }

    fn uuid(&self, machine: u32) -> String {
        self.look(machine, |node| node.spec().uuid().to_string())
    }

    /// The faults of all rules.
    fn whats(&self) -> Vec<What> {
        self.site.redfish.fleet.rules().iter().map(|armed| armed.rule.what.clone()).collect()
    }

    /// Lets minutes pass in which all calls of the machines are answered.
    fn pass(&mut self, minutes: u32) {
        for _ in 0..minutes {
            self.site.wait(MINUTE);
            self.site.answer(true);
        }
    }

    /// Restarts a machine from the network.
    fn boot(&mut self, machine: u32) {
        let system = format!("/redfish/v1/Systems/{}", self.uuid(machine));
        let pxe = json!({"Boot": {"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once"}});
        let reset = format!("{system}/Actions/ComputerSystem.Reset");
        self.site.watch(0, "POST", &reset, &json!({"ResetType": "ForceOff"}));
        self.pass(2);
        self.site.watch(0, "PATCH", &system, &pxe);
        self.site.watch(0, "POST", &reset, &json!({"ResetType": "On"}));
        self.pass(20);
    }

    /// Begins a task of a machine, and a session at the machine's own root.
    fn work(&mut self, machine: u32) {
        let (uuid, update) =
            (self.uuid(machine), "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate");
        let updates = right("POST", update, &self.site.roots[0].facts);
        let update_of = updates.iter().find(|body| body.to_string().contains(&uuid)).unwrap();
        self.site.watch(0, "POST", update, update_of);
        let login = json!({"UserName": "admin", "Password": "password"});
        self.site.watch(1, "POST", "/redfish/v1/SessionService/Sessions", &login);
        self.pass(2);
    }

    fn happen(&mut self, happening: &Happening) -> Result<(), TestCaseError> {
        match happening {
            Happening::Request(step) => self.request(step)?,
            Happening::Ask(ask) => {
                if self.look(ask.machine, |node| node.ipa().is_none()) {
                    self.boot(ask.machine);
                }
                self.agents.send(*ask).map_err(TestCaseError::fail)?;
                self.pass(1);
            }
            Happening::Add(rule) => {
                self.site.redfish.fleet.add_rule((**rule).clone(), true, false).unwrap();
            }
            Happening::Clear(name) => drop(self.site.redfish.fleet.clear_rule(name)),
            Happening::Boot(machine) => self.boot(*machine),
            Happening::Work(machine) => self.work(*machine),
        }
        let opens = self.whats().iter().any(|what| matches!(what.act(), Act::Wire(_)));
        for (machine, occasion) in
            (0..MACHINES).flat_map(|n| [(n, Occasion::Connection), (n, Occasion::AgentConnection)])
        {
            let opening = self.site.redfish.fleet.opening(Some(machine), occasion);
            prop_assert!(opening.is_none() || opens, "no rule asks for {opening:?}");
        }
        Ok(())
    }

    /// A request that no rule can meet obeys everything that it obeys without rules.
    fn request(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let sent = step.sent(&self.site);
        // A request to the update service names its machines, or means some of them.
        let text = format!("{} {}", sent.path, String::from_utf8_lossy(&sent.body));
        let is_about = |machine: u32| text.contains("/UpdateService/") || text.contains(&self.uuid(machine));
        let has_rules = |machine: u32| self.look(machine, |node| !node.faults().rules().is_empty());
        // At its own root, a machine with rules may have lost what clients have set up.
        if step.root == 0 && !(0..MACHINES).any(|machine| has_rules(machine) && is_about(machine)) {
            return step.run(&mut self.site);
        }
        step.begin(&mut self.site);
        let mut sent = step.sent(&self.site);
        if sent.path.starts_with(WATCHER) {
            sent.method = "GET";
        }
        let (_, login) = step.login(&self.site);
        let Some(request) = step.request(&self.site, &sent, login) else { return Ok(()) };
        let response = self.site.send(step.root, &request);
        self.check(&sent, &response, step.query.is_none()).map_err(|why| {
            let rules = self.site.redfish.fleet.rules();
            let rules: Vec<_> = rules.iter().map(|armed| &armed.rule).collect();
            TestCaseError::fail(format!("{why}\n{step:?}\n{} {}\n{rules:?}", response.status, response.json))
        })?;
        learn(&mut self.site, &sent, &response);
        Ok(())
    }

    /// An answer to a request that rules may have met.
    fn check(&self, sent: &Sent, response: &Response, is_whole: bool) -> Result<(), String> {
        let whats = self.whats();
        let is_asked_for =
            |what: &What| matches!(what, What::Status(status) if status.code == response.status);
        if !STATUSES.contains(&response.status) && !whats.iter().any(is_asked_for) {
            return Err("no rule asks for that status".to_owned());
        }
        if !whats.iter().any(|what| matches!(what, What::Document(_))) {
            return check_body(&self.site, sent, response, is_whole);
        }
        let is_text = response.body.is_empty() || sent.path.ends_with("$metadata");
        if is_text || !response.json.is_null() { Ok(()) } else { Err("the body is not JSON".to_owned()) }
    }

    /// Clears all rules. Nothing is left of them in the state of the machines.
    fn clear(&mut self) -> Result<(), TestCaseError> {
        let fleet = &self.site.redfish.fleet;
        for armed in fleet.rules() {
            fleet.clear_rule(armed.rule.name.as_str()).unwrap();
        }
        prop_assert!(!fleet.has_faults() && fleet.rules().is_empty());
        for machine in 0..MACHINES {
            self.look(machine, |node| {
                let state = serde_json::to_value(node.state()).unwrap();
                prop_assert_eq!(&state["faults"], &json!(Faults::default()));
                // Nobody but rules lets parts fail here.
                prop_assert_eq!(node.bmc().failed_parts().count(), 0);
                prop_assert!(node.shown().is_none(), "it shows what it is");
                Ok(())
            })?;
        }
        self.site.wait_for_controllers();
        self.check_that_nothing_is_held()
    }

    /// What rules have held goes on: an hour later nothing is in the middle of a start or of work, and agents beat.
    fn check_that_nothing_is_held(&mut self) -> Result<(), TestCaseError> {
        self.pass(60);
        let now = self.site.redfish.fleet.clock().now();
        for machine in 0..MACHINES {
            self.look(machine, |node| {
                prop_assert!(!["powering-on", "post", "powering-off"].contains(&node.state_word()));
                prop_assert!(!["starting", "working"].contains(&node.agent_word()));
                let last_beat = node.ipa().and_then(|agent| Some(agent.serving()?.last));
                prop_assert!(
                    last_beat.is_none_or(|last| now.since_ms(last) < 10 * MINUTE),
                    "heartbeats go on"
                );
                Ok(())
            })?;
        }
        let tasks = self.site.get(0, "/redfish/v1/TaskService/Tasks?$expand=.").json;
        prop_assert!(!tasks["Members"].to_string().contains(r#""TaskState":"Running""#), "{tasks}");
        Ok(())
    }

    /// A machine without rules boots an agent that executes a command and beats, whatever has happened before.
    fn live(&mut self, machine: u32) -> Result<(), TestCaseError> {
        self.boot(machine);
        let words = self.look(machine, |node| (node.state_word(), node.agent_word()));
        prop_assert_eq!(words, ("agent-running", "serving"));
        self.agents.send(Ask::clean(machine)).map_err(TestCaseError::fail)?;
        self.pass(10);
        let commands = self.agents.send(Ask::list(machine)).map_err(TestCaseError::fail)?;
        prop_assert_eq!(&commands["commands"][0]["command_status"], "SUCCEEDED");
        Ok(())
    }

    /// Gives the machines of another fleet, which never had a rule, the states of these ones. A machine that is restored keeps its
    /// sessions for longer, so both are.
    fn copy_to(&mut self, twin: &mut Self) {
        self.site.answer(true);
        let (fleet, other) = (&self.site.redfish.fleet, &twin.site.redfish.fleet);
        other.clock().set(fleet.clock().now());
        for machine in 0..MACHINES {
            let state = self.look(machine, |node| node.state().clone());
            assert!(fleet.restore(NodeId(machine), state.clone()) && other.restore(NodeId(machine), state));
        }
    }
}

#[test]
fn random_rules_do_what_they_say_and_leave_nothing_behind() {
    sequences(CASES, any_happening(), 10..40, |checker, (model, new, guest), happenings| {
        let mut world = World::new(model, new, guest);
        for (n, happening) in happenings.iter().enumerate() {
            let wrong = |error| TestCaseError::fail(format!("happening {n} of {model}: {error}"));
            world.happen(happening).map_err(wrong)?;
        }
        world.clear()?;
        let mut twin = World::new(model, new, guest);
        world.copy_to(&mut twin);
        for machine in 0..MACHINES {
            world.live(machine)?;
            twin.live(machine)?;
        }
        for (machine, other) in world.site.state().machines.iter().zip(twin.site.state().machines) {
            prop_assert!(*machine == other, "the twin differs:\n{}", difference(machine, &other));
        }
        checker.check(&world.site)
    });
}
