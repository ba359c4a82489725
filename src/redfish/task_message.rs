//! The messages of DMTF's registries for tasks and updates that this service shows in tasks.
//!
//! Source: DSP8011 2025.4, `TaskEvent.1.0.5` and `Update.1.3.0`.

use super::message::{Entry, Registry};

/// The messages about tasks.
pub(super) static TASK_EVENT: Registry = Registry {
    id: "TaskEvent.1.0",
    prefix: "TaskEvent",
    version: "1.0.5",
    name: "Task Event Message Registry",
    messages: &[&TASK_STARTED, &TASK_COMPLETED, &TASK_ABORTED, &TASK_CANCELLED],
};

/// The messages about updates.
pub(super) static UPDATE: Registry = Registry {
    id: "Update.1.3",
    prefix: "Update",
    version: "1.3.0",
    name: "Update Message Registry",
    messages: &[
        &TARGET_DETERMINED,
        &TRANSFERRING_TO_COMPONENT,
        &TRANSFER_FAILED,
        &AWAIT_TO_ACTIVATE,
        &UPDATE_SUCCESSFUL,
    ],
};

const fn entry(
    registry: &'static str,
    key: &'static str,
    severity: &'static str,
    text: &'static str,
    resolution: &'static str,
) -> Entry {
    Entry { registry, key, severity, text, resolution }
}

pub(super) static TASK_STARTED: Entry =
    entry("TaskEvent.1.0", "TaskStarted", "OK", "The task with Id '%1' has started.", "None.");
pub(super) static TASK_COMPLETED: Entry =
    entry("TaskEvent.1.0", "TaskCompletedOK", "OK", "The task with Id '%1' has completed.", "None.");
pub(super) static TASK_ABORTED: Entry = entry(
    "TaskEvent.1.0",
    "TaskAborted",
    "Critical",
    "The task with Id '%1' has completed with errors.",
    "None.",
);
pub(super) static TASK_CANCELLED: Entry = entry(
    "TaskEvent.1.0",
    "TaskCancelled",
    "Warning",
    "Work on the task with Id '%1' was halted prior to completion due to an explicit request.",
    "None.",
);
pub(super) static TARGET_DETERMINED: Entry = entry(
    "Update.1.3",
    "TargetDetermined",
    "OK",
    "The target device '%1' will be updated with image '%2'.",
    "None.",
);
pub(super) static TRANSFERRING_TO_COMPONENT: Entry =
    entry("Update.1.3", "TransferringToComponent", "OK", "Image '%1' is being transferred to '%2'.", "None.");
pub(super) static TRANSFER_FAILED: Entry =
    entry("Update.1.3", "TransferFailed", "Critical", "Transfer of image '%1' to '%2' failed.", "None.");
pub(super) static AWAIT_TO_ACTIVATE: Entry = entry(
    "Update.1.3",
    "AwaitToActivate",
    "OK",
    "Awaiting for an action to proceed with activating image '%1' on '%2'.",
    "Perform the requested action to advance the update operation.",
);
pub(super) static UPDATE_SUCCESSFUL: Entry = entry(
    "Update.1.3",
    "UpdateSuccessful",
    "OK",
    "Device '%1' successfully updated with image '%2'.",
    "None.",
);
