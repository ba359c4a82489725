//! What the parts of a plan say about each other.

use std::collections::BTreeSet;

use super::assertion::Function;
use super::cleanup::Cleanup;
use super::document::Plan;
use super::fleet::FleetSource;
use super::group::{Count, Group};
use super::operation::Operation;
use super::pacing::Pacing;
use super::phase::{After, Phase};
use super::target::{Login, Target};
use super::until::Until;
use super::watch::Watch;

use crate::selection::label;

impl Plan {
    /// Checks the plan.
    ///
    /// # Errors
    /// The field, its value, and what is allowed.
    pub fn check(&self) -> Result<(), String> {
        if self.name.as_str().len() > 24 {
            return Err(format!(
                "'name' is '{}'; at most 24 characters are allowed, since the names of nodes begin with it",
                self.name
            ));
        }
        self.check_target()?;
        self.check_fleet()?;
        self.check_groups()?;
        self.check_pacing(&self.pacing, "pacing", &self.all_groups())?;
        self.check_phases()?;
        self.check_sweep()?;
        between("timeout", self.timeout.ms(), 1, 7 * 86_400_000, "1ms", "7d")?;
        number("cleanup.concurrency", self.cleanup.concurrency, 1, Cleanup::MAX_CONCURRENCY)?;
        between("watch.every", self.watch.every.ms(), 100, 3_600_000, "100ms", "1h")?;
        self.check_watch()?;
        self.check_assertions()
    }

    fn all_groups(&self) -> Vec<&Group> {
        self.groups.iter().collect()
    }

    fn check_target(&self) -> Result<(), String> {
        let (poll, requests) = match &self.target {
            Target::Ironic(ironic) => {
                if ironic.url.0.is_empty() && !matches!(ironic.auth, Login::Keystone(_)) {
                    return Err("'target.ironic.url' is missing; write the URL of the API, such as http://127.0.0.1:6385".to_owned());
                }
                let version = ironic.microversion.as_str();
                let valid = version == "latest"
                    || version.split_once('.').is_some_and(|(major, minor)| {
                        major == "1" && minor.parse::<u16>().is_ok_and(|minor| minor >= 51)
                    });
                if !valid {
                    return Err(format!(
                        "'target.ironic.microversion' is '{version}'; write latest, or a version from 1.51 on in quotes, such as \"1.109\""
                    ));
                }
                (ironic.poll, ironic.requests)
            }
            Target::Redfish(redfish) => (redfish.poll, redfish.requests),
        };
        between("target.….poll", poll.ms(), 50, 600_000, "50ms", "10m")?;
        number("target.….requests", requests, 1, 1024)
    }

    fn check_fleet(&self) -> Result<(), String> {
        if let FleetSource::Own(own) = &self.fleet {
            for key in ["nodes", "profile", "seed", "config", "state", "snapshot", "faults"] {
                if own.settings.contains_key(key) {
                    let instead = match key {
                        "seed" => "write 'seed' of the plan",
                        "faults" => "write 'faults' of a phase",
                        _ => "the groups determine the nodes",
                    };
                    return Err(format!("'fleet.own.settings.{key}' is not allowed; {instead}"));
                }
            }
        }
        Ok(())
    }

    fn check_groups(&self) -> Result<(), String> {
        if self.groups.is_empty() || self.groups.len() > Self::MAX_GROUPS {
            return Err(format!(
                "'groups' has {} groups; 1 to {} are allowed",
                self.groups.len(),
                Self::MAX_GROUPS
            ));
        }
        let mut names = BTreeSet::new();
        let mut items = 0;
        for group in &self.groups {
            let name = &group.name;
            group.check().map_err(|problem| format!("group '{name}': {problem}"))?;
            self.check_until(group.until, group).map_err(|problem| format!("group '{name}': {problem}"))?;
            if !names.insert(name.as_str()) {
                return Err(format!(
                    "group '{name}': a group before has this name; each group needs a name of its own"
                ));
            }
            items += group.items();
        }
        if items > Self::MAX_ITEMS {
            return Err(format!("the groups have {items} items; at most {} are allowed", Self::MAX_ITEMS));
        }
        Ok(())
    }

