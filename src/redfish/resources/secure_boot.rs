//! `SecureBoot`: a change takes effect at the next boot.

use crate::dmtf::ResetKeysType;
use crate::node::bmc::secure_boot;
use crate::node::command::Command;
use crate::redfish::action::{Action, Parameter};
use crate::redfish::body::Body;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::resource::{Asked, OfNode};

pub(super) static ACTIONS: &[Action<OfNode>] = &[Action {
    key: "#SecureBoot.ResetKeys",
    parameters: &[Parameter::word("ResetKeysType", |_, key, d| d.put(key, ResetKeysType::ALL)).required()],
    apply_times: &[],
    run: |_, body| {
        body.require("ResetKeysType");
        let kind = body.word("ResetKeysType", ResetKeysType::parse, ResetKeysType::ALL);
        Ok(kind.map(|kind| Command::SecureBoot(secure_boot::Command::ResetKeys(kind))))
    },
}];

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let state = cx.node.bmc().secure_boot;
    d.put("Id", "SecureBoot");
    d.put("Name", "UEFI Secure Boot");
    d.put("SecureBootEnable", state.enable);
    d.put("SecureBootCurrentBoot", if state.current { "Enabled" } else { "Disabled" });
    let has_owner = cx.node.bmc().has_platform_key(cx.profile());
    d.put("SecureBootMode", if has_owner { "UserMode" } else { "SetupMode" });
}

pub(super) fn patch(_: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let enable = body.flag("SecureBootEnable");
    Ok(enable.map(|enable| Command::SecureBoot(secure_boot::Command::Enable(enable))))
}
