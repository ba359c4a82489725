//! The keys of secure boot that a machine has: those that are left of its profile, and those that clients have added.

use super::Bmc;
use super::databases::{Command, Content, Database, Key, factory_count};
use super::secure_boot::{self, Keys};
use crate::dmtf::{BootMode, ResetKeysType, SecureBootDatabase};
use crate::node::refusal::Refusal;
use crate::profile::Profile;
use crate::profile::secure_boot::{FactoryCertificate, FactorySignature, Kind, SecureBootKeys};
use crate::tls::{Subject, factory_certificate};

/// A key that is in a database.
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    Certificate(&'a FactoryCertificate),
    Signature(&'a FactorySignature),
    Added(&'a Key),
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

impl Bmc {
    /// The numbers of the keys of a kind that a database has.
    pub fn keys_of(&self, database: SecureBootDatabase, kind: Kind, profile: &Profile) -> Vec<u32> {
        let factory = factory_count(profile, database, kind);
        // A `Default` database is never among the changed ones.
        let keys = if database.default_of().is_some() { Keys::Default } else { self.secure_boot.keys };
        match self.databases.of(database) {
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
        self.databases.of(database)?.added.get(&number).map(Found::Added)
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

    /// Executes a command while the host has this boot mode. Returns the number of the key that it has added.
    pub(in crate::node) fn change_secure_boot(
        &mut self,
        command: secure_boot::Command,
        mode: BootMode,
        profile: &Profile,
    ) -> Result<Option<u32>, Refusal> {
        match command {
            secure_boot::Command::Enable(true) if mode == BootMode::Legacy => {
                return Err(Refusal::SecureBootNeedsUefi);
            }
            secure_boot::Command::Enable(enable) => self.secure_boot.enable = enable,
            secure_boot::Command::ResetKeys(kind) => {
                let keys = &mut self.secure_boot.keys;
                *keys = match (kind, *keys) {
                    (ResetKeysType::ResetAllKeysToDefault, _) => Keys::Default,
                    (ResetKeysType::DeletePk, Keys::Default | Keys::NoPlatformKey) => Keys::NoPlatformKey,
                    (ResetKeysType::DeletePk, Keys::Deleted) | (ResetKeysType::DeleteAllKeys, _) => {
                        Keys::Deleted
                    }
                };
                self.databases.change(|all| all.reset_all(kind));
            }
            secure_boot::Command::Keys(command) => return self.change_database(command, profile),
        }
        Ok(None)
    }

    /// A start of the machine: the setting takes effect. It needs the platform key.
    pub(super) fn start_secure_boot(&mut self, profile: &Profile) {
        self.secure_boot.current = self.secure_boot.enable && self.has_platform_key(profile);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dmtf::SignatureType;
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
        assert!(machine.0.has_platform_key(&machine.1) && machine.0.databases.of(Of::Pk).is_none());
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
