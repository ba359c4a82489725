//! Which nodes there are, and who may log in: what a daemon and an export of the same fleet must agree on.

use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use super::error::{ConfigError, Origin};
use super::setting::{NODES, PASSWORD, PASSWORD_FILE, PROFILE, SEED, USER};
use super::stronger;
use super::typed::Typed;
use zeroize::{Zeroize as _, Zeroizing};

use crate::node::NodeId;
use crate::profile::{self, Profile};
use crate::seed::Seed;
use crate::store::{StoredFleet, StoredModel};

/// Which nodes there are, and who may log in.
#[derive(Clone, Debug)]
pub struct FleetConfig {
    /// From what identities follow.
    pub seed: Seed,
    /// Models and how many of each; nodes are numbered in this order. At least one, each with at least one node.
    pub models: Vec<Model>,
    /// What was added to a fleet that is kept while it ran, numbered after the others.
    pub added: Vec<Model>,
    /// The user of every controller.
    pub user: String,
    /// That user's password.
    pub password: Password,
    given: Given,
}

/// What was asked for of a fleet, and where. What nobody asked for agrees with any fleet.
#[derive(Clone, Debug, Default)]
struct Given {
    seed: Option<(Seed, Origin)>,
    nodes: Option<(u32, Origin)>,
    profiles: Option<(Vec<Entry>, Origin)>,
}

/// A model, and how many nodes are of it.
#[derive(Clone, Debug)]
pub struct Model {
    /// The model, its timings set as configured.
    pub profile: Arc<Profile>,
    /// How many.
    pub count: u32,
}

/// A password; it shows itself only to who asks for it by name, and is wiped from memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Whether it is the one that stands in the help, and so no secret.
    pub fn is_public(&self) -> bool {
        PASSWORD.default == Some(self.reveal())
    }

    /// Wipes it, once whoever checks it has made what it needs of it.
    pub fn forget(&mut self) {
        self.0.zeroize();
    }

    /// The password itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

/// Different models in one fleet, at most.
const MAX_MODELS: usize = 1024;
/// Nodes in one fleet, at most: as many as there are numbers for.
const MAX_NODES: u64 = NodeId::MAX as u64 + 1;
/// The longest user name and password, bytes.
const MAX_CREDENTIAL_BYTES: usize = 256;

impl FleetConfig {
    /// What of the settings makes the fleet.
    ///
    /// # Errors
    /// For the first setting that is wrong.
    pub fn new(typed: &Typed) -> Result<Self, ConfigError> {
        let seed = typed.one(&SEED, |text| match text {
            "" => Err("a seed is a number or a word, and this is empty".to_owned()),
            text => text.parse::<Seed>().map_err(|never| match never {}),
        })?;
        let user = typed.one(&USER, |text| match text.contains(':') {
            true => Err(format!("'{text}' holds a ':', which HTTP's Basic authentication cannot carry")),
            false => credential(text),
        })?;
        let password = password(typed)?;
        Ok(Self {
            seed,
            models: models(typed)?,
            added: Vec::new(),
            user,
            password,
            given: given(typed, seed)?,
        })
    }

    /// Which fleet this is, for whoever keeps it; no node of it is removed yet.
    pub fn held(&self) -> StoredFleet {
        let models = |models: &[Model]| {
            let each =
                models.iter().map(|m| StoredModel { profile: m.profile.source.clone(), count: m.count });
            each.collect()
        };
        StoredFleet {
            seed: self.seed,
            models: models(&self.models),
            added: models(&self.added),
            removed: Vec::new(),
        }
    }

