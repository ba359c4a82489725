//! `TrustedComponent`: the trusted platform module of the machine.

use super::common;
use crate::profile::tpm::Tpm;
use crate::redfish::context::{Model, NodeCx};
use crate::redfish::doc::Doc;

pub(super) fn present(model: &Model<'_>) -> bool {
    model.profile.tpm.is_some()
}

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    if cx.profile().tpm.is_some() {
        each(Tpm::ID);
    }
}

/// A link to the module, if the model has it as a resource.
pub(super) fn link(key: &str, model: &Model<'_>, d: &mut Doc<'_>) {
    if present(model) && model.has("Chassis/{}/TrustedComponents/{}") {
        let [base, chassis] = model.chassis();
        d.one_link(key, &[base, chassis, "/TrustedComponents/", Tpm::ID]);
    }
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let tpm = cx.profile().tpm.as_ref().expect("a model without a module has no such resource");
    d.put("Id", Tpm::ID);
    d.put("Name", &tpm.name);
    d.put("TrustedComponentType", "Discrete");
    d.put("Manufacturer", &tpm.manufacturer);
    let firmware = tpm.firmware.as_deref().and_then(|name| cx.node.version_of_part(name));
    d.put("FirmwareVersion", firmware.unwrap_or(&tpm.firmware_version));
    d.put("SerialNumber", cx.spec().part_serial('T', 0));
    d.object("TPM", |d| {
        d.put("HardwareInterfaceVendorID", &tpm.vendor_id);
        d.put("CapabilitiesVendorID", &tpm.capabilities);
    });
    d.object("Status", common::ok);
    d.object("Links", |d| {
        d.one_link("ComponentsProtected", &cx.model.system());
        d.link("IntegratedInto", &cx.model.chassis());
        if cx.model.has("ComponentIntegrity/{}") && super::component_integrity::present(&cx.model) {
            let id = cx.model.full_id(Tpm::ID);
            d.one_link("ComponentIntegrity", &["/redfish/v1/ComponentIntegrity/", &id]);
        }
    });
}

/// `TrustedModules` of a `ComputerSystem`, which newer services show as `TrustedComponent`.
pub(super) fn of_system(model: &Model<'_>, d: &mut Doc<'_>) {
    if let Some(tpm) = &model.profile.tpm {
        d.array("TrustedModules", |d| {
            d.item_object(|d| {
                d.put("InterfaceType", &tpm.interface);
                d.object("Status", common::ok);
            });
        });
    }
}
