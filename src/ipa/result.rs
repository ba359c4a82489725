//! The JSON of a command, in the format of `BaseCommandResult` in IPA's `extensions/base.py`.

use serde_json::json;

use crate::node::ipa::{CommandRecord, CommandStatus};

/// The JSON text of a record. Results are stored as JSON text, so they are copied, not parsed.
pub(super) fn text(record: &CommandRecord) -> String {
    let (status, error, result) = match &record.status {
        CommandStatus::Running => ("RUNNING", None, "null"),
        CommandStatus::Succeeded(result) => ("SUCCEEDED", None, &**result),
        CommandStatus::Failed(error) => ("FAILED", Some(error), "null"),
        CommandStatus::VersionMismatch(error) => ("CLEAN_VERSION_MISMATCH", Some(error), "null"),
    };
    let error =
        error.map(|e| json!({"type": e.kind, "code": e.code, "message": e.message, "details": e.details}));
    let (error, name) = (json!(error), json!(record.name));
    format!(
        r#"{{"id":"{}","command_name":{name},"command_status":"{status}","command_error":{error},"command_result":{result}}}"#,
        record.id
    )
}
