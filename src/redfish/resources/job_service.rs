//! `JobService` and `Job`: the tasks of machines, as clients find them that look for jobs.

use super::{common, task};
use crate::redfish::context::{NodeCx, ServiceCx};
use crate::redfish::doc::Doc;

pub(super) fn get(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "JobService");
    d.put("Name", "Job Service");
    d.moving(|d| d.put("DateTime", cx.shown(cx.now)));
    d.put("ServiceEnabled", true);
    d.object("ServiceCapabilities", |d| {
        d.put("UserSpecifiedJobs", false);
        d.put("DocumentBasedJobs", false);
        d.put("Scheduling", false);
    });
    d.object("Status", common::ok);
}

pub(super) fn get_job(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (job, bmc) = (task::of(cx), cx.node.bmc());
    d.put("Id", task::id(cx, job));
    d.put("Name", task::name(job));
    d.put("JobState", bmc.task_state(job));
    d.put("StartTime", cx.shown(job.started));
    if let Some(ended) = &job.ended {
        d.put("EndTime", cx.shown(ended.at));
        d.put("JobStatus", task::status(&ended.how));
    }
    d.moving(|d| d.put("PercentComplete", bmc.task_percent(job, cx.now)));
}
