//! `LicenseService` and `License`: what the BMC is allowed to do. A license changes nothing of the simulation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::common;
use super::source;
use crate::node::bmc::licenses::{Command as Change, Found, Licenses, digest};
use crate::node::command::Command;
use crate::redfish::access::Access;
use crate::redfish::action::{Action, Parameter};
use crate::redfish::body::Body;
use crate::redfish::context::{NodeCx, ServiceCx};
use crate::redfish::directed::What;
use crate::redfish::doc::Doc;
use crate::redfish::error::Problem;
use crate::redfish::install::Install;
use crate::redfish::message::{Message, PROPERTY_VALUE_NOT_IN_LIST, RESOURCE_CANNOT_BE_DELETED};
use crate::redfish::resource::{Asked, OfNode, OfService, Resource, ServiceChange};

pub(super) static ACTIONS: &[Action<OfService>] = &[Action {
    key: "#LicenseService.Install",
    parameters: &[
        Parameter::text("LicenseFileURI").required(),
        Parameter::word("TransferProtocol", |_, key, d| d.put(key, source::PROTOCOLS)),
        // Below the root that all machines share, it says which BMC is meant.
        Parameter::links(Install::NAMED_BY[0], 1).required_if(|cx| cx.own.is_none()),
        Parameter::links(Install::NAMED_BY[1], 1),
        Parameter::text("Username"),
        Parameter::text("Password"),
    ],
    apply_times: &[],
    run: install_file,
}];

pub(super) fn get_service(_: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "LicenseService");
    d.put("Name", "License Service");
    d.put("ServiceEnabled", true);
}

/// The row of the licenses.
pub(super) const fn row(path: &'static str) -> Resource<OfNode> {
    Resource::of_node(path, "License.v1_1_4.License", get)
        .many("License Collection", |cx, each| {
            cx.node.bmc().licenses.ids(cx.profile()).for_each(|id| each(&id));
        })
        .created_by(install)
        .deleted_by(delete)
        .allowed_by(Access::MANAGER)
}

fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let found = cx.node.bmc().licenses.get(cx.id(), cx.profile());
    d.put("Id", cx.model.full_id(cx.id()));
    match found.expect("the license exists, or the request was refused") {
        Found::OfModel(license) => {
            d.put("Name", &license.name);
            d.put("LicenseType", license.kind.as_str());
            d.put("LicenseOrigin", "BuiltIn");
            d.put("Removable", license.removable);
            d.put_some("EntitlementId", license.entitlement_id.as_deref());
            d.put_some("PartNumber", license.part_number.as_deref());
            d.put_some("SKU", license.sku.as_deref());
        }
        Found::Installed(license) => {
            d.put("Name", "Installed License");
            d.put("LicenseType", "Production");
            d.put("LicenseOrigin", "Installed");
            d.put("Removable", true);
            // It tells one license from another, and nothing of the key.
            d.put("EntitlementId", license.digest.get(..16));
            d.put("InstallDate", cx.shown(license.at));
        }
    }
    d.put("Manufacturer", &cx.profile().manufacturer);
    d.put("AuthorizationScope", "Service");
    d.object("Status", common::ok);
    // A license of a whole service has no devices. The root that all BMCs share says which service it is.
    if !cx.model.own_root {
        d.object("Links", |d| d.one_link("TargetServices", &cx.model.manager()));
    }
}

/// `Links` names the BMC that gets the license. Below the root that all BMCs share, it was read before this.
fn install(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    const KEY: &str = "LicenseString";
    body.require(KEY);
    let text = body.secret(KEY, 1, Licenses::MAX_TEXT);
    let license = text.map(|text| STANDARD.decode(text.as_bytes()));
    if license.as_ref().is_some_and(Result::is_err) {
        body.wrong_format(KEY, "(text: it is not Base64)");
    }
    body.object("Links", |links| {
        for key in ["TargetServices", "AuthorizedDevices"] {
            let Some(named) = links.links(key, 1) else { continue };
            let own = cx.model.manager().concat();
            if let Some(other) = named.iter().find(|uri| !uri.eq_ignore_ascii_case(&own)) {
                links.mistake(key, Message::new(&PROPERTY_VALUE_NOT_IN_LIST, [other, key]));
            }
        }
    });
    // A license that comes as a file is the same one.
    Ok(license.and_then(Result::ok).map(|license| Command::License(Change::Install(digest(&license)))))
}

/// The BMC fetches a file, which is a license as it is, without Base64.
fn install_file(cx: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    let source = source::read(body, "LicenseFileURI");
    let [needed, _] = Install::NAMED_BY;
    let mut named = Vec::new();
    for key in Install::NAMED_BY {
        let is_needed = key == needed && cx.own.is_none();
        let uris = if is_needed { body.required_links(key, 1) } else { body.links(key, 1) };
        named.extend(uris.into_iter().flatten().map(|uri| (key, uri)));
    }
    Ok(source.map(|source| ServiceChange::Directed(What::Install(Install { source, named }).into())))
}

fn delete(cx: &NodeCx<'_>) -> Result<Command, Problem> {
    match cx.node.bmc().licenses.get(cx.id(), cx.profile()) {
        Some(Found::OfModel(license)) if !license.removable => Err((&RESOURCE_CANNOT_BE_DELETED).into()),
        _ => Ok(Command::License(Change::Delete(cx.id().into()))),
    }
}
