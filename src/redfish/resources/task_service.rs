//! `TaskService` and its tasks.

use super::common;
use crate::redfish::context::ServiceCx;
use crate::redfish::doc::Doc;

pub(super) fn get(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "TaskService");
    d.put("Name", "Task Service");
    d.put("ServiceEnabled", true);
    d.moving(|d| d.put("DateTime", cx.shown(cx.now)));
    d.put("CompletedTaskOverWritePolicy", "Oldest");
    d.put("LifeCycleEventOnTaskStateChange", false);
    d.object("Status", common::ok);
}

/// The service has no tasks: every request is done when it is answered.
pub(super) fn tasks(_: &ServiceCx<'_>, _: &mut dyn FnMut(&str)) {}

pub(super) fn get_task(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", cx.id());
    d.put("Name", "Task");
}
