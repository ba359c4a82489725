//! `UpdateService`: the firmware inventory. Updates are disabled.

use super::common;
use crate::redfish::body::Body;
use crate::redfish::context::ServiceCx;
use crate::redfish::doc::Doc;
use crate::redfish::message::{Message, SERVICE_DISABLED};
use crate::redfish::resource::{Action, Asked, OfService};

/// The limit of an image URI, a user name and a password, characters.
const MAX_TEXT: usize = 2048;
/// The limit of targets in one update.
const MAX_TARGETS: usize = 64;

pub(super) static ACTIONS: &[Action<OfService>] = &[Action {
    key: "#UpdateService.SimpleUpdate",
    describe: |_, d| d.put("TransferProtocol@Redfish.AllowableValues", ["HTTP", "HTTPS"].as_slice()),
    run: simple_update,
}];

pub(super) fn get(_: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "UpdateService");
    d.put("Name", "Update Service");
    d.put("ServiceEnabled", false);
    d.object("Status", |d| {
        d.put("State", "Disabled");
        d.put("Health", "OK");
    });
}

fn simple_update(cx: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    body.require("ImageURI");
    if let Some(uri) = body.text("ImageURI", MAX_TEXT)
        && !common::is_http_uri(&uri)
    {
        body.wrong_format("ImageURI", &uri);
    }
    body.word("TransferProtocol", |text| matches!(text, "HTTP" | "HTTPS").then_some(()), &[()]);
    body.texts("Targets", MAX_TARGETS);
    body.text("Username", MAX_TEXT);
    body.text("Password", MAX_TEXT);
    body.take("@Redfish.OperationApplyTime");
    if body.has_mistakes() {
        return Ok(None);
    }
    let service = cx.uri.split("/Actions").next().unwrap_or(cx.uri);
    Err(Message::new(&SERVICE_DISABLED, [service]).into())
}
