//! `ComponentIntegrity`: what the trusted platform module has measured.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::{common, trusted_component};
use crate::node::host::Host;
use crate::profile::tpm::Tpm;
use crate::redfish::context::{Model, NodeCx};
use crate::redfish::doc::Doc;

/// A module without a component that it measures for is none.
pub(super) fn present(model: &Model<'_>) -> bool {
    trusted_component::present(model) && model.has("Chassis/{}/TrustedComponents/{}")
}

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    if present(&cx.model) {
        each(Tpm::ID);
    }
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let tpm = cx.profile().tpm.as_ref().expect("a model without a module has no such resource");
    let [base, chassis] = cx.model.chassis();
    d.put("Id", cx.model.full_id(Tpm::ID));
    d.join("Name", &["Integrity measured by ", &tpm.name]);
    d.put("ComponentIntegrityType", "TPM");
    d.put("ComponentIntegrityTypeVersion", tpm.version());
    d.put("ComponentIntegrityEnabled", true);
    d.join("TargetComponentURI", &[base, chassis, "/TrustedComponents/", Tpm::ID]);
    d.object("TPM", |d| {
        d.object("MeasurementSet", |d| {
            d.array("Measurements", |d| {
                let secure = if cx.node.bmc().secure_boot.current { "1" } else { "0" };
                // The registers of the firmware and of secure boot (TCG PC Client Platform Firmware Profile, 2.3.4).
                for (register, measured) in [(0, cx.node.bios_version()), (7, secure)] {
                    d.item_object(|d| {
                        d.put("PCR", register);
                        d.put("MeasurementHashAlgorithm", "TPM_ALG_SHA256");
                        d.put("Measurement", STANDARD.encode(extended(cx, measured)));
                    });
                }
            });
        });
    });
    d.object("Status", common::ok);
    d.object("Links", |d| d.one_link("ComponentsProtected", &cx.model.system()));
}

/// A register after one measurement. It is zero without power.
fn extended(cx: &NodeCx<'_>, measured: &str) -> [u8; 32] {
    match cx.node.host() {
        Host::Off | Host::PoweringOn { .. } => [0; 32],
        Host::Post { .. } | Host::Booting(_) | Host::Running { .. } | Host::PoweringOff { .. } => {
            let mut register = Sha256::new_with_prefix([0u8; 32]);
            register.update(Sha256::digest(measured));
            register.finalize().into()
        }
    }
}
