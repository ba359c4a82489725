//! `AccountService` with its one `ManagerAccount` and the three roles that every service has. All are read-only: the
//! account is the operator's of this daemon.

use crate::dmtf::Role;
use crate::redfish::doc::Doc;
use crate::redfish::resource::Cx;

/// Id of the one account.
const ONLY: &str = "1";

pub(super) fn get(_: &Cx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "AccountService");
    d.put("Name", "Account Service");
    d.put("ServiceEnabled", true);
    d.put("LocalAccountAuth", "Enabled");
    d.put("HTTPBasicAuth", "Enabled");
    d.put("AuthFailureLoggingThreshold", 0);
    // Nobody is ever locked out.
    d.put("AccountLockoutThreshold", 0);
    d.put("AccountLockoutDuration", 0);
    d.put("SupportedAccountTypes", ["Redfish"].as_slice());
    d.object("Status", super::ok);
}

pub(super) fn accounts(_: &Cx<'_>, each: &mut dyn FnMut(&str)) {
    each(ONLY);
}

pub(super) fn get_account(cx: &Cx<'_>, d: &mut Doc<'_>) {
    d.put("Id", ONLY);
    d.put("Name", "User Account");
    d.put("UserName", &*cx.redfish.account.user);
    d.null("Password");
    d.put("PasswordChangeRequired", false);
    d.put("AccountTypes", ["Redfish"].as_slice());
    d.put("Enabled", true);
    d.put("Locked", false);
    d.put("RoleId", Role::Administrator);
    d.object("Links", |d| {
        d.link("Role", &["/redfish/v1/AccountService/Roles/", Role::Administrator.as_str()]);
    });
}

pub(super) fn roles(_: &Cx<'_>, each: &mut dyn FnMut(&str)) {
    Role::ALL.iter().for_each(|role| each(role.as_str()));
}

/// Privileges: DSP0266, "Roles".
pub(super) fn get_role(cx: &Cx<'_>, d: &mut Doc<'_>) {
    let role = Role::parse(cx.id()).expect("a role that is not there was refused before");
    d.put("Id", role);
    d.join("Name", &[role.as_str(), " Role"]);
    d.put("RoleId", role);
    d.put("IsPredefined", true);
    d.put(
        "AssignedPrivileges",
        match role {
            Role::Administrator => {
                &["Login", "ConfigureManager", "ConfigureUsers", "ConfigureSelf", "ConfigureComponents"][..]
            }
            Role::Operator => &["Login", "ConfigureSelf", "ConfigureComponents"],
            Role::ReadOnly => &["Login", "ConfigureSelf"],
        },
    );
}
