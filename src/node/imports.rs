//! The nodes with identities from a file: found by UUID and name, and different from those of all other nodes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::Node;
use super::host::{Host, Running};
use super::id::NodeId;
use super::spec::{Mac, Spec};
use crate::profile::{Profile, built_in_names};
use crate::seed::Seed;
use crate::time::SimTime;

/// The imported nodes of a fleet. Without imports it holds no memory.
#[derive(Debug, Default)]
pub struct Imports {
    uuids: HashMap<Uuid, NodeId>,
    /// By the name in lower case.
    names: HashMap<Box<str>, NodeId>,
    /// The MAC addresses of these nodes, also the computed ones.
    macs: HashSet<Mac>,
}

/// An identity that two nodes would have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{new}: the {what} {value} is that of {other}; each node, also a removed one, has its own")]
pub struct Taken {
    /// The new node: its name, and its number in the file if it comes from one.
    pub new: String,
    /// `UUID`, `name` or `MAC address`.
    pub what: &'static str,
    pub value: String,
    /// The node that has it already.
    pub other: String,
}

/// Nodes of one model with consecutive indexes.
#[derive(Clone, Copy)]
struct Run<'a> {
    seed: Seed,
    first: u32,
    profile: &'a Profile,
    count: u32,
}

impl<'a> Run<'a> {
    fn specs(self) -> impl Iterator<Item = Spec<'a>> {
        (self.first..self.first.saturating_add(self.count)).map(move |index| self.spec(index))
    }

    fn spec(self, index: u32) -> Spec<'a> {
        Spec { seed: self.seed, id: NodeId(index), profile: self.profile }
    }

    /// The node as an error names it.
    fn shown(self, spec: Spec<'_>) -> String {
        match spec.imported() {
            Some(identity) => format!("entry {} ({})", spec.id.0 - self.first + 1, identity.name),
            None => format!("node {}", spec.name()),
        }
    }
}

impl Imports {
    /// Whether no node was imported.
    pub fn is_empty(&self) -> bool {
        self.uuids.is_empty()
    }

    /// The imported node with this UUID.
    pub fn with_uuid(&self, uuid: Uuid) -> Option<NodeId> {
        self.uuids.get(&uuid).copied()
    }

    /// The imported node with this name or UUID, in upper or lower case.
    pub fn named(&self, name: &str) -> Option<NodeId> {
        match Uuid::try_parse(name) {
            Ok(uuid) => self.with_uuid(uuid),
            Err(_) => self.names.get(&*name.to_ascii_lowercase()).copied(),
        }
    }

