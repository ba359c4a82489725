//! `Task`: work of a BMC that takes time, its sub-tasks, and its monitor. Below the shared root an id begins with the node's
//! UUID, because all nodes share the collection.
//!
//! At the task monitor the document is the same, and its `@odata.id` is the monitor's: sushy reads the URI of the monitor from
//! there, and not from `Location` (`sushy/taskmonitor.py`, `from_response`).

use crate::dmtf::TaskState;
use crate::node::bmc::tasks::{self, Doing, End, Ended, Part, Payload, Task, Work};
use crate::node::command::Command;
use crate::node::event::What;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::error;
use crate::redfish::event::entry_uri;
use crate::redfish::event::message::{
    AWAIT_TO_ACTIVATE, TARGET_DETERMINED, TASK_ABORTED, TASK_CANCELLED, TASK_COMPLETED, TASK_STARTED,
    TRANSFER_FAILED, TRANSFERRING_TO_COMPONENT, UPDATE_SUCCESSFUL,
};
use crate::redfish::message::{GENERAL_ERROR, Message};
use crate::redfish::resource::{Monitor, OfNode, Progress};

pub(super) static MONITOR: Monitor<OfNode> =
    Monitor { path: "/redfish/v1/TaskService/TaskMonitors/{Node-Task}", see, delete: delete_monitor };

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    cx.node.bmc().tasks.iter().for_each(|task| each(&task.number.to_string()));
}

/// The task in the URI, which exists, or the request was refused.
pub(super) fn of<'a>(cx: &NodeCx<'a>) -> &'a Task {
    let number = cx.ids.first().and_then(|id| id.parse().ok());
    number.and_then(|number| cx.node.bmc().tasks.get(number)).expect("the node has been locked since")
}

/// The parts of a task, if there are several. A task with one part is that part.
fn parts_of(task: &Task) -> &[Part] {
    match &task.work {
        Work::Firmware(parts) if parts.len() > 1 => parts,
        Work::Firmware(_)
        | Work::Volume { .. }
        | Work::ManagerDefaults(_)
        | Work::BiosDefaults
        | Work::Diagnostics { .. }
        | Work::License { .. } => &[],
    }
}

pub(super) fn parts(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    (1..=parts_of(of(cx)).len()).for_each(|number| each(&number.to_string()));
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (task, bmc) = (of(cx), cx.node.bmc());
    let id = id(cx, task);
    d.put("Id", &id);
    d.put("Name", name(task));
    d.join("TaskMonitor", &["/redfish/v1/TaskService/TaskMonitors/", &id]);
    times(cx, bmc.task_state(task), task, task.ended.as_ref(), d);
    d.moving(|d| d.put("PercentComplete", bmc.task_percent(task, cx.now)));
    if let Some(ms) = task.estimated_ms() {
        d.put("EstimatedDuration", format!("PT{}.{:03}S", ms / 1000, ms % 1000));
    }
    let mut messages = vec![Message::new(&TASK_STARTED, [&id])];
    if let Work::Firmware(parts) = &task.work {
        parts.iter().for_each(|part| add_messages(cx, part, &mut messages));
    }
    messages.extend(task.ended.as_ref().map(|ended| last_message(&id, ended)));
    write_messages(&messages, task.ended.as_ref(), d);
    write_payload(task.payload.as_ref(), d);
    if let Some(uri) = created(cx, task) {
        d.object("Links", |d| {
            d.put("CreatedResources@odata.count", 1);
            d.array("CreatedResources", |d| d.item_link(&[&uri]));
        });
    }
    if !parts_of(task).is_empty() {
        d.link("SubTasks", &["/redfish/v1/TaskService/Tasks/", &id, "/SubTasks"]);
    }
}

/// The request of a task.
pub(super) fn write_payload(payload: Option<&Payload>, d: &mut Doc<'_>) {
    d.put("HidePayload", payload.is_none());
    if let Some(payload) = payload {
        d.object("Payload", |d| {
            d.put("TargetUri", &*payload.uri);
            d.put("HttpOperation", &*payload.method);
            d.put("JsonBody", &*payload.json);
        });
    }
}

pub(super) fn get_part(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (task, bmc) = (of(cx), cx.node.bmc());
    let number: usize = cx.id().parse().unwrap_or(1);
    let part = &parts_of(task)[number - 1];
    d.put("Id", cx.id());
    d.put("Name", format!("Firmware update of {}", component(cx, part)));
    times(cx, bmc.part_state(part), task, part.ended.as_ref(), d);
    d.put("PercentComplete", bmc.part_percent(part));
    let mut messages = vec![Message::new(&TASK_STARTED, [cx.id()])];
    add_messages(cx, part, &mut messages);
    messages.extend(part.ended.as_ref().map(|ended| last_message(cx.id(), ended)));
    write_messages(&messages, part.ended.as_ref(), d);
    // The request is the task's.
    d.put("HidePayload", true);
}

/// The URI of the resource that the work of a task has created, if it is still there. That of a volume is the monitor's answer only.
fn created(cx: &NodeCx<'_>, task: &Task) -> Option<String> {
    let bmc = cx.node.bmc();
    match &task.work {
        Work::Diagnostics { collection, entry: Some(entry), .. } => {
            bmc.diagnostics.of(*entry)?;
            entry_uri(&cx.model, &What::Collected(collection.clone()), u64::from(*entry))
        }
        Work::License { id: Some(id), .. } => {
            bmc.licenses.get(id, cx.profile())?;
            Some(format!("/redfish/v1/LicenseService/Licenses/{}", cx.model.full_id(id)))
        }
        Work::Diagnostics { entry: None, .. }
        | Work::License { id: None, .. }
        | Work::Firmware(_)
        | Work::Volume { .. }
        | Work::ManagerDefaults(_)
        | Work::BiosDefaults => None,
    }
}