    fn check_until(&self, until: Until, group: &Group) -> Result<(), String> {
        if let Some(repeated) = until.repeated() {
            number("until", repeated.times, 1, Until::MAX_TIMES)?;
        }
        match &self.target {
            Target::Redfish(_) if until.needs_ironic() => Err(format!(
                "'until' is {until}, which only Ironic has; with the target redfish write powerCycled, walked or mediaSwept"
            )),
            Target::Redfish(redfish) if matches!(until, Until::MediaSwept(_)) && redfish.image.is_none() => {
                Err("'until' is mediaSwept, and 'target.redfish.image' is missing; write the URL of an image"
                    .to_owned())
            }
            Target::Ironic(_) if until.needs_redfish() => {
                Err(format!("'until' is {until}, which needs the target redfish"))
            }
            Target::Ironic(_)
                if matches!(until, Until::Active | Until::Rescued | Until::Deleted)
                    && group.image.is_none()
                    && !["image_source", "boot_iso"]
                        .iter()
                        .any(|key| group.instance_info.contains_key(*key)) =>
            {
                Err(format!(
                    "'until' is {until}, and 'image' is missing; write its URL, such as image: {{url: \"http://…/image.qcow2\"}}"
                ))
            }
            _ => Ok(()),
        }
    }

    fn check_pacing(&self, pacing: &Pacing, place: &str, groups: &[&Group]) -> Result<(), String> {
        pacing.check().map_err(|problem| format!("'{place}' {problem}"))?;
        let Some(cap) = pacing.cap().map(u64::from) else { return self.check_batches(pacing, place, groups) };
        let parked: u64 = groups.iter().filter(|group| group.park).map(|group| group.items()).sum();
        if parked > 0 && parked >= cap {
            return Err(format!(
                "'{place}' has room for {cap} items, and {parked} parked ones keep their places; allow more than {parked}"
            ));
        }
        for group in groups.iter().filter(|group| group.gang) {
            let largest = group.largest_set();
            if largest > cap - parked {
                return Err(format!(
                    "'{place}' has room for {} items, and a gang of group '{}' has {largest}; allow at least {}",
                    cap - parked,
                    group.name,
                    largest + parked
                ));
            }
        }
        self.check_batches(pacing, place, groups)
    }

    fn check_batches(&self, pacing: &Pacing, place: &str, groups: &[&Group]) -> Result<(), String> {
        let Some(batch) = pacing.batch_size else { return Ok(()) };
        let too_large = |group: &&&Group| group.gang && group.largest_set() > u64::from(batch);
        match groups.iter().find(too_large) {
            Some(group) => Err(format!(
                "'{place}.batchSize' is {batch}, and a gang of group '{}' has {} items; allow at least as many",
                group.name,
                group.largest_set()
            )),
            None => Ok(()),
        }
    }

