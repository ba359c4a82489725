//! `TaskService`.

use super::common;
use crate::node::bmc::tasks::Settings;
use crate::redfish::body::Body;
use crate::redfish::context::ServiceCx;
use crate::redfish::doc::Doc;
use crate::redfish::resource::{Asked, OfService, ServiceChange};

pub(super) fn get(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    let settings = cx.own.map_or_else(|| cx.tasks.get(), |node| node.bmc().tasks.settings);
    d.put("Id", "TaskService");
    d.put("Name", "Task Service");
    d.put("ServiceEnabled", settings.enabled);
    d.moving(|d| d.put("DateTime", cx.shown(cx.now)));
    d.put("CompletedTaskOverWritePolicy", "Oldest");
    d.put("LifeCycleEventOnTaskStateChange", false);
    d.put("TaskAutoDeleteTimeoutMinutes", settings.auto_delete_minutes);
    d.object("Status", |d| {
        if settings.enabled {
            return common::ok(d);
        }
        d.put("State", "Disabled");
        d.put("Health", "OK");
    });
}

pub(super) fn patch(_: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    let enabled = body.flag("ServiceEnabled");
    let (low, high) = (*Settings::AUTO_DELETE_MINUTES.start(), *Settings::AUTO_DELETE_MINUTES.end());
    let minutes = body.number("TaskAutoDeleteTimeoutMinutes", low, high);
    let auto_delete_minutes = minutes.and_then(|minutes| u32::try_from(minutes).ok());
    Ok(Some(ServiceChange::Tasks { enabled, auto_delete_minutes }))
}
