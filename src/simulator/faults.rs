//! Rules of faults, for a test.

use super::Simulator;
use super::builder::setting;
use super::error::Error;
use crate::fault::{Preset, Rule, Who};

impl Simulator {
    /// Adds a rule that says which nodes misbehave, when, and how. It is in effect at once. Returns the number of its nodes.
    ///
    /// `rule` is JSON, as in the control API and in the files of `fauxmetal serve --faults`, or the name of a preset, which all
    /// nodes get.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use fauxmetal::{Simulator, http::Request};
    ///
    /// let simulator = Simulator::builder().nodes("generic", 3).without_listeners().start()?;
    /// let rule = r#"{"name": "broken", "who": {"names": ["generic-1"]}, "what": {"status": {"code": 500}}}"#;
    /// assert_eq!(simulator.add_fault(rule)?, 1);
    /// let system = format!("/redfish/v1/Systems/{}", simulator.node(1)?.identity().uuid);
    /// let get = || {
    ///     let request = Request::get(&*system).header("Authorization", simulator.authorization());
    ///     Ok::<_, Box<dyn std::error::Error>>(simulator.call_bmc(request.body("")?).status().as_u16())
    /// };
    /// assert_eq!((get()?, simulator.fault_firings("broken")?), (500, 1));
    /// simulator.clear_fault("broken")?;
    /// assert_eq!(get()?, 200);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Setting`] if the rule is wrong, or there is a rule of that name already.
    pub fn add_fault(&self, rule: &str) -> Result<u64, Error> {
        let wrong = |problem: String| setting("rule", rule, problem);
        let rules = match Preset::named(rule) {
            Some(preset) => preset.rules(&preset.name, &Who::everybody()).map_err(wrong)?,
            None => vec![serde_json::from_str::<Rule>(rule).map_err(|error| wrong(error.to_string()))?],
        };
        let added =
            self.world.fleet.add_rules(rules, false, false).map_err(|problem| wrong(problem.to_string()))?;
        Ok(added.iter().map(|added| added.nodes.len() as u64).sum())
    }

    /// Clears a rule: every condition that it imposes ends, and what has happened stays.
    ///
    /// # Errors
    /// [`Error::Setting`] if there is no rule of that name.
    pub fn clear_fault(&self, name: &str) -> Result<(), Error> {
        let cleared = self.world.fleet.clear_rule(name);
        cleared.map(drop).map_err(|problem| setting("name", name, problem.to_string()))
    }

    /// How often a rule has fired, on all nodes together. A test whose rule has never fired proves nothing.
    ///
    /// # Errors
    /// [`Error::Setting`] if there is no rule of that name.
    pub fn fault_firings(&self, name: &str) -> Result<u64, Error> {
        let found = self.world.fleet.rule_status(name);
        let found = found.ok_or_else(|| setting("name", name, format!("there is no rule '{name}'")))?;
        Ok(found.fired)
    }
}
