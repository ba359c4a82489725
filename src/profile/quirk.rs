//! Quirks: behaviour of one maker's servers that differs from the standard, and that a profile switches on by name.
//!
//! A profile lists its quirks as `quirks = ["usb-cd"]`. Differences that are only data belong in the other keys of
//! `profile.toml` or in an overlay.

use serde::{Deserialize, Serialize};

/// A named difference from the standard. Each variant names the maker and the client code that depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quirk {
    /// The firmware has a boot source `UsbCd` for its virtual CD, beside DMTF's `Cd`.
    ///
    /// Supermicro X11 and X12 boards: they boot virtual media from `UsbCd` only. When a client asks for `Cd` and
    /// `UsbCd` is among the allowable values, sushy writes `UsbCd` (`sushy/resources/system/system.py`,
    /// `set_system_boot_options`).
    UsbCd,
    /// The body of an action may name the action in a property `Action`.
    ///
    /// HPE iLO: the clients of HPE send `{"Action": "ComputerSystem.Reset", "ResetType": …}` (`python-redfish-utility`,
    /// command `reboot`). DMTF's schema has no such parameter.
    ActionParameter,
    /// Documents have no `@odata.etag`, although responses have the header `ETag`.
    ///
    /// Dell iDRAC9 and OpenBMC. A client that needs the tag of an expanded member has to read the member by itself.
    NoEtagInBodies,
    /// `ForceRestart` of a machine that is off is refused.
    ///
    /// HPE iLO: "InvalidOperationForSystemState" (sushy knows it, `sushy/connector.py`). Other BMCs power the machine on,
    /// which DMTF's `Redfish-Use-Case-Checkers` expect (`power_control.py`: `ForceOff`, then `ForceRestart`).
    RestartNeedsPower,
    /// `Bios/Settings` shows every attribute that can be written, with its value after the next start. Without the quirk it
    /// shows the attributes that the next start changes.
    ///
    /// HPE and Lenovo; Dell is without. Ironic tells the two apart by the number of attributes
    /// (`ironic/drivers/modules/redfish/bios.py`, `_get_unapplied_bios_attrs`).
    WholeSettings,
    /// `Bios.ResetBios` is a task, which is pending until the next start of the host.
    ///
    /// BMCs that queue changes of the BIOS as jobs. Others answer at once; Ironic takes either answer
    /// (`sushy/resources/system/bios.py`, `reset_bios`).
    BiosResetTask,
    /// A PATCH needs `If-Match` or `If-None-Match`, and is refused with 428 without.
    ///
    /// AMI MegaRAC and Lenovo's servers with it (gofish issue 171, Ansible issue 56050). Clients that send the ETag which they have
    /// read are not affected: sushy, community.general, redfish_utilities.
    PatchNeedsEtag,
    /// Actions have no `@Redfish.ActionInfo`, and the resources that it would link to do not exist.
    ///
    /// HPE iLO and Dell iDRAC show the allowable values beside the target of an action alone. sushy reads `ActionInfo` where
    /// an action has no allowable values (`sushy/resources/common.py`, `ResetActionField`).
    NoActionInfo,
    /// A path means the same in lower case, and in any other case of its letters. Documents have the usual spelling.
    ///
    /// HPE iLO: its own documents link to `/redfish/v1/systems/1/bios/`, and HPE's client asks for that path
    /// (`python-ilorest-library`, `redfish/ris/gen_compat.py`, `biospath`).
    AnyCasePaths,
    /// A reset to the power state that the machine has is refused.
    ///
    /// HPE iLO: `On` of a machine that is on, `ForceOff` of one that is off: "InvalidOperationForSystemState" (HPE's registry `iLO`).
    ResetNeedsChange,
    /// The links of the collection of managers end with a slash.
    ///
    /// HPE iLO, whose links all do. Ansible's modules for it append the name of a resource (`community.general`,
    /// `plugins/module_utils/ilo_redfish_utils.py`, `set_time_zone`).
    SlashAfterManagers,
}

impl Quirk {
    /// The name in `quirks` of a profile.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UsbCd => "usb-cd",
            Self::ActionParameter => "action-parameter",
            Self::NoEtagInBodies => "no-etag-in-bodies",
            Self::RestartNeedsPower => "restart-needs-power",
            Self::WholeSettings => "whole-settings",
            Self::BiosResetTask => "bios-reset-task",
            Self::PatchNeedsEtag => "patch-needs-etag",
            Self::NoActionInfo => "no-action-info",
            Self::AnyCasePaths => "any-case-paths",
            Self::ResetNeedsChange => "reset-needs-change",
            Self::SlashAfterManagers => "slash-after-managers",
        }
    }
}
