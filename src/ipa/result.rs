//! The JSON of a command, in the format of `BaseCommandResult` in IPA's `extensions/base.py`.

use serde_json::json;

use crate::node::ipa::{CommandEnd, CommandRecord, CommandStatus};

/// The JSON text of a record. Results are stored as JSON text, so they are copied, not parsed.
pub(super) fn text(record: &CommandRecord) -> String {
    let (status, error, result) = match &record.status {
        CommandStatus::Running(_) => ("RUNNING", None, "null"),
        CommandStatus::Ended(CommandEnd::Succeeded(result)) => ("SUCCEEDED", None, &**result),
        CommandStatus::Ended(CommandEnd::Failed(error)) => ("FAILED", Some(error), "null"),
        CommandStatus::Ended(CommandEnd::VersionMismatch(error)) => {
            ("CLEAN_VERSION_MISMATCH", Some(error), "null")
        }
    };
    let error =
        error.map(|e| json!({"type": e.kind, "code": e.code, "message": e.message, "details": e.details}));
    let (error, name) = (json!(error), json!(record.name));
    format!(
        r#"{{"id":"{}","command_name":{name},"command_status":"{status}","command_error":{error},"command_result":{result}}}"#,
        record.id
    )
}
