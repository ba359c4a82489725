//! `SecureBoot`: what a client sets is in force from the next start.

use crate::dmtf::ResetKeysType;
use crate::node::bmc::secure_boot::{self, Keys};
use crate::node::command::Command;
use crate::redfish::body::Body;
use crate::redfish::doc::Doc;
use crate::redfish::resource::{Action, Change, Cx, Effect};

pub(super) static ACTIONS: &[Action] = &[Action {
    key: "#SecureBoot.ResetKeys",
    describe: |_, d| d.put("ResetKeysType@Redfish.AllowableValues", ResetKeysType::ALL),
    run: |_, body| {
        body.require("ResetKeysType");
        let kind = body.word("ResetKeysType", ResetKeysType::parse, ResetKeysType::ALL);
        Ok(kind.map(|kind| Effect::Node(Command::SecureBoot(secure_boot::Command::ResetKeys(kind)))))
    },
}];

pub(super) fn get(cx: &Cx<'_>, d: &mut Doc<'_>) {
    let state = cx.node().bmc().secure_boot;
    d.put("Id", "SecureBoot");
    d.put("Name", "UEFI Secure Boot");
    d.put("SecureBootEnable", state.enable);
    d.put("SecureBootCurrentBoot", if state.current { "Enabled" } else { "Disabled" });
    // Without a platform key firmware is in setup mode (UEFI specification 2.10, 32.3).
    d.put(
        "SecureBootMode",
        match state.keys {
            Keys::Default => "UserMode",
            Keys::NoPlatformKey | Keys::Deleted => "SetupMode",
        },
    );
}

pub(super) fn patch(_: &Cx<'_>, body: &mut Body) -> Change {
    let enable = body.flag("SecureBootEnable");
    Ok(enable.map(|enable| Effect::Node(Command::SecureBoot(secure_boot::Command::Enable(enable)))))
}
