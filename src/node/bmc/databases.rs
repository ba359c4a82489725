//! The databases of secure boot: which of their keys ex works are left, and the keys that clients have added.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Bmc;
use super::secure_boot::Keys;
use crate::dmtf::{ResetKeysType, SecureBootDatabase, SignatureType};
use crate::node::refusal::Refusal;
use crate::node::sparse::Part;
use crate::profile::Profile;
use crate::profile::secure_boot::{FactoryCertificate, FactorySignature, SecureBootKeys};
use crate::tls::{Subject, factory_certificate};

/// Commands to a database. It is none of the `Default` databases, which never change.
#[derive(Clone, Debug)]
pub enum Command {
    Add(SecureBootDatabase, Key),
    /// Succeeds also if the key is already gone.
    Delete(SecureBootDatabase, Kind, u32),
    /// Puts back the keys ex works, or deletes all keys.
    Reset(SecureBootDatabase, ResetKeysType),
}

/// A key in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    Certificate,
    Signature,
}

/// A key that a client has added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub content: Content,
    /// `UefiSignatureOwner`.
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
struct Database<K> {
    /// Whether it has none of its keys ex works.
    is_emptied: bool,
    /// The keys ex works that were deleted one by one.
    deleted: BTreeSet<(Kind, u32)>,
    added: BTreeMap<u32, K>,
}

/// Which keys the databases have: what events are made of.
#[derive(PartialEq)]
pub(in crate::node) struct Held {
    keys: Keys,
    changed: BTreeMap<SecureBootDatabase, Database<Kind>>,
}

