//! `Task` of an action on many resources. It belongs to the root that all nodes share, and stands among the tasks of the nodes there.

use super::task;
use crate::node::bmc::tasks::End;
use crate::redfish::access::Access;
use crate::redfish::aggregate_change::Asking;
use crate::redfish::aggregates::{Doing, GroupTask, Progress as Done};
use crate::redfish::context::ServiceCx;
use crate::redfish::doc::Doc;
use crate::redfish::error;
use crate::redfish::event::message::TASK_STARTED;
use crate::redfish::message::{GENERAL_ERROR, Message};
use crate::redfish::resource::{Monitor, OfService, Progress, Resource, ServiceChange};

static MONITOR: Monitor<OfService> = Monitor {
    path: "/redfish/v1/TaskService/TaskMonitors/{Service-Task}",
    see,
    delete: |cx| Ok(ServiceChange::Aggregates(Asking::DeleteMonitor(number(cx)))),
};

/// The row of these tasks.
pub(super) const fn row(path: &'static str) -> Resource<OfService> {
    Resource::of_service(path, "Task.v1_7_4.Task", get)
        .many("Task Collection", |cx, each| {
            cx.aggregates.tasks().iter().for_each(|number| each(&number.to_string()));
        })
        .among_those_of_nodes()
        .only_if(|cx| cx.own.is_none())
        .deleted_by(|cx| Ok(ServiceChange::Aggregates(Asking::DeleteTask(number(cx)))))
        .monitored_by(&MONITOR)
        .allowed_by(Access::MANAGER)
}

fn number(cx: &ServiceCx<'_>) -> u32 {
    cx.id().parse().unwrap_or_default()
}

fn get(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    let id = cx.id();
    d.put("Id", id);
    d.join("TaskMonitor", &["/redfish/v1/TaskService/TaskMonitors/", id]);
    // Another request can have deleted it since.
    cx.aggregates.task(number(cx), |task, done| write(cx, task, done, d));
}

fn write(cx: &ServiceCx<'_>, task: &GroupTask, done: &Done, d: &mut Doc<'_>) {
    d.put(
        "Name",
        match task.doing {
            Doing::Reset(_) => "Reset of resources",
            Doing::SetDefaultBootOrder => "Reset of boot orders",
        },
    );
    d.put("TaskState", done.state());
    d.put("StartTime", cx.shown(task.started));
    if let Some(ended) = &done.ended {
        d.put("EndTime", cx.shown(ended.at));
        let is_partial = ended.how == End::Completed && done.refused > 0;
        d.put("TaskStatus", if is_partial { "Warning" } else { task::status(&ended.how) });
    }
    d.put("PercentComplete", task.percent(done));
    d.put("EstimatedDuration", format!("PT{}S", task.end().since_ms(task.started) / 1000));
    d.array("Messages", |d| {
        d.item_object(|d| error::write(&Message::new(&TASK_STARTED, [cx.id()]), d));
        for reason in &done.reasons {
            d.item_object(|d| error::write_as(&Message::new(&GENERAL_ERROR, []), reason, d));
        }
        if let Some(ended) = &done.ended {
            d.item_object(|d| error::write(&task::last_message(cx.id(), ended), d));
        }
    });
    task::write_payload(task.payload.as_ref(), d);
}

fn see(cx: &ServiceCx<'_>) -> Progress {
    let seen = cx.aggregates.task(number(cx), |_, done| match done.ended {
        None => Progress::Underway { can_be_cancelled: true },
        Some(_) if done.monitored => Progress::Ended,
        Some(_) => Progress::Gone,
    });
    seen.unwrap_or(Progress::Gone)
}