    /// Makes it the fleet that is held in `place`, its models with timings of their own still.
    ///
    /// # Errors
    /// When something else was asked for, or a model is not there any more.
    pub(super) fn adopt(&mut self, held: &StoredFleet, place: &Path) -> Result<(), ConfigError> {
        let place = place.display();
        let differs = |setting, origin: &Origin, asked: String, there: String| {
            let said = format!(
                "{asked}, and {place} holds a fleet with {there}; leave the flag out, or start elsewhere"
            );
            Err(ConfigError::at(setting, origin, said))
        };
        if let Some((seed, origin)) = self.given.seed.as_ref().filter(|(seed, _)| *seed != held.seed) {
            return differs(&SEED, origin, format!("seed {}", seed.0), format!("seed {}", held.seed.0));
        }
        if let Some((entries, origin)) = &self.given.profiles {
            let source = |entry: &Entry| {
                profile::named(&entry.name).map_or_else(|_| String::new(), |p| p.source.clone())
            };
            let same = |(entry, model): (&Entry, &StoredModel)| {
                source(entry) == model.profile && entry.count.is_none_or(|count| count == model.count)
            };
            if entries.len() != held.models.len() || !entries.iter().zip(&held.models).all(same) {
                let asked: Vec<_> = entries.iter().map(Entry::to_string).collect();
                return differs(&PROFILE, origin, asked.join(", "), held.models_text());
            }
        }
        if let Some((nodes, origin)) = &self.given.nodes
            && u64::from(*nodes) != held.nodes()
        {
            return differs(&NODES, origin, format!("{nodes} nodes"), format!("{} nodes", held.nodes()));
        }
        let model = |held: &StoredModel| {
            let missing = |e: profile::ProfileError| ConfigError::new(place.to_string(), e.to_string());
            let profile = profile::named(&held.profile).map_err(missing)?;
            Ok(Model { profile, count: held.count })
        };
        self.models = held.models.iter().map(model).collect::<Result<_, _>>()?;
        self.added = held.added.iter().map(model).collect::<Result<_, _>>()?;
        self.seed = held.seed;
        Ok(())
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> u32 {
        self.models.iter().map(|m| m.count).sum()
    }

    /// How many were ever numbered, those included that were added or removed while a fleet that is kept ran.
    pub fn numbered(&self) -> u32 {
        self.models.iter().chain(&self.added).map(|m| m.count).sum()
    }

    /// Every node with its model, in order.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Profile)> {
        let each = self.models.iter().flat_map(|m| (0..m.count).map(|_| m.profile.as_ref()));
        (0..).map(NodeId).zip(each)
    }
}

/// The password itself, or the first line of the file that holds it.
fn password(typed: &Typed) -> Result<Password, ConfigError> {
    let by_file = typed.first(&PASSWORD_FILE).is_some()
        && (typed.first(&PASSWORD).is_none() || stronger(typed, &PASSWORD_FILE, &PASSWORD)?);
    let password = if by_file {
        typed.maybe(&PASSWORD_FILE, |path| credential(&first_line(path)?))?.unwrap_or_default()
    } else {
        typed.one(&PASSWORD, credential)?
    };
    Ok(Password(password.into()))
}