/// A key that is in a database.
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    Certificate(&'a FactoryCertificate),
    Signature(&'a FactorySignature),
    Added(&'a Key),
}

impl Key {
    /// The longest text of a certificate, bytes. The variables of real firmware hold some 32 KiB for a database.
    pub const MAX_PEM: usize = 8 << 10;
    /// The number of the first key that a client adds. Those ex works have the numbers from 1 on, for each kind.
    const FIRST: u32 = 101;

    pub fn kind(&self) -> Kind {
        match &self.content {
            Content::Certificate(_) => Kind::Certificate,
            Content::Signature(..) => Kind::Signature,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
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

impl FactoryCertificate {
    /// The certificate, PEM. Equal names mean equal certificates.
    pub fn pem(&self) -> String {
        let subject = Subject {
            country: self.country.clone(),
            organization: self.organization.clone(),
            ..Subject::named(&self.common_name)
        };
        let seed = format!("secure boot {}", self.common_name);
        // The profile was checked, so that its values can stand in a certificate.
        factory_certificate(&subject, &seed, true).unwrap_or_default()
    }
}

impl<K> Database<K> {
    /// The content of a database that is not in `changed`.
    const fn usual(keys: Keys, database: SecureBootDatabase) -> Self {
        let is_emptied = match keys {
            Keys::Default => false,
            Keys::NoPlatformKey => matches!(database, SecureBootDatabase::Pk),
            Keys::Deleted => true,
        };
        Self { is_emptied, deleted: BTreeSet::new(), added: BTreeMap::new() }
    }

    /// The numbers of its keys of a kind. `factory` is the number of those ex works.
    fn numbers(&self, kind: Kind, factory: usize, kind_of: impl Fn(&K) -> Kind) -> Vec<u32> {
        let factory = if self.is_emptied { 0 } else { factory };
        let left = (1u32..).take(factory).filter(|number| !self.deleted.contains(&(kind, *number)));
        let added = self.added.iter().filter(|(_, key)| kind_of(key) == kind).map(|(number, _)| *number);
        left.chain(added).collect()
    }
}

fn factory_count(profile: &Profile, database: SecureBootDatabase, kind: Kind) -> usize {
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

    fn change(
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
    #[expect(clippy::type_complexity, reason = "two sets of the same kind")]
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

impl Bmc {
    /// The numbers of the keys of a kind that a database has.
    pub fn keys_of(&self, database: SecureBootDatabase, kind: Kind, profile: &Profile) -> Vec<u32> {
        let factory = factory_count(profile, database, kind);
        // A `Default` database is never among the changed ones.
        let keys = if database.default_of().is_some() { Keys::Default } else { self.secure_boot.keys };
        match self.databases.changed.get(&database) {
            Some(content) => content.numbers(kind, factory, Key::kind),
            None => Database::usual(keys, database).numbers(kind, factory, Key::kind),
        }
    }

    /// The key of a database with this number.
    pub fn key<'a>(
        &'a self,
        database: SecureBootDatabase,
        kind: Kind,
        number: u32,
        profile: &'a Profile,
    ) -> Option<Found<'a>> {
        if let Some(n) = number.checked_sub(1).filter(|_| number < Key::FIRST) {
            let (n, of) = (n as usize, &profile.secure_boot);
            return match kind {
                Kind::Certificate => of.certificates_of(database).nth(n).map(Found::Certificate),
                Kind::Signature => of.signatures_of(database).nth(n).map(Found::Signature),
            };
        }
        self.databases.changed.get(&database)?.added.get(&number).map(Found::Added)
    }

    /// Whether the platform has an owner. Without a platform key, firmware is in setup mode (UEFI specification 2.10, 32.3).
    pub fn has_platform_key(&self, profile: &Profile) -> bool {
        !self.keys_of(SecureBootDatabase::Pk, Kind::Certificate, profile).is_empty()
    }

    /// Executes a command to a database. Returns the number of the key that it has added.
    pub(super) fn change_database(
        &mut self,
        command: Command,
        profile: &Profile,
    ) -> Result<Option<u32>, Refusal> {
        let keys = self.secure_boot.keys;
        match command {
            Command::Add(database, key) => {
                self.check_addition(database, &key, profile)?;
                let mut number = 0;
                self.databases.change(|all| {
                    all.change(database, keys, |content, additions| {
                        number = Key::FIRST.saturating_add(*additions);
                        *additions = additions.saturating_add(1);
                        content.added.insert(number, key);
                    });
                });
                return Ok(Some(number));
            }
            Command::Delete(database, kind, number) => self.databases.change(|all| {
                all.change(database, keys, |content, _| {
                    let is_factory = number < Key::FIRST && !content.is_emptied;
                    if is_factory && number as usize <= factory_count(profile, database, kind) {
                        content.deleted.insert((kind, number));
                    } else {
                        content.added.remove(&number);
                    }
                });
            }),
            Command::Reset(database, kind) => {
                let keys_after = match kind {
                    ResetKeysType::ResetAllKeysToDefault => Keys::Default,
                    ResetKeysType::DeleteAllKeys | ResetKeysType::DeletePk => Keys::Deleted,
                };
                self.databases.change(|all| {
                    all.change(database, keys, |content, _| *content = Database::usual(keys_after, database));
                });
            }
        }
        Ok(None)
    }

    /// Whether there is room for a key that the database does not have.
    fn check_addition(
        &self,
        database: SecureBootDatabase,
        key: &Key,
        profile: &Profile,
    ) -> Result<(), Refusal> {
        let kind = key.kind();
        let numbers = self.keys_of(database, kind, profile);
        let most = match kind {
            Kind::Certificate => database.max_certificates(),
            Kind::Signature => SecureBootKeys::MAX_SIGNATURES,
        };
        let is_same = |found: Found<'_>| match found {
            Found::Added(other) => key.is_same(other),
            Found::Certificate(other) => {
                matches!(&key.content, Content::Certificate(pem) if **pem == *other.pem())
            }
            Found::Signature(other) => {
                matches!(&key.content, Content::Signature(kind, value)
                    if *kind == other.kind && value.eq_ignore_ascii_case(&other.value))
            }
        };
        let same = numbers.iter().find(|n| self.key(database, kind, **n, profile).is_some_and(is_same));
        match same {
            Some(number) => Err(Refusal::KeyExists(kind, *number)),
            None if numbers.len() >= most => Err(Refusal::TooManyKeys),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dmtf::BootMode;
    use crate::node::bmc::secure_boot;
    use crate::profile::built_in;
    use SecureBootDatabase as Of;

    fn certificate(name: &str) -> Key {
        Key { content: Content::Certificate(name.into()), owner: None }
    }

    fn signature(value: &str) -> Key {
        Key { content: Content::Signature(SignatureType::Sha256, value.into()), owner: None }
    }

    struct Machine(Bmc, std::sync::Arc<Profile>);

    impl Machine {
        fn apply(&mut self, command: Command) -> Result<Option<u32>, Refusal> {
            self.0.change_secure_boot(secure_boot::Command::Keys(command), BootMode::Uefi, &self.1)
        }

        fn reset(&mut self, kind: ResetKeysType) {
            let command = secure_boot::Command::ResetKeys(kind);
            self.0.change_secure_boot(command, BootMode::Uefi, &self.1).unwrap();
        }

        fn certificates(&self, of: Of) -> Vec<u32> {
            self.0.keys_of(of, Kind::Certificate, &self.1)
        }
    }

    fn machine() -> Machine {
        Machine(Bmc::default(), built_in("generic").unwrap())
    }

    #[test]
    fn the_platform_has_one_key_and_leaves_setup_mode_with_a_new_one() {
        let mut machine = machine();
        assert_eq!(machine.certificates(Of::Pk), [1]);
        assert_eq!(machine.apply(Command::Add(Of::Pk, certificate("own"))), Err(Refusal::TooManyKeys));
        machine.apply(Command::Delete(Of::Pk, Kind::Certificate, 1)).unwrap();
        assert!(!machine.0.has_platform_key(&machine.1));
        assert_eq!(machine.certificates(Of::PkDefault), [1], "what the firmware has ex works stays");
        let own = machine.apply(Command::Add(Of::Pk, certificate("own"))).unwrap().unwrap();
        assert_eq!((machine.certificates(Of::Pk), own), (vec![101], 101));
        machine.reset(ResetKeysType::DeletePk);
        assert!(!machine.0.has_platform_key(&machine.1) && !machine.certificates(Of::Kek).is_empty());
        machine.reset(ResetKeysType::DeleteAllKeys);
        machine.reset(ResetKeysType::DeletePk);
        assert!(machine.certificates(Of::Kek).is_empty(), "no reset brings back another database");
        machine.apply(Command::Reset(Of::Kek, ResetKeysType::ResetAllKeysToDefault)).unwrap();
        assert_eq!(machine.certificates(Of::Kek), [1]);
        machine.reset(ResetKeysType::ResetAllKeysToDefault);
        assert!(machine.0.has_platform_key(&machine.1) && machine.0.databases.changed.is_empty());
    }

    #[test]
    fn a_key_is_there_once_and_keeps_its_number() {
        let mut machine = machine();
        let factory = machine.1.secure_boot.certificates_of(Of::Db).next().unwrap().pem();
        let again = machine.apply(Command::Add(Of::Db, certificate(&factory)));
        assert_eq!(again, Err(Refusal::KeyExists(Kind::Certificate, 1)));
        let first = machine.apply(Command::Add(Of::Dbx, signature(&"aB".repeat(32)))).unwrap();
        let again = machine.apply(Command::Add(Of::Dbx, signature(&"Ab".repeat(32))));
        assert_eq!((first, again), (Some(101), Err(Refusal::KeyExists(Kind::Signature, 101))));
        machine.apply(Command::Delete(Of::Dbx, Kind::Signature, 101)).unwrap();
        machine.apply(Command::Delete(Of::Dbx, Kind::Signature, 101)).unwrap();
        assert_eq!(
            machine.apply(Command::Add(Of::Db, certificate("x"))),
            Ok(Some(102)),
            "it is not used again"
        );
        machine.apply(Command::Reset(Of::Db, ResetKeysType::DeleteAllKeys)).unwrap();
        for n in 0..Of::Db.max_certificates() {
            machine.apply(Command::Add(Of::Db, certificate(&n.to_string()))).unwrap();
        }
        let before = machine.0.databases.clone();
        assert_eq!(machine.apply(Command::Add(Of::Db, certificate("more"))), Err(Refusal::TooManyKeys));
        assert_eq!(machine.0.databases, before);
    }
}
