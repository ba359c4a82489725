//! `UpdateService`: tells which firmware is installed. Updating is disabled, and says so.

use crate::redfish::body::Body;
use crate::redfish::doc::Doc;
use crate::redfish::message::{Message, SERVICE_DISABLED};
use crate::redfish::resource::{Action, Change, Cx};

/// Longest image URI and user name, characters.
const MAX_TEXT: usize = 2048;
/// Most targets of one update.
const MAX_TARGETS: usize = 64;

pub(super) static ACTIONS: &[Action] = &[Action {
    key: "#UpdateService.SimpleUpdate",
    describe: |_, d| d.put("TransferProtocol@Redfish.AllowableValues", ["HTTP", "HTTPS"].as_slice()),
    run: simple_update,
}];

pub(super) fn get(_: &Cx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "UpdateService");
    d.put("Name", "Update Service");
    d.put("ServiceEnabled", false);
    d.object("Status", |d| {
        d.put("State", "Disabled");
        d.put("Health", "OK");
    });
}

fn simple_update(cx: &Cx<'_>, body: &mut Body) -> Change {
    body.require("ImageURI");
    if let Some(uri) = body.text("ImageURI", MAX_TEXT)
        && !super::is_http_uri(&uri)
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