    /// The imported nodes, in no order.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> {
        self.uuids.values().copied()
    }

    /// Like [`Imports::add`], and takes nothing.
    ///
    /// # Errors
    /// If two nodes would have one identity.
    pub fn check(
        &self,
        seed: Seed,
        before: &[(Arc<Profile>, u32)],
        profile: &Profile,
        count: u32,
    ) -> Result<(), Taken> {
        self.compared(seed, before, profile, count).map(drop)
    }

    /// Takes the imported nodes among `count` new nodes of a model that follow the nodes of `before`, models in the order of
    /// their indexes. It looks at all computed nodes if there is an imported one.
    ///
    /// # Errors
    /// If two nodes would have one identity. Then nothing is taken.
    pub fn add(
        &mut self,
        seed: Seed,
        before: &[(Arc<Profile>, u32)],
        profile: &Profile,
        count: u32,
    ) -> Result<(), Taken> {
        let added = self.compared(seed, before, profile, count)?;
        self.uuids.extend(added.uuids);
        self.names.extend(added.names);
        self.macs.extend(added.macs);
        Ok(())
    }

    /// The imported nodes among the new ones.
    fn compared(
        &self,
        seed: Seed,
        before: &[(Arc<Profile>, u32)],
        profile: &Profile,
        count: u32,
    ) -> Result<Self, Taken> {
        let first = before.iter().map(|(_, count)| count).sum();
        let new = Run { seed, first, profile, count };
        if new.spec(first).imported().is_none() {
            if !self.is_empty() {
                self.check_computed(new)?;
            }
            return Ok(Self::default());
        }
        let added = self.read(new)?;
        let mut first = 0;
        for (profile, count) in before {
            let run = Run { seed, first, profile, count: *count };
            first += count;
            if run.spec(run.first).imported().is_none() {
                added.compare(new, run)?;
            }
        }
        let models = before.iter().map(|(profile, _)| profile.name.as_str());
        let models: Vec<_> = models.chain([profile.name.as_str()]).chain(built_in_names()).collect();
        added.names.iter().try_for_each(|(name, id)| check_name(name, new.spec(id.0), new, &models))?;
        Ok(added)
    }

    /// The identities of imported nodes, which differ from each other and from those of earlier files.
    fn read(&self, new: Run<'_>) -> Result<Self, Taken> {
        let mut added = Self::default();
        for spec in new.specs() {
            let taken = |what, value: String, other: Option<NodeId>| {
                let other = other.filter(|id| id.0 >= new.first).map(|id| new.shown(new.spec(id.0)));
                let other = other.unwrap_or_else(|| "another imported node".to_owned());
                Taken { new: new.shown(spec), what, value, other }
            };
            let (uuid, name) = (spec.uuid(), spec.name().to_ascii_lowercase().into_boxed_str());
            if let Some(other) = self.uuids.get(&uuid).copied().or(added.uuids.insert(uuid, spec.id)) {
                return Err(taken("UUID", uuid.to_string(), Some(other)));
            }
            let other = self.names.get(&name).copied().or_else(|| added.names.insert(name, spec.id));
            if let Some(other) = other {
                return Err(taken("name", spec.name(), Some(other)));
            }
            for mac in spec.all_macs() {
                if self.macs.contains(&mac) || !added.macs.insert(mac) {
                    let owner = (new.first..spec.id.0).map(|index| new.spec(index));
                    let owner = owner.rev().find(|other| other.all_macs().any(|other| other == mac));
                    let own = (!self.macs.contains(&mac)).then_some(spec.id);
                    return Err(taken("MAC address", mac.to_string(), owner.map(|spec| spec.id).or(own)));
                }
            }
        }
        Ok(added)
    }

    /// Compares these imported nodes, which are `new`, with the computed ones of an earlier model.
    fn compare(&self, new: Run<'_>, run: Run<'_>) -> Result<(), Taken> {
        for spec in run.specs() {
            let other = || run.shown(spec);
            let taken = |id: &NodeId, what, value| Taken {
                new: new.shown(new.spec(id.0)),
                what,
                value,
                other: other(),
            };
            if let Some(id) = self.uuids.get(&spec.uuid()) {
                return Err(taken(id, "UUID", spec.uuid().to_string()));
            }
            if let Some(id) = self.names.get(&*spec.name()) {
                return Err(taken(id, "name", spec.name()));
            }
            if let Some(mac) = spec.all_macs().find(|mac| self.macs.contains(mac)) {
                let mut owners = new.specs().filter(|spec| spec.all_macs().any(|other| other == mac));
                let owner = owners.next().map_or(NodeId(new.first), |spec| spec.id);
                return Err(taken(&owner, "MAC address", mac.to_string()));
            }
        }
        Ok(())
    }

    /// Checks that new computed nodes have no identity of an imported one.
    fn check_computed(&self, new: Run<'_>) -> Result<(), Taken> {
        for spec in new.specs() {
            let taken = |what, value| {
                let other = "an imported node".to_owned();
                Err(Taken { new: new.shown(spec), what, value, other })
            };
            if self.uuids.contains_key(&spec.uuid()) {
                return taken("UUID", spec.uuid().to_string());
            }
            if self.names.contains_key(&*spec.name()) {
                return taken("name", spec.name());
            }
            if let Some(mac) = spec.all_macs().find(|mac| self.macs.contains(mac)) {
                return taken("MAC address", mac.to_string());
            }
        }
        Ok(())
    }
}

/// Refuses a name that a node which is added later would compute, because that node could never be added.
fn check_name(name: &str, spec: Spec<'_>, new: Run<'_>, models: &[&str]) -> Result<(), Taken> {
    let Some((model, number)) = name.rsplit_once('-') else { return Ok(()) };
    let index = number.parse::<u32>().ok().filter(|index| index.to_string() == number);
    let is_later = index.is_some_and(|index| index >= new.first.saturating_add(new.count));
    if is_later && models.iter().any(|known| known.eq_ignore_ascii_case(model)) {
        let other = format!("the node of the model {model} that is added at index {number}");
        return Err(Taken { new: new.shown(spec), what: "name", value: spec.name(), other });
    }
    Ok(())
}

impl Node {
    /// The machine comes into the fleet. One that its file calls on runs the system on its disk since `now`.
    pub fn arrive(&mut self, now: SimTime) {
        if self.spec().imported().is_some_and(|imported| imported.on) {
            self.state.host = Host::Running { what: Running::Os, since: now };
            self.state.installed = true;
            self.touched = true;
            self.watch(now);
        }
    }
}
