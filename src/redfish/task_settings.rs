//! The settings of the task service at the root that all nodes share.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::fleet::persist::Ledger;
use crate::node::bmc::tasks::Settings;

/// The settings of the `TaskService` at the root that all nodes share.
pub struct TaskSettings {
    settings: Mutex<Settings>,
    /// Stores the settings on disk.
    ledger: Option<Arc<Ledger>>,
}

impl TaskSettings {
    /// The key of the record.
    pub const RECORD: &str = "task-service";

    /// The settings of a new service. If there is a `ledger`, it stores each change on disk.
    pub fn kept_in(ledger: Option<Arc<Ledger>>) -> Self {
        Self { settings: Mutex::new(Settings::NEW), ledger }
    }

    /// Restores the settings from the record.
    ///
    /// # Errors
    /// The key of a record that cannot be read, and the reason.
    pub fn restore(&self, records: &[(String, Vec<u8>)]) -> Result<(), String> {
        for (key, value) in records {
            *self.settings.lock() =
                serde_json::from_slice(value).map_err(|error| format!("record '{key}': {error}"))?;
        }
        Ok(())
    }

    pub fn get(&self) -> Settings {
        // The response that shows them waits until they are on disk.
        if let Some(ledger) = &self.ledger {
            ledger.note_records();
        }
        *self.settings.lock()
    }

    pub(super) fn change(&self, enabled: Option<bool>, auto_delete_minutes: Option<u32>) {
        let mut settings = self.settings.lock();
        settings.change(enabled, auto_delete_minutes);
        if let Some(ledger) = &self.ledger {
            let json = serde_json::to_vec(&*settings).expect("a struct of numbers");
            ledger.record(Self::RECORD, Some(json));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restored_settings_are_the_stored_ones() {
        let settings = TaskSettings::kept_in(None);
        settings.change(Some(false), None);
        settings.change(None, Some(7));
        let stored = Settings { enabled: false, auto_delete_minutes: 7 };
        assert_eq!(settings.get(), stored);
        let restored = TaskSettings::kept_in(None);
        let records = [(TaskSettings::RECORD.to_owned(), serde_json::to_vec(&stored).unwrap())];
        restored.restore(&records).unwrap();
        assert_eq!(restored.get(), stored);
        assert!(restored.restore(&[("task-service".into(), b"x".to_vec())]).is_err());
    }
}
