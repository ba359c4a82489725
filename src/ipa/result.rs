//! The JSON of a command, in the format of `BaseCommandResult` in IPA's `extensions/base.py`.

use bytes::Bytes;
use serde_json::json;

use crate::node::ipa::{CommandEnd, CommandRecord, CommandStatus, Text};

/// Appends the JSON text of a record. Results are stored as JSON text, so they are neither parsed nor copied.
pub(super) fn append(record: CommandRecord, pieces: &mut impl Extend<Bytes>) {
    let end = match record.status {
        CommandStatus::Running(_) => None,
        CommandStatus::Ended(end) => Some(end),
    };
    let (status, error) = match &end {
        None => ("RUNNING", None),
        Some(CommandEnd::Succeeded(_) | CommandEnd::StepSucceeded { .. }) => ("SUCCEEDED", None),
        Some(CommandEnd::Failed(error)) => ("FAILED", Some(error)),
        Some(CommandEnd::VersionMismatch(error)) => ("CLEAN_VERSION_MISMATCH", Some(error)),
    };
    let error =
        error.map(|e| json!({"type": e.kind, "code": e.code, "message": e.message, "details": e.details}));
    let (id, name, error) = (record.id, json!(record.name), json!(error));
    let head = format!(
        r#"{{"id":"{id}","command_name":{name},"command_status":"{status}","command_error":{error},"command_result":"#
    );
    pieces.extend([Bytes::from(head)]);
    match end {
        Some(CommandEnd::Succeeded(result)) => pieces.extend([shared(result)]),
        Some(CommandEnd::StepSucceeded { word, result, step }) => pieces.extend([
            Bytes::from(format!(r#"{{"{word}_result":"#)),
            shared(result),
            Bytes::from(format!(r#","{word}_step":"#)),
            shared(step),
            Bytes::from_static(b"}"),
        ]),
        None | Some(CommandEnd::Failed(_) | CommandEnd::VersionMismatch(_)) => {
            pieces.extend([Bytes::from_static(b"null")]);
        }
    }
    pieces.extend([Bytes::from_static(b"}")]);
}

/// The bytes of a text, which are not copied.
fn shared(text: Text) -> Bytes {
    struct Owner(Text);

    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            self.0.as_bytes()
        }
    }

    Bytes::from_owner(Owner(text))
}