pub(super) fn id(cx: &NodeCx<'_>, task: &Task) -> String {
    cx.model.full_id(task.number)
}

pub(super) fn name(task: &Task) -> &'static str {
    match &task.work {
        Work::Firmware(_) => "Firmware update",
        Work::Volume { doing: Doing::Create, .. } => "Creation of a volume",
        Work::Volume { doing: Doing::Delete, .. } => "Deletion of a volume",
        Work::Volume { doing: Doing::Initialize, .. } => "Initialization of a volume",
        Work::ManagerDefaults(_) => "Reset of the BMC to defaults",
        Work::BiosDefaults => "Reset of the BIOS to defaults",
        Work::Diagnostics { .. } => "Collection of diagnostic data",
        Work::License { .. } => "Installation of a license",
    }
}

/// The name of the component that a part updates.
fn component<'a>(cx: &NodeCx<'a>, part: &Part) -> &'a str {
    cx.profile().firmware.get(usize::from(part.component)).map_or("", |firmware| &firmware.name)
}

/// State, status and times.
fn times(cx: &NodeCx<'_>, state: TaskState, task: &Task, ended: Option<&Ended>, d: &mut Doc<'_>) {
    d.put("TaskState", state);
    d.put("StartTime", cx.shown(task.started));
    if let Some(ended) = ended {
        d.put("EndTime", cx.shown(ended.at));
        d.put("TaskStatus", status(&ended.how));
    }
}

pub(super) fn status(how: &End) -> &'static str {
    match how {
        End::Completed => "OK",
        End::Cancelled => "Warning",
        End::Failed(_) => "Critical",
    }
}

fn add_messages(cx: &NodeCx<'_>, part: &Part, messages: &mut Vec<Message>) {
    let (device, image) = (component(cx, part), &*part.image);
    messages.push(Message::new(&TARGET_DETERMINED, [device, image]));
    match cx.node.bmc().part_state(part) {
        TaskState::Starting | TaskState::Running => {
            messages.push(Message::new(&TRANSFERRING_TO_COMPONENT, [image, device]));
        }
        TaskState::Pending => messages.push(Message::new(&AWAIT_TO_ACTIVATE, [image, device])),
        TaskState::Completed => messages.push(Message::new(&UPDATE_SUCCESSFUL, [device, image])),
        TaskState::Exception => messages.push(Message::new(&TRANSFER_FAILED, [image, device])),
        TaskState::Cancelled => {}
    }
}

pub(super) fn last_message(id: &str, ended: &Ended) -> Message {
    match ended.how {
        End::Completed => Message::new(&TASK_COMPLETED, [id]),
        End::Cancelled => Message::new(&TASK_CANCELLED, [id]),
        End::Failed(_) => Message::new(&TASK_ABORTED, [id]),
    }
}

fn write_messages(messages: &[Message], ended: Option<&Ended>, d: &mut Doc<'_>) {
    d.array("Messages", |d| {
        for message in messages {
            d.item_object(|d| error::write(message, d));
        }
        // DMTF's registries have no message with a reason.
        if let Some(End::Failed(why)) = ended.map(|ended| &ended.how) {
            d.item_object(|d| {
                let message = Message::new(&GENERAL_ERROR, []);
                error::write_as(&message, why, d);
            });
        }
    });
}

pub(super) fn delete(cx: &NodeCx<'_>) -> Result<Command, error::Problem> {
    Ok(Command::Task(tasks::Command::Delete(of(cx).number)))
}

fn delete_monitor(cx: &NodeCx<'_>) -> Result<Command, error::Problem> {
    Ok(Command::Task(tasks::Command::DeleteMonitor(of(cx).number)))
}

fn see(cx: &NodeCx<'_>) -> Progress {
    let task = of(cx);
    let Some(ended) = &task.ended else {
        return Progress::Underway { can_be_cancelled: task.can_be_cancelled() };
    };
    match &task.work {
        _ if !task.monitored => Progress::Gone,
        Work::Volume { doing: Doing::Create, storage, id, .. } if ended.how == End::Completed => {
            let storage = cx.profile().storage.get(usize::from(*storage)).map_or("", |storage| &storage.id);
            let [base, key] = cx.model.system();
            Progress::Created(format!("{base}{key}/Storage/{storage}/Volumes/{id}"))
        }
        Work::Volume { doing: Doing::Delete, .. } if ended.how == End::Completed => Progress::Deleted,
        // An action has no result but the task, whose state says whether the work has failed. Ironic reads the task at the
        // monitor, and would wait for hours after an error there (`ironic/drivers/modules/redfish/firmware.py`).
        Work::Diagnostics { .. } | Work::License { .. } if ended.how == End::Completed => {
            created(cx, task).map_or(Progress::Ended, Progress::Created)
        }
        Work::Volume { .. }
        | Work::Firmware(_)
        | Work::ManagerDefaults(_)
        | Work::BiosDefaults
        | Work::Diagnostics { .. }
        | Work::License { .. } => Progress::Ended,
    }
}
