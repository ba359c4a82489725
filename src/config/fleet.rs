//! The nodes and the credentials: the settings on which a daemon and an export of the same fleet must agree.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{ConfigError, Origin, near};
use super::password::{self, Password};
use super::raw::RawSettings;
use super::setting::{IMPORT, IMPORT_PROFILE, NODES, PROFILE, SEED};
use crate::address::{HostNetwork, Prefix};
use crate::import;
use crate::import::htpasswd::Htpasswd;
use crate::node::NodeId;
use crate::node::imports::Imports;
use crate::profile::identities::{Identities, Identity};
use crate::profile::{self, Profile};
use crate::seed::Seed;
use crate::store::{StoredFleet, StoredModel};

/// The nodes and the credentials of their BMCs.
#[derive(Clone, Debug)]
pub struct FleetConfig {
    /// The seed that determines every UUID, MAC address and serial number.
    pub seed: Seed,
    /// At least one model, each with at least one node. Nodes are numbered in this order.
    pub models: Vec<Model>,
    /// Models that were added to a persisted fleet while it ran, numbered after `models`.
    pub added: Vec<Model>,
    /// Indexes of nodes that were removed from a persisted fleet while it ran.
    pub removed: Vec<u32>,
    /// The one user of every BMC.
    pub user: String,
    /// Empty if [`FleetConfig::htpasswd`] has the account.
    pub password: Password,
    /// The user and the hash of the password, from a file.
    pub htpasswd: Option<Htpasswd>,
    /// The files of imported nodes that the settings name.
    pub imported_from: Vec<PathBuf>,
    requested: Requested,
}

/// The settings of the fleet that the user wrote, with their origins. A setting that is `None` agrees with every persisted
/// fleet.
#[derive(Clone, Debug)]
struct Requested {
    seed: Option<(Seed, Origin)>,
    nodes: Option<(u32, Origin)>,
    profiles: Option<(Vec<ProfileEntry>, Origin)>,
    imports: Option<(Vec<StoredModel>, Origin)>,
}

/// A model and the number of its nodes.
#[derive(Clone, Debug)]
pub struct Model {
    /// The profile, with the timings of `--boot-time` and `--timing`.
    pub profile: Arc<Profile>,
    pub count: u32,
}

/// The largest number of different models in one fleet.
const MAX_MODELS: usize = 1024;
/// The largest number of nodes: one for each [`NodeId`].
const MAX_NODES: u64 = NodeId::MAX as u64 + 1;

impl FleetConfig {
    /// # Errors
    /// For the first setting that is wrong.
    pub fn new(raw: &RawSettings) -> Result<Self, ConfigError> {
        let seed = raw.required(&SEED, |text| match text {
            "" => Err("the seed is empty; write a number or a word".to_owned()),
            text => text.parse::<Seed>().map_err(|never| match never {}),
        })?;
        let (models, imported) = (models(raw)?, raw.imported.iter());
        check_imports(raw, seed, &models)?;
        let htpasswd = password::htpasswd(raw)?;
        let user =
            htpasswd.as_ref().map_or_else(|| password::user(raw), |account| Ok(account.user.clone()))?;
        Ok(Self {
            seed,
            user,
            password: if htpasswd.is_some() { Password::none() } else { Password::new(raw)? },
            htpasswd,
            imported_from: imported.map(|file| file.path.clone().into()).collect(),
            requested: requested(raw, seed, &models)?,
            models,
            added: Vec::new(),
            removed: Vec::new(),
        })
    }

    /// The description of this fleet, as in the state file.
    pub fn stored(&self) -> StoredFleet {
        let runs = |models: &[Model]| -> Vec<_> {
            models.iter().map(|model| (Arc::clone(&model.profile), model.count)).collect()
        };
        StoredFleet {
            seed: self.seed,
            models: StoredModel::all(&runs(&self.models), 0),
            added: StoredModel::all(&runs(&self.added), self.nodes()),
            removed: self.removed.clone(),
        }
    }

