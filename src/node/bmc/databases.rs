//! The databases of secure boot: which of their keys ex works are left, and the keys that clients have added.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::secure_boot::Keys;
use crate::dmtf::{ResetKeysType, SecureBootDatabase, SignatureType};
use crate::node::sparse::Part;
use crate::profile::Profile;
use crate::profile::secure_boot::Kind;

/// Commands to a database. It is none of the `Default` databases, which never change.
#[derive(Clone, Debug)]
pub enum Command {
    Add(SecureBootDatabase, Key),
    /// Succeeds also if the key is already gone.
    Delete(SecureBootDatabase, Kind, u32),
    /// Puts back the keys ex works, or deletes all keys.
    Reset(SecureBootDatabase, ResetKeysType),
}

/// A key that a client has added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub content: Content,
    /// `UefiSignatureOwner`: the GUID of whoever has enrolled it.
    pub owner: Option<Uuid>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// One certificate, PEM. At most [`Key::MAX_PEM`] bytes.
    Certificate(Box<str>),
    /// A hash, hex digits.
    Signature(SignatureType, Box<str>),
}

/// The state of all databases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Databases {
    /// Number of keys that clients have added so far.
    additions: u32,
    /// The databases that differ from what the last reset of all keys has left.
    changed: BTreeMap<SecureBootDatabase, Database<Key>>,
}

/// A database, as it differs from its content ex works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Database<K> {
    /// Whether it has none of its keys ex works.
    pub(super) is_emptied: bool,
    /// The keys ex works that were deleted one by one.
    pub(super) deleted: BTreeSet<(Kind, u32)>,
    pub(super) added: BTreeMap<u32, K>,
}

/// Which keys the databases have: what events are made of.
#[derive(PartialEq)]
pub(in crate::node) struct Held {
    keys: Keys,
    changed: BTreeMap<SecureBootDatabase, Database<Kind>>,
}

impl Key {
    /// The longest text of a certificate, bytes. The variables of real firmware hold some 32 KiB for a database.
    pub const MAX_PEM: usize = 8 << 10;
    /// The number of the first key that a client adds. Those ex works have the numbers from 1 on, for each kind.
    pub(super) const FIRST: u32 = 101;

    pub fn kind(&self) -> Kind {
        match &self.content {
            Content::Certificate(_) => Kind::Certificate,
            Content::Signature(..) => Kind::Signature,
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (&self.content, &other.content) {
            (Content::Certificate(one), Content::Certificate(other)) => one == other,
            (Content::Signature(kind, one), Content::Signature(of, other)) => {
                kind == of && one.eq_ignore_ascii_case(other)
            }
            (Content::Certificate(_), Content::Signature(..))
            | (Content::Signature(..), Content::Certificate(_)) => false,
        }
    }
}

impl<K> Database<K> {
    /// The content of a database that is not in `changed`.
    pub(super) const fn usual(keys: Keys, database: SecureBootDatabase) -> Self {
        let is_emptied = match keys {
            Keys::Default => false,
            Keys::NoPlatformKey => matches!(database, SecureBootDatabase::Pk),
            Keys::Deleted => true,
        };
        Self { is_emptied, deleted: BTreeSet::new(), added: BTreeMap::new() }
    }

    /// The numbers of its keys of a kind. `factory` is the number of those ex works.
    pub(super) fn numbers(&self, kind: Kind, factory: usize, kind_of: impl Fn(&K) -> Kind) -> Vec<u32> {
        let factory = if self.is_emptied { 0 } else { factory };
        let left = (1u32..).take(factory).filter(|number| !self.deleted.contains(&(kind, *number)));
        let added = self.added.iter().filter(|(_, key)| kind_of(key) == kind).map(|(number, _)| *number);
        left.chain(added).collect()
    }
}

/// How many keys of a kind a database has ex works.
pub(super) fn factory_count(profile: &Profile, database: SecureBootDatabase, kind: Kind) -> usize {
    match kind {
        Kind::Certificate => profile.secure_boot.certificates_of(database).count(),
        Kind::Signature => profile.secure_boot.signatures_of(database).count(),
    }
}

impl Part for Databases {
    fn of_new_machine() -> &'static Self {
        static NEW: Databases = Databases { additions: 0, changed: BTreeMap::new() };
        &NEW
    }
}

impl Databases {
    /// All keys are reset. `keys` is what the reset leaves.
    pub(super) fn reset_all(&mut self, kind: ResetKeysType) {
        match kind {
            ResetKeysType::ResetAllKeysToDefault | ResetKeysType::DeleteAllKeys => self.changed.clear(),
            ResetKeysType::DeletePk => {
                self.changed.remove(&SecureBootDatabase::Pk);
            }
        }
    }

    /// The content of a database, if it differs from what the last reset of all keys has left.
    pub(super) fn of(&self, database: SecureBootDatabase) -> Option<&Database<Key>> {
        self.changed.get(&database)
    }

    pub(super) fn change(
        &mut self,
        database: SecureBootDatabase,
        keys: Keys,
        change: impl FnOnce(&mut Database<Key>, &mut u32),
    ) {
        let usual = Database::usual(keys, database);
        let mut content = self.changed.remove(&database).unwrap_or_else(|| usual.clone());
        change(&mut content, &mut self.additions);
        if content != usual {
            self.changed.insert(database, content);
        }
    }

    pub(in crate::node) fn held(&self, keys: Keys) -> Held {
        let shape = |database: &Database<Key>| Database {
            is_emptied: database.is_emptied,
            deleted: database.deleted.clone(),
            added: database.added.iter().map(|(number, key)| (*number, key.kind())).collect(),
        };
        Held { keys, changed: self.changed.iter().map(|(of, database)| (*of, shape(database))).collect() }
    }
}

impl Held {
    /// All keys of databases that clients can change.
    fn all(&self, profile: &Profile) -> BTreeSet<(SecureBootDatabase, Kind, u32)> {
        let mut all = BTreeSet::new();
        for database in profile.secure_boot.databases.iter().filter(|of| of.default_of().is_none()) {
            let usual = Database::usual(self.keys, *database);
            let content = self.changed.get(database).unwrap_or(&usual);
            for kind in [Kind::Certificate, Kind::Signature] {
                let numbers = content.numbers(kind, factory_count(profile, *database, kind), |kind| *kind);
                all.extend(numbers.into_iter().map(|number| (*database, kind, number)));
            }
        }
        all
    }

    /// The keys that are gone, and those that are new.
    pub(in crate::node) fn differences(
        &self,
        now: &Self,
        profile: &Profile,
    ) -> [BTreeSet<(SecureBootDatabase, Kind, u32)>; 2] {
        if self == now {
            return Default::default();
        }
        let (before, now) = (self.all(profile), now.all(profile));
        [&before - &now, &now - &before]
    }
}
