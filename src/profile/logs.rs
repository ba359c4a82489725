//! The log services of a model, as its maker names them.

use serde::{Deserialize, Serialize};

use crate::dmtf::{LogEntryType, OverWritePolicy};

/// The logs of a BMC, by what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Log {
    /// The machine: power, boot, parts, sensors.
    Hardware,
    /// The BMC: its restarts, its tasks, its media.
    Manager,
    /// Clients: logins, accounts, settings.
    Audit,
}

/// The resource that a log service is below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Below {
    System,
    Manager,
}

/// A log service: an entry `[[log]]` of `profile.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogService {
    /// The last segment of its URI.
    pub id: String,
    pub name: String,
    pub below: Below,
    /// The events that it holds. An event of a log that no service holds is not kept.
    pub holds: Vec<Log>,
    /// `LogEntryType`, and the type of its entries.
    pub entry_type: LogEntryType,
    /// `OemRecordFormat` of entries of the type `Oem`.
    #[serde(default)]
    pub oem_format: Option<String>,
    /// `MaxNumberOfRecords`: 1 to [`LogService::MOST`].
    pub entries: u16,
    #[serde(default = "wraps")]
    pub overwrite: OverWritePolicy,
}

fn wraps() -> OverWritePolicy {
    OverWritePolicy::WrapsWhenFull
}

impl LogService {
    /// The largest number of entries, about 60 bytes each in memory. A node is stored with its logs at each change.
    pub const MOST: u16 = 1024;

    /// The log services of a model without `[[log]]`.
    pub(super) fn usual() -> Vec<Self> {
        let service = |id: &str, name: &str, below, holds, entry_type| Self {
            id: id.to_owned(),
            name: name.to_owned(),
            below,
            holds,
            entry_type,
            oem_format: None,
            entries: 256,
            overwrite: wraps(),
        };
        vec![
            service("SEL", "System Event Log", Below::System, vec![Log::Hardware], LogEntryType::Sel),
            service("Log", "Manager Log", Below::Manager, vec![Log::Manager], LogEntryType::Event),
            service("AuditLog", "Audit Log", Below::Manager, vec![Log::Audit], LogEntryType::Event),
        ]
    }

    /// # Errors
    /// The key that is wrong, and what is allowed.
    pub(super) fn check(all: &[Self]) -> Result<(), String> {
        for Self { id, holds, entry_type, oem_format, entries, .. } in all {
            if !(1..=Self::MOST).contains(entries) {
                return Err(format!("log '{id}': entries is {entries}; allowed are 1 to {}", Self::MOST));
            }
            if (*entry_type == LogEntryType::Oem) != oem_format.is_some() {
                return Err(format!(
                    "log '{id}': oem_format and entry_type = \"Oem\" belong together; give both or none"
                ));
            }
            if holds.is_empty() {
                return Err(format!("log '{id}': holds is empty; it needs hardware, manager or audit"));
            }
        }
        let mut held: Vec<Log> = Vec::new();
        for log in all.iter().flat_map(|service| &service.holds) {
            if held.contains(log) {
                return Err(format!("log: two services hold {log:?}; each log belongs to one service"));
            }
            held.push(*log);
        }
        Ok(())
    }
}
