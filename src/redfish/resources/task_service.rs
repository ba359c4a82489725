//! `TaskService` and its tasks.

use crate::redfish::doc::Doc;
use crate::redfish::resource::Cx;

pub(super) fn get(cx: &Cx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "TaskService");
    d.put("Name", "Task Service");
    d.put("ServiceEnabled", true);
    d.moving(|d| d.put("DateTime", cx.now.redfish(0)));
    d.put("CompletedTaskOverWritePolicy", "Oldest");
    d.put("LifeCycleEventOnTaskStateChange", false);
    d.object("Status", super::ok);
}

/// There are none: what this service is asked for is done when it answers.
pub(super) fn tasks(_: &Cx<'_>, _: &mut dyn FnMut(&str)) {}

pub(super) fn get_task(_: &Cx<'_>, _: &mut Doc<'_>) {
    unreachable!("a task that is not there was refused before")
}
