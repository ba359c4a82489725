//! The log services of a model, as its maker names them.

use serde::{Deserialize, Serialize};

use crate::dmtf::{DiagnosticDataType, LogEntryType, OverWritePolicy};

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
    /// The codes of each POST. No event is in this log: its entries follow from the starts of the host.
    PostCodes,
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
    /// `DiagnosticDataType`: what a client may collect with `LogService.CollectDiagnosticData`. Without any, the service has no
    /// such action.
    #[serde(default)]
    pub diagnostics: Vec<DiagnosticDataType>,
    /// `OEMDiagnosticDataType`: the maker's own types, of the type `OEM`.
    #[serde(default)]
    pub oem_diagnostics: Vec<String>,
}

fn wraps() -> OverWritePolicy {
    OverWritePolicy::WrapsWhenFull
}

impl LogService {
    /// The largest number of entries, about 60 bytes each in memory. A node is stored with its logs at each change.
    pub const MOST: u16 = 1024;
    /// The bits of the index of a POST code in the number of its entry.
    const INDEX_BITS: u32 = 6;
    /// The longest name of a maker's own type of diagnostic data, bytes.
    const MAX_OEM_NAME: usize = 64;

    /// The log services of a model without `[[log]]`.
    pub(super) fn usual() -> Vec<Self> {
        let service = |id: &str, name: &str, below, holds, entry_type, diagnostics: &[_]| Self {
            id: id.to_owned(),
            name: name.to_owned(),
            below,
            holds: vec![holds],
            entry_type,
            oem_format: None,
            entries: 256,
            overwrite: wraps(),
            diagnostics: diagnostics.to_vec(),
            oem_diagnostics: Vec::new(),
        };
        let (of_system, of_manager) =
            ([DiagnosticDataType::PreOs, DiagnosticDataType::Oem], [DiagnosticDataType::Manager]);
        let event = LogEntryType::Event;
        vec![
            Self {
                // As OpenBMC calls the data of the whole machine.
                oem_diagnostics: vec!["System".to_owned()],
                ..service(
                    "SEL",
                    "System Event Log",
                    Below::System,
                    Log::Hardware,
                    LogEntryType::Sel,
                    &of_system,
                )
            },
            service("Log", "Manager Log", Below::Manager, Log::Manager, event, &of_manager),
            service("AuditLog", "Audit Log", Below::Manager, Log::Audit, event, &[]),
            // The last one, because events name a log service by its number, also those that an earlier build has stored.
            service("PostCodes", "POST Code Log Service", Below::System, Log::PostCodes, event, &[]),
        ]
    }

    /// Whether its entries are POST codes, and not events.
    pub fn holds_post_codes(&self) -> bool {
        self.holds.contains(&Log::PostCodes)
    }

    /// The number of an entry that is a POST code: the start of the host, and the index of the code.
    pub fn post_code_number(start: u32, index: usize) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "there are at most 63 codes")]
        let index = index as u32 + 1;
        start << Self::INDEX_BITS | index
    }

    /// `Id` of the entry with this number: `B3-14` for a POST code (as OpenBMC writes it, with the number of the start), and the
    /// number itself for an event.
    pub fn entry_id(&self, number: u32) -> String {
        if self.holds_post_codes() {
            let index = number & ((1 << Self::INDEX_BITS) - 1);
            return format!("B{}-{index}", number >> Self::INDEX_BITS);
        }
        number.to_string()
    }

    /// The number of the entry with this `Id`. `None` if no entry can have it.
    pub fn entry_number(&self, id: &str) -> Option<u32> {
        if !self.holds_post_codes() {
            return id.parse().ok();
        }
        let (start, index) = id.strip_prefix('B')?.split_once('-')?;
        let (start, index): (u32, u8) = (start.parse().ok()?, index.parse().ok()?);
        let number = Self::post_code_number(start, index.checked_sub(1)?.into());
        (self.entry_id(number) == id).then_some(number)
    }

    /// # Errors
    /// The key that is wrong, and what is allowed.
    pub(super) fn check(all: &[Self]) -> Result<(), String> {
        for service in all {
            service.check_diagnostics()?;
            let Self { id, holds, entry_type, oem_format, entries, .. } = service;
            if !(1..=Self::MOST).contains(entries) {
                return Err(format!("log '{id}': entries is {entries}; allowed are 1 to {}", Self::MOST));
            }
            if (*entry_type == LogEntryType::Oem) != oem_format.is_some() {
                return Err(format!(
                    "log '{id}': oem_format and entry_type = \"Oem\" belong together; give both or none"
                ));
            }
            if holds.is_empty() {
                return Err(format!(
                    "log '{id}': holds is empty; it needs hardware, manager, audit or post-codes"
                ));
            }
            let fits =
                holds.len() == 1 && service.below == Below::System && *entry_type == LogEntryType::Event;
            if service.holds_post_codes() && !fits {
                return Err(format!(
                    "log '{id}': a log that holds post-codes holds nothing else, is below the system, and has \
                     entry_type = \"Event\""
                ));
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

    fn check_diagnostics(&self) -> Result<(), String> {
        let Self { id, diagnostics, oem_diagnostics, .. } = self;
        if diagnostics.contains(&DiagnosticDataType::Oem) == oem_diagnostics.is_empty() {
            return Err(format!(
                "log '{id}': diagnostics with \"OEM\" and oem_diagnostics belong together; give both or none"
            ));
        }
        if self.holds_post_codes() && !diagnostics.is_empty() {
            return Err(format!(
                "log '{id}': a log that holds post-codes has no diagnostics; remove the key"
            ));
        }
        let mut names: Vec<&str> = diagnostics.iter().map(|kind| kind.as_str()).collect();
        names.extend(oem_diagnostics.iter().map(String::as_str));
        for (at, name) in names.iter().enumerate() {
            if name.is_empty() || name.len() > Self::MAX_OEM_NAME || names[..at].contains(name) {
                return Err(format!(
                    "log '{id}': diagnostics or oem_diagnostics has '{name}'; each type appears once, with 1 to {} bytes",
                    Self::MAX_OEM_NAME
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_an_entry_tells_its_number() {
        let logs = LogService::usual();
        let [sel, codes] = [&logs[0], &logs[3]];
        assert_eq!(
            (&*sel.entry_id(7), sel.entry_number("7"), sel.entry_number("B1-1")),
            ("7", Some(7), None)
        );
        let number = LogService::post_code_number(3, 13);
        assert_eq!((&*codes.entry_id(number), codes.entry_number("B3-14")), ("B3-14", Some(number)));
        for id in ["7", "B3", "B3-0", "B3-64", "B03-1", "B3-+1", "B-1", "B4294967295-1", ""] {
            assert_eq!(codes.entry_number(id), None, "{id}");
        }
    }

    #[test]
    fn logs_that_contradict_themselves_are_refused() {
        let refused = |change: fn(&mut LogService), service: usize| {
            let mut logs = LogService::usual();
            change(&mut logs[service]);
            LogService::check(&logs).unwrap_err()
        };
        assert_eq!(LogService::check(&LogService::usual()), Ok(()));
        assert!(refused(|log| log.oem_diagnostics.clear(), 0).contains("belong together"));
        assert!(refused(|log| log.oem_diagnostics.push("System".into()), 0).contains("appears once"));
        assert!(
            refused(|log| log.diagnostics.push(DiagnosticDataType::PreOs), 3).contains("has no diagnostics")
        );
        assert!(refused(|log| log.below = Below::Manager, 3).contains("nothing else"));
        assert!(refused(|log| log.holds.push(Log::PostCodes), 2).contains("nothing else"));
    }
}