/// The first line of a file, without its end.
fn first_line(path: &str) -> Result<Zeroizing<String>, String> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = std::fs::File::open(path).and_then(|file| {
        // Longer than any password, so that a wrong file is not read whole.
        file.take(MAX_CREDENTIAL_BYTES as u64 + 3).read_to_end(&mut bytes)
    });
    read.map_err(|error| format!("'{path}' cannot be read: {error}"))?;
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let line =
        std::str::from_utf8(line).map_err(|_| format!("'{path}' begins with a line that is not UTF-8"))?;
    Ok(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

fn credential(text: &str) -> Result<String, String> {
    match text {
        "" => Err("it is empty".to_owned()),
        text if text.len() > MAX_CREDENTIAL_BYTES => {
            Err(format!("it is longer than {MAX_CREDENTIAL_BYTES} bytes"))
        }
        text if text.contains(char::is_control) => Err("it holds a control character".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// What was asked for, apart from what follows from defaults.
fn given(typed: &Typed, seed: Seed) -> Result<Given, ConfigError> {
    let origin = |setting| typed.first(setting).map(|given| given.origin.clone());
    let profiles = match origin(&PROFILE) {
        Some(origin) => {
            let entries = typed.many(&PROFILE, MAX_MODELS, entry)?;
            Some((entries.into_iter().map(|(entry, _)| entry).collect(), origin))
        }
        None => None,
    };
    let nodes = match origin(&NODES) {
        Some(origin) => Some((typed.one(&NODES, number)?, origin)),
        None => None,
    };
    // A number of nodes from a weaker place than counts is not what was asked for.
    let counted = |entries: &[Entry]| entries.iter().any(|entry| entry.count.is_some());
    let nodes =
        nodes.filter(|_| !profiles.as_ref().is_some_and(|(entries, _): &(Vec<Entry>, _)| counted(entries)));
    Ok(Given { seed: origin(&SEED).map(|origin| (seed, origin)), nodes, profiles })
}

/// One `--profile`: a name, and perhaps a count.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    count: Option<u32>,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            Some(count) => write!(f, "{count} {}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

fn entry(text: &str) -> Result<Entry, String> {
    match text.rsplit_once('=') {
        // What looks like a count is part of a path when a folder's name holds the sign.
        Some((name, count)) if !count.contains('/') => {
            Ok(Entry { name: name.to_owned(), count: Some(number(count)?) })
        }
        _ => Ok(Entry { name: text.to_owned(), count: None }),
    }
}

fn number(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|n| (1..=MAX_NODES).contains(&u64::from(*n)));
    number.ok_or_else(|| format!("'{text}' is not a number of nodes; allowed are 1 to {MAX_NODES}"))
}

fn models(typed: &Typed) -> Result<Vec<Model>, ConfigError> {
    let entries = typed.many(&PROFILE, MAX_MODELS, entry)?;
    let mut profiles = Vec::with_capacity(entries.len());
    for (at, (entry, origin)) in entries.iter().enumerate() {
        let wrong = |problem: String| ConfigError::at(&PROFILE, origin, problem);
        if entries[..at].iter().any(|(earlier, _)| earlier.name == entry.name) {
            return Err(wrong(format!("'{}' is named twice", entry.name)));
        }
        profiles.push(profile::named(&entry.name).map_err(|e| wrong(e.to_string()))?);
    }
    let counts = counts(typed, &entries)?;
    Ok(profiles.into_iter().zip(counts).map(|(profile, count)| Model { profile, count }).collect())
}

/// How many nodes each entry has: its own count, or an even share of `--nodes`, where the first have one more.
fn counts(typed: &Typed, entries: &[(Entry, Origin)]) -> Result<Vec<u32>, ConfigError> {
    let (_, origin) = &entries[0];
    let wrong = |problem: String| ConfigError::at(&PROFILE, origin, problem);
    let own: Vec<u32> = entries.iter().filter_map(|(entry, _)| entry.count).collect();
    if own.is_empty() {
        let nodes = typed.one(&NODES, number)?;
        let models = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        if nodes < models {
            return Err(wrong(format!(
                "{models} profiles cannot share {nodes} nodes; each needs one at least"
            )));
        }
        return Ok((0..models).map(|i| nodes / models + u32::from(i < nodes % models)).collect());
    }
    if own.len() < entries.len() {
        return Err(wrong("some have a COUNT and some have none; give it to all or to none".to_owned()));
    }
    let sum: u64 = own.iter().map(|n| u64::from(*n)).sum();
    if sum > MAX_NODES {
        return Err(wrong(format!("the COUNTs make {sum} nodes; allowed are at most {MAX_NODES}")));
    }
    // A number of nodes from a weaker place is what the counts replace.
    if let Some(given) = typed.first(&NODES).filter(|given| given.origin.rank() >= origin.rank()) {
        let nodes = number(&given.text).map_err(|e| ConfigError::at(&NODES, &given.origin, e))?;
        if u64::from(nodes) != sum {
            let said = format!("{nodes} nodes, but the COUNTs of {} make {sum}", origin.place(&PROFILE));
            return Err(ConfigError::at(&NODES, &given.origin, said));
        }
    }
    Ok(own)
}