    /// Replaces the nodes by the ones of the fleet that `place` holds. The models have their own timings then.
    ///
    /// # Errors
    /// If the user requested other nodes, or a model is missing or wrong.
    pub fn adopt(&mut self, held: &StoredFleet, place: &Path) -> Result<(), ConfigError> {
        self.requested.check(held, place)?;
        let mut first = 0;
        let mut model = |held: &StoredModel| {
            let unusable =
                |e: profile::ProfileError| ConfigError::new(place.display().to_string(), e.to_string());
            let mut profile = profile::named(&held.profile).map_err(unusable)?;
            if let Some(list) = &held.systems {
                give(&mut profile, first, list);
            }
            first += held.count;
            Ok(Model { profile, count: held.count })
        };
        self.models = held.models.iter().map(&mut model).collect::<Result<_, _>>()?;
        self.added = held.added.iter().map(&mut model).collect::<Result<_, _>>()?;
        self.removed.clone_from(&held.removed);
        self.seed = held.seed;
        Ok(())
    }

    /// The number of configured nodes.
    pub fn nodes(&self) -> u32 {
        self.models.iter().map(|m| m.count).sum()
    }

    /// The number of indexes in use: also those of nodes that were added or removed while a persisted fleet ran.
    pub fn indexes(&self) -> u32 {
        self.models.iter().chain(&self.added).map(|m| m.count).sum()
    }

    pub(super) fn host_network(&self, prefix: Prefix) -> HostNetwork {
        let interfaces = self.models.iter().chain(&self.added).map(|m| m.profile.nics.len());
        let most = interfaces.max().and_then(|most| u32::try_from(most).ok());
        HostNetwork::new(prefix, most.unwrap_or(0))
    }

    /// # Errors
    /// If the block has too few addresses for the interfaces of all nodes.
    pub(super) fn check_host_network(&self, prefix: Prefix) -> Result<(), String> {
        self.host_network(prefix).check(self.indexes())
    }

    /// Every node with its model, in the order of their indexes.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Profile)> {
        let removed: HashSet<u32> = self.removed.iter().copied().collect();
        let models = self.models.iter().chain(&self.added);
        let each = models.flat_map(|m| (0..m.count).map(|_| m.profile.as_ref()));
        (0..).map(NodeId).zip(each).filter(move |(id, _)| !removed.contains(&id.0))
    }
}

/// Why a profile cannot be used, with the built-in name that was perhaps meant.
pub fn unusable_profile(error: &profile::ProfileError) -> String {
    match error {
        profile::ProfileError::Unknown { name, known } => {
            format!("{error}{}", near(name, known.iter().map(|name| (*name).to_owned())))
        }
        other => other.to_string(),
    }
}

/// Gives the nodes of a model from index `first` on the identities of a file.
fn give(profile: &mut Arc<Profile>, first: u32, list: &Arc<[Identity]>) {
    Arc::make_mut(profile).identities = Some(Identities { first, list: Arc::clone(list) });
}

/// # Errors
/// If two nodes would have one identity.
fn check_imports(raw: &RawSettings, seed: Seed, models: &[Model]) -> Result<(), ConfigError> {
    if raw.imported.is_empty() {
        return Ok(());
    }
    let runs: Vec<_> = models.iter().map(|model| (Arc::clone(&model.profile), model.count)).collect();
    let mut known = Imports::default();
    let computed = models.len() - raw.imported.len();
    for (at, (profile, count)) in runs.iter().enumerate() {
        known.add(seed, &runs[..at], profile, *count).map_err(|taken| {
            let file = at.checked_sub(computed).and_then(|file| raw.imported.get(file));
            match file {
                Some(file) => ConfigError::at(&IMPORT, &file.origin, format!("{}: {taken}", file.path)),
                None => ConfigError::new(IMPORT.flag(), taken.to_string()),
            }
        })?;
    }
    Ok(())
}

