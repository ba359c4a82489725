//! The list of systems, as sushy-tools' fake driver reads it.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::value::{Literal, Value};
use super::{MAX_SYSTEMS, Wrong};
use crate::address::Mac;
use crate::profile::identities::Identity;

/// Keys that have no meaning here: fauxmetal tells its own agents, and nothing listens on the addresses of interfaces.
const SILENT: &[&str] = &["external_notifier"];
/// The largest number of interfaces of a system that is read. A model has fewer.
const MAX_NICS: usize = 255;

/// The systems of a list, and what was ignored. `place` names the list in errors.
pub(super) fn read(list: &Literal, place: &str) -> Result<(Vec<Identity>, Vec<String>), Wrong> {
    let wrong = |problem| Wrong { line: list.line, problem };
    let Value::List(entries) = &list.value else {
        return Err(wrong(format!("{place} has {}; allowed is a list of systems", list.value.kind())));
    };
    if entries.is_empty() || entries.len() > MAX_SYSTEMS {
        return Err(wrong(format!("{place} has {} systems; allowed are 1 to {MAX_SYSTEMS}", entries.len())));
    }
    let (mut ignored, mut known) = (BTreeSet::new(), HashMap::new());
    let mut systems = Vec::with_capacity(entries.len());
    for (number, entry) in entries.iter().enumerate() {
        let fields = Fields { number: number + 1, line: entry.line };
        let system = fields.system(&entry.value, &mut ignored)?;
        fields.check_own(&system, &mut known)?;
        systems.push(system);
    }
    let ignored: Vec<_> = ignored.into_iter().collect();
    let warning = || format!("these keys of systems are ignored: {}", ignored.join(", "));
    Ok((systems, (!ignored.is_empty()).then(warning).into_iter().collect()))
}

/// The system that sushy-tools has with its fake driver and no list (`fakedriver.py`, `initialize`).
pub(super) fn default_of_sushy() -> Identity {
    Identity {
        uuid: Uuid::from_u128(0x2794_6b59_9e44_4fa7_8e91_f352_7a1e_f094),
        name: "fake".into(),
        macs: [Mac([0x00, 0x5c, 0x52, 0x31, 0x3a, 0x9c])].into(),
        on: false,
    }
}

/// What identifies a system.
#[derive(PartialEq, Eq, Hash)]
enum Own {
    Uuid(Uuid),
    /// In lower case, because names differ in more than the case of their letters.
    Name(String),
    Mac(Mac),
}

impl std::fmt::Display for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Uuid(uuid) => write!(f, "uuid {uuid}"),
            Self::Name(name) => write!(f, "name {name}"),
            Self::Mac(mac) => write!(f, "mac {mac}"),
        }
    }
}

/// An entry of the list, for its errors.
#[derive(Clone, Copy)]
struct Fields {
    /// The number of the entry in the list, from 1.
    number: usize,
    line: usize,
}

impl Fields {
    fn wrong(self, problem: impl std::fmt::Display) -> Wrong {
        Wrong { line: self.line, problem: format!("entry {}: {problem}", self.number) }
    }

    fn system(self, entry: &Value, ignored: &mut BTreeSet<String>) -> Result<Identity, Wrong> {
        let Value::Dict(pairs) = entry else {
            return Err(
                self.wrong(format!("it is {}; allowed is a dictionary with uuid and name", entry.kind()))
            );
        };
        let (mut uuid, mut name, mut on, mut macs) = (None, None, false, Vec::new());
        for (key, value) in pairs {
            let at = Self { line: value.line, ..self };
            let Value::Text(key) = &key.value else {
                return Err(at.wrong(format!("a key is {}; allowed is a text", key.value.kind())));
            };
            match key.as_str() {
                "uuid" => uuid = Some(at.uuid(&value.value)?),
                "name" => {
                    let text = at.text(key, &value.value)?;
                    Identity::check_name(text)
                        .map_err(|allowed| at.wrong(format!("name: '{text}': {allowed}")))?;
                    name = Some(text.into());
                }
                "power_state" => {
                    let text = at.text(key, &value.value)?;
                    on = match text.to_ascii_lowercase().as_str() {
                        "on" => true,
                        "off" => false,
                        _ => return Err(at.wrong(format!("power_state: '{text}'; allowed are On and Off"))),
                    };
                }
                "nics" => macs = at.macs(&value.value, ignored)?,
                key if SILENT.contains(&key) => {}
                key => drop(ignored.insert(key.to_owned())),
            }
        }
        let missing = |key| self.wrong(format!("{key} is missing; each system has uuid and name"));
        Ok(Identity {
            uuid: uuid.ok_or_else(|| missing("uuid"))?,
            name: name.ok_or_else(|| missing("name"))?,
            macs: macs.into(),
            on,
        })
    }

