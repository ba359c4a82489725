//! `UpdateService`: the firmware inventory, and updates of its components.
//!
//! `SimpleUpdate` fetches the image, and the next reset applies it: `Manager.Reset` for the BMC's own firmware, a start of the
//! host for all other. With `Immediate` the service does that reset. The state and the result are in the component's document.

use super::common;
use super::source;
use crate::node::bmc::firmware::Firmware;
use crate::redfish::action::{Action, Parameter};
use crate::redfish::body::Body;
use crate::redfish::context::ServiceCx;
use crate::redfish::directed::What;
use crate::redfish::doc::Doc;
use crate::redfish::resource::{Asked, OfService, ServiceChange};
use crate::redfish::update::Update;

/// Components that one request updates, each as a sub-task.
const MAX_TARGETS: usize = 8;
/// The service does the reset that the update needs.
const IMMEDIATE: &str = "Immediate";
/// The values of `@Redfish.OperationApplyTime`.
const APPLY_TIMES: &[&str] = &[IMMEDIATE, "OnReset"];

pub(super) static ACTIONS: &[Action<OfService>] = &[Action {
    key: "#UpdateService.SimpleUpdate",
    parameters: &[
        Parameter::text("ImageURI").required(),
        Parameter::word("TransferProtocol", |_, key, d| d.put(key, source::PROTOCOLS)),
        // Below the root that all machines share, the targets say which machine is meant.
        Parameter::texts("Targets", MAX_TARGETS).required_if(|cx| cx.own.is_none()),
        Parameter::flag("ForceUpdate"),
        Parameter::text("Username"),
        Parameter::text("Password"),
    ],
    apply_times: APPLY_TIMES,
    run: simple_update,
}];

pub(super) fn get(_: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "UpdateService");
    d.put("Name", "Update Service");
    d.put("ServiceEnabled", true);
    d.put("MaxImageSizeBytes", Firmware::MAX_IMAGE_MIB << 20);
    d.object("Status", common::ok);
}

fn simple_update(cx: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    let source = source::read(body, "ImageURI");
    let apply_time = body.word(
        "@Redfish.OperationApplyTime",
        |text| APPLY_TIMES.iter().copied().find(|known| *known == text),
        APPLY_TIMES,
    );
    body.flag("ForceUpdate");
    // Below the root that all machines share is more than one.
    let needs_targets = cx.own.is_none();
    if needs_targets {
        body.require("Targets");
    }
    let targets = body.texts("Targets", MAX_TARGETS);
    if needs_targets && targets.as_ref().is_some_and(Vec::is_empty) {
        body.require("Targets");
    }
    let targets = targets.unwrap_or_default();
    Ok(source.map(|source| {
        let targets = targets.into_iter().map(Into::into).collect();
        let immediate = apply_time == Some(IMMEDIATE);
        ServiceChange::Directed(What::Update(Update { targets, source, immediate }).into())
    }))
}