/// The settings of the fleet without their defaults.
fn requested(raw: &RawSettings, seed: Seed, models: &[Model]) -> Result<Requested, ConfigError> {
    let origin = |setting| raw.first(setting).map(|given| given.origin.clone());
    let profiles: Option<(Vec<ProfileEntry>, Origin)> = match origin(&PROFILE) {
        Some(origin) => {
            let entries = raw.list(&PROFILE, MAX_MODELS, entry)?;
            Some((entries.into_iter().map(|(entry, _)| entry).collect(), origin))
        }
        None => None,
    };
    // COUNTs replace a number of nodes from a source of lower precedence.
    let counted = profiles.iter().flat_map(|(entries, _)| entries).any(|entry| entry.count.is_some());
    let nodes = match origin(&NODES) {
        Some(origin) => Some((raw.required(&NODES, number)?, origin)).filter(|_| !counted),
        None => None,
    };
    let imports = raw.imported.first().map(|file| {
        let imported = models
            .iter()
            .zip(first_indexes(models))
            .map(|(model, first)| StoredModel::new(&model.profile, first, model.count));
        (imported.filter(|model| model.systems.is_some()).collect(), file.origin.clone())
    });
    Ok(Requested { seed: origin(&SEED).map(|origin| (seed, origin)), nodes, profiles, imports })
}

/// The index of the first node of each model.
fn first_indexes(models: &[Model]) -> impl Iterator<Item = u32> {
    models.iter().scan(0, |next, model| {
        let first = *next;
        *next += model.count;
        Some(first)
    })
}

impl Requested {
    /// # Errors
    /// If the fleet that `place` holds is another one than requested.
    fn check(&self, held: &StoredFleet, place: &Path) -> Result<(), ConfigError> {
        let differs = |setting, origin: &Origin, requested: String, stored: String| {
            let problem = format!(
                "{requested}, and {} holds a fleet with {stored}; leave it out, or name another directory or snapshot",
                place.display()
            );
            Err(ConfigError::at(setting, origin, problem))
        };
        if let Some((seed, origin)) = self.seed.as_ref().filter(|(seed, _)| *seed != held.seed) {
            return differs(&SEED, origin, format!("seed {}", seed.0), format!("seed {}", held.seed.0));
        }
        if let Some((entries, origin)) = &self.profiles {
            let source = |entry: &ProfileEntry| {
                profile::named(&entry.name).map_or_else(|_| String::new(), |p| p.source.clone())
            };
            let same = |(entry, model): (&ProfileEntry, &StoredModel)| {
                source(entry) == model.profile && entry.count.is_none_or(|count| count == model.count)
            };
            if entries.len() != held.computed().count() || !entries.iter().zip(held.computed()).all(same) {
                let requested: Vec<_> = entries.iter().map(ProfileEntry::to_string).collect();
                return differs(&PROFILE, origin, requested.join(", "), held.models_text());
            }
        }
        let computed = held.computed().map(|model| u64::from(model.count)).sum::<u64>();
        if let Some((nodes, origin)) = &self.nodes
            && u64::from(*nodes) != computed
        {
            return differs(&NODES, origin, format!("{nodes} nodes"), format!("{computed} nodes"));
        }
        if let Some((imports, origin)) = &self.imports
            && !imports.iter().eq(held.imported().map(|(model, _)| model))
        {
            let shown = |systems: u32| format!("{systems} imported nodes");
            let requested = imports.iter().map(|model| model.count).sum();
            let stored = held.imported().map(|(model, _)| model.count).sum();
            let stored = if requested == stored {
                format!("{}, of which some have other identities or another model", shown(stored))
            } else {
                shown(stored)
            };
            return differs(&IMPORT, origin, shown(requested), stored);
        }
        Ok(())
    }
}

/// One `--profile NAME[=COUNT]`.
#[derive(Clone, Debug)]
struct ProfileEntry {
    name: String,
    count: Option<u32>,
}

impl fmt::Display for ProfileEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            Some(count) => write!(f, "{count} {}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

fn entry(text: &str) -> Result<ProfileEntry, String> {
    match text.rsplit_once('=') {
        // In a path such as ./a=b/c the part after the '=' is not a count.
        Some((name, count)) if !count.contains('/') => {
            Ok(ProfileEntry { name: name.to_owned(), count: Some(number(count)?) })
        }
        _ => Ok(ProfileEntry { name: text.to_owned(), count: None }),
    }
}

fn number(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|n| (1..=MAX_NODES).contains(&u64::from(*n)));
    number.ok_or_else(|| format!("'{text}' is not a number of nodes; allowed are 1 to {MAX_NODES}"))
}