    /// Checks that no earlier entry has the same identity. `known` has the numbers of entries by what identifies them.
    fn check_own(self, system: &Identity, known: &mut HashMap<Own, usize>) -> Result<(), Wrong> {
        let own = [Own::Uuid(system.uuid), Own::Name(system.name.to_ascii_lowercase())];
        for own in own.into_iter().chain(system.macs.iter().map(|mac| Own::Mac(*mac))) {
            let shown = own.to_string();
            if let Some(other) = known.insert(own, self.number) {
                return Err(
                    self.wrong(format!("the {shown} is that of entry {other}; each system has its own"))
                );
            }
        }
        Ok(())
    }

    fn text<'v>(self, key: &str, value: &'v Value) -> Result<&'v str, Wrong> {
        match value {
            Value::Text(text) => Ok(text),
            other => Err(self.wrong(format!("{key} is {}; allowed is a text", other.kind()))),
        }
    }

    /// A UUID in the form of a URI. Another form would be another URI for sushy-tools.
    fn uuid(self, value: &Value) -> Result<Uuid, Wrong> {
        let text = self.text("uuid", value)?;
        let parsed = Uuid::try_parse(text).ok().filter(|uuid| uuid.to_string() == text.to_ascii_lowercase());
        parsed.filter(|uuid| !uuid.is_nil()).ok_or_else(|| {
            self.wrong(format!("uuid: '{text}' is no UUID, such as 27946b59-9e44-4fa7-8e91-f3527a1ef094"))
        })
    }

    fn macs(self, value: &Value, ignored: &mut BTreeSet<String>) -> Result<Vec<Mac>, Wrong> {
        let Value::List(nics) = value else {
            return Err(
                self.wrong(format!("nics is {}; allowed is a list of dictionaries with mac", value.kind()))
            );
        };
        if nics.len() > MAX_NICS {
            return Err(
                self.wrong(format!("nics has {} entries; allowed are at most {MAX_NICS}", nics.len()))
            );
        }
        nics.iter().map(|nic| Self { line: nic.line, ..self }.mac(&nic.value, ignored)).collect()
    }

    fn mac(self, nic: &Value, ignored: &mut BTreeSet<String>) -> Result<Mac, Wrong> {
        let Value::Dict(pairs) = nic else {
            return Err(
                self.wrong(format!("an entry of nics is {}; allowed is a dictionary with mac", nic.kind()))
            );
        };
        let mut mac = None;
        for (key, value) in pairs {
            match &key.value {
                Value::Text(key) if key == "mac" => mac = Some(self.text("mac", &value.value)?),
                Value::Text(key) if key == "ip" || key == "name" => {}
                Value::Text(key) => drop(ignored.insert(format!("nics.{key}"))),
                other => return Err(self.wrong(format!("a key is {}; allowed is a text", other.kind()))),
            }
        }
        let mac = mac.ok_or_else(|| self.wrong("mac is missing in an entry of nics"))?;
        let good = Mac::parse(mac).filter(|mac| mac.is_of_interface());
        good.ok_or_else(|| {
            self.wrong(format!("mac: '{mac}' is no MAC address of an interface, such as 02:00:00:ab:cd:ef"))
        })
    }
}