    fn check_phases(&self) -> Result<(), String> {
        if self.phases.len() > Self::MAX_GROUPS {
            return Err(format!(
                "'phases' has {} phases; at most {} are allowed",
                self.phases.len(),
                Self::MAX_GROUPS
            ));
        }
        let (mut names, mut rules) = (BTreeSet::new(), BTreeSet::new());
        let mut before: Vec<&str> = Vec::new();
        for phase in &self.phases {
            let within = |problem: String| format!("phase '{}': {problem}", phase.name);
            if !names.insert(phase.name.as_str()) {
                return Err(within(
                    "a phase before has this name; each phase needs a name of its own".to_owned(),
                ));
            }
            if phase.quiet.is_some() && (phase.churn.is_some() || phase.until.is_some()) {
                return Err(within("'quiet' starts nothing, so it excludes 'until' and 'churn'".to_owned()));
            }
            let groups = self.groups_of(phase).map_err(within)?;
            let own: Vec<_> = groups.iter().map(|group| group.name.as_str()).collect();
            if phase.after == After::Started
                && let Some(shared) = own.iter().find(|name| before.contains(name))
            {
                return Err(within(format!(
                    "'after' is started, and group '{shared}' takes part in the phase before, too; an item does one thing at a time"
                )));
            }
            before = own;
            for group in &groups {
                self.check_until(phase.until.unwrap_or(group.until), group).map_err(within)?;
            }
            if let Some(pacing) = &phase.pacing {
                self.check_pacing(pacing, "pacing", &groups).map_err(within)?;
            }
            number("repeat", phase.repeat, 1, Phase::MAX_REPEAT).map_err(within)?;
            if let Some(churn) = &phase.churn {
                if !(churn.percent > 0.0 && churn.percent <= 100.0) {
                    return Err(within(format!(
                        "'churn.percent' is {}; above 0 and at most 100 are allowed",
                        churn.percent
                    )));
                }
                if matches!(self.target, Target::Redfish(_)) {
                    return Err(within(
                        "'churn' needs the target ironic, where items come and go".to_owned(),
                    ));
                }
                between("churn.duration", churn.duration.ms(), 1, 30 * 86_400_000, "1ms", "30d")
                    .map_err(within)?;
            }
            for rule in &phase.faults {
                rule.check().map_err(|error| within(error.to_string()))?;
            }
            if let Some(twice) =
                phase.faults.iter().map(|rule| rule.name.as_str()).find(|name| !rules.insert(*name))
            {
                return Err(within(format!(
                    "a rule '{twice}' comes before; each rule needs a name of its own"
                )));
            }
            if !phase.faults.is_empty() && matches!(self.fleet, FleetSource::File(_)) {
                return Err(within(
                    "'faults' needs a fleet of fauxmetal; write fleet.own or fleet.server".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// The groups of a phase.
    ///
    /// # Errors
    /// If the phase names a group that does not exist.
    pub fn groups_of(&self, phase: &Phase) -> Result<Vec<&Group>, String> {
        if phase.groups.is_empty() {
            return Ok(self.all_groups());
        }
        let found = |name: &crate::fault::Name| {
            self.groups.iter().find(|group| group.name == *name).ok_or_else(|| {
                let known: Vec<_> = self.groups.iter().map(|group| group.name.as_str()).collect();
                format!("'groups' names '{name}', which is no group; allowed are {}", known.join(", "))
            })
        };
        phase.groups.iter().map(found).collect()
    }

    fn check_sweep(&self) -> Result<(), String> {
        let runs = self.sweep.values().map(Vec::len).fold(1, usize::saturating_mul);
        if runs == 0 || runs > Self::MAX_RUNS {
            return Err(format!("'sweep' makes {runs} runs; 1 to {} are allowed", Self::MAX_RUNS));
        }
        match self.sweep.keys().find(|path| path.split('.').next() == Some("sweep")) {
            Some(path) => Err(format!("'sweep' has the path '{path}'; a sweep of a sweep is not possible")),
            None => Ok(()),
        }
    }

    fn check_watch(&self) -> Result<(), String> {
        let Watch { pids, scrape, .. } = &self.watch;
        if pids.len() > Watch::MAX || scrape.len() > Watch::MAX {
            return Err(format!(
                "'watch' has {} processes and {} URLs; at most {} of each are allowed",
                pids.len(),
                scrape.len(),
                Watch::MAX
            ));
        }
        if pids.contains_key(Watch::OWN) {
            return Err(format!(
                "'watch.pids' has the name '{}', which is the process of the run itself",
                Watch::OWN
            ));
        }
        Ok(())
    }

    fn check_assertions(&self) -> Result<(), String> {
        let processes: Vec<_> = self.watch.pids.keys().map(String::as_str).chain([Watch::OWN]).collect();
        for assertion in &self.assert {
            if let Some(process) = assertion.function.process().filter(|name| !processes.contains(name)) {
                return Err(format!(
                    "'assert' has '{assertion}', and no process '{process}' is watched; allowed are {}",
                    processes.join(", ")
                ));
            }
            let Some(operation) = assertion.function.operation() else { continue };
            let of_redfish = matches!(
                operation,
                Operation::PowerCycle | Operation::Walk | Operation::Media | Operation::Power
            );
            let of_ironic = !matches!(operation, Operation::Walk | Operation::Media);
            let possible = match &self.target {
                Target::Ironic(_) => of_ironic,
                Target::Redfish(_) => of_redfish,
            };
            if !possible {
                return Err(format!(
                    "'assert' has '{assertion}', and the target {} has no operation '{}'",
                    self.target.kind(),
                    operation.name()
                ));
            }
            if operation.is_of_machine()
                && matches!(self.fleet, FleetSource::File(_))
                && matches!(assertion.function, Function::Percentile(..) | Function::Max(_))
            {
                return Err(format!(
                    "'assert' has '{assertion}', and the machines of 'fleet.file' have no journal; '{}' needs a fleet of fauxmetal",
                    operation.name()
                ));
            }
        }
        Ok(())
    }
}

impl Group {
    fn check(&self) -> Result<(), String> {
        if self.count == 0 {
            return Err("'count' is 0; at least 1 is needed".to_owned());
        }
        if self.name.as_str().len() > 32 {
            return Err("'name' has more than 32 characters".to_owned());
        }
        if self.gang && self.roles.is_empty() {
            return Err(
                "'gang' needs 'roles', which say how many items a gang has, such as roles: {worker: 3}"
                    .to_owned(),
            );
        }
        for (name, list) in &self.values {
            if list.is_empty() || list.len() > Self::MAX_VALUES || self.values.len() > Self::MAX_VALUES {
                return Err(format!(
                    "'values.{name}' has {} values; 1 to {} are allowed",
                    list.len(),
                    Self::MAX_VALUES
                ));
            }
            if Self::VALUE_NAMES_IN_USE.contains(&name.as_str()) {
                return Err(format!(
                    "'values' has the name '{name}', which the documents of items use already; choose another name"
                ));
            }
        }
        for (role, count) in &self.roles {
            if role.is_empty()
                || role.len() > 32
                || !role.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            {
                return Err(format!(
                    "'roles' has the name '{role}'; allowed are 1 to 32 letters, digits and dashes"
                ));
            }
            let wrong = (0..Self::MAX_VALUES as u32).find(|set| self.number(count, *set).is_none());
            if let (Some(_), Count::Value(name)) = (wrong, count) {
                return Err(format!(
                    "'roles.{role}' is '{name}', and 'values.{name}' is no list of numbers of items"
                ));
            }
        }
        let largest = self.largest_set();
        if !self.roles.is_empty() && (largest == 0 || largest > u64::from(Self::MAX_SET)) {
            return Err(format!("'roles' makes sets of {largest} items; 1 to {} are allowed", Self::MAX_SET));
        }
        for (key, value) in &self.labels {
            if !label::is_key(key) {
                return Err(format!("'labels': {}", label::not_a_key(key)));
            }
            if !label::is_value(value) {
                return Err(format!("'labels': {}", label::not_a_value(value)));
            }
        }
        if let Some(timeout) = self.timeout {
            between("timeout", timeout.ms(), 1, 7 * 86_400_000, "1ms", "7d")?;
        }
        Ok(())
    }
}

impl Pacing {
    fn check(&self) -> Result<(), String> {
        for (name, value) in [("maxInFlight", self.max_in_flight), ("batchSize", self.batch_size)] {
            if value == Some(0) {
                return Err(format!("has '{name}' 0; at least 1 is needed"));
            }
        }
        if self.delay.is_some() && self.batch_size.is_none() {
            return Err("has 'delay' without 'batchSize'; write how many items start together".to_owned());
        }
        if self.arrivals.len() > Self::MAX_ARRIVALS {
            return Err(format!(
                "has {} phases of arrival; at most {} are allowed",
                self.arrivals.len(),
                Self::MAX_ARRIVALS
            ));
        }
        if !self.arrivals.is_empty() && self.batch_size.is_some() {
            return Err("has 'arrivals' and 'batchSize', which exclude each other".to_owned());
        }
        match self.arrivals.iter().any(|phase| phase.duration.ms() == 0) {
            true => Err("has a phase of arrival with 'duration' 0s; write how long it is".to_owned()),
            false => Ok(()),
        }
    }
}

fn number(name: &str, value: u32, least: u32, most: u32) -> Result<(), String> {
    match (least..=most).contains(&value) {
        true => Ok(()),
        false => Err(format!("'{name}' is {value}; {least} to {most} are allowed")),
    }
}

fn between(
    name: &str,
    ms: u64,
    least: u64,
    most: u64,
    least_text: &str,
    most_text: &str,
) -> Result<(), String> {
    match (least..=most).contains(&ms) {
        true => Ok(()),
        false => Err(format!(
            "'{name}' is {}; {least_text} to {most_text} are allowed",
            crate::fault::Period::from_ms(ms)
        )),
    }
}