/// The models with computed identities, and those of the imported files behind them.
fn models(raw: &RawSettings) -> Result<Vec<Model>, ConfigError> {
    let alone = !raw.imported.is_empty() && !raw.is_given(&NODES) && !raw.is_given(&PROFILE);
    let mut models = if alone { Vec::new() } else { computed_models(raw)? };
    if raw.imported.is_empty() {
        return Ok(models);
    }
    let named = |text: &str| profile::named(text).map_err(|error| unusable_profile(&error));
    let model = raw.required(&IMPORT_PROFILE, named)?;
    let mut first: u64 = models.iter().map(|model| u64::from(model.count)).sum();
    for file in &raw.imported {
        let wrong =
            |problem: String| ConfigError::at(&IMPORT, &file.origin, format!("{}: {problem}", file.path));
        import::fits(&file.systems, &model).map_err(wrong)?;
        let end = first + file.systems.len() as u64;
        if end > MAX_NODES {
            return Err(wrong(format!("these would be {end} nodes; allowed are at most {MAX_NODES}")));
        }
        let mut profile = Arc::clone(&model);
        give(&mut profile, u32::try_from(first).unwrap_or(u32::MAX), &file.systems);
        models.push(Model { profile, count: u32::try_from(file.systems.len()).unwrap_or(u32::MAX) });
        first = end;
    }
    Ok(models)
}

fn computed_models(raw: &RawSettings) -> Result<Vec<Model>, ConfigError> {
    let entries = raw.list(&PROFILE, MAX_MODELS, entry)?;
    let mut profiles = Vec::with_capacity(entries.len());
    for (at, (entry, origin)) in entries.iter().enumerate() {
        let wrong = |problem: String| ConfigError::at(&PROFILE, origin, problem);
        if entries[..at].iter().any(|(earlier, _)| earlier.name == entry.name) {
            return Err(wrong(format!("'{}' is given twice; give each profile once", entry.name)));
        }
        profiles.push(profile::named(&entry.name).map_err(|e| wrong(unusable_profile(&e)))?);
    }
    let counts = counts(raw, &entries)?;
    Ok(profiles.into_iter().zip(counts).map(|(profile, count)| Model { profile, count }).collect())
}

/// The number of nodes of each entry: its COUNT, or an even share of `--nodes`, of which the first entries get the remainder.
fn counts(raw: &RawSettings, entries: &[(ProfileEntry, Origin)]) -> Result<Vec<u32>, ConfigError> {
    let (_, origin) = &entries[0];
    let wrong = |problem: String| ConfigError::at(&PROFILE, origin, problem);
    let own: Vec<u32> = entries.iter().filter_map(|(entry, _)| entry.count).collect();
    if own.is_empty() {
        let nodes = raw.required(&NODES, number)?;
        let models = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        if nodes < models {
            return Err(wrong(format!(
                "{models} profiles need at least {models} nodes, and there are {nodes}; raise --nodes"
            )));
        }
        return Ok((0..models).map(|i| nodes / models + u32::from(i < nodes % models)).collect());
    }
    if own.len() < entries.len() {
        return Err(wrong(
            "some profiles have a COUNT and some have none; give a COUNT to all or to none".to_owned(),
        ));
    }
    let sum: u64 = own.iter().map(|n| u64::from(*n)).sum();
    if sum > MAX_NODES {
        return Err(wrong(format!("the COUNTs add up to {sum} nodes; allowed are at most {MAX_NODES}")));
    }
    // COUNTs replace a number of nodes from a source of lower precedence.
    if let Some(given) = raw.first(&NODES).filter(|given| given.origin.precedence() >= origin.precedence()) {
        let nodes = number(&given.text).map_err(|e| ConfigError::at(&NODES, &given.origin, e))?;
        if u64::from(nodes) != sum {
            let problem = format!(
                "{nodes} nodes, but the COUNTs of {} add up to {sum}; leave one of the two out",
                origin.place(&PROFILE)
            );
            return Err(ConfigError::at(&NODES, &given.origin, problem));
        }
    }
    Ok(own)
}
