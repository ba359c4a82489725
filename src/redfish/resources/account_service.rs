//! `AccountService`, its one `ManagerAccount`, and the three roles that every service has. All are read-only: the account
//! comes from the settings of the daemon.

use super::common;
use crate::dmtf::Role;
use crate::redfish::context::ServiceCx;
use crate::redfish::doc::Doc;

const ONLY: &str = "1";

pub(super) fn get(_: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "AccountService");
    d.put("Name", "Account Service");
    d.put("ServiceEnabled", true);
    d.put("LocalAccountAuth", "Enabled");
    d.put("HTTPBasicAuth", "Enabled");
    d.put("AuthFailureLoggingThreshold", 0);
    // No account is ever locked.
    d.put("AccountLockoutThreshold", 0);
    d.put("AccountLockoutDuration", 0);
    d.put("SupportedAccountTypes", ["Redfish"].as_slice());
    d.object("Status", common::ok);
}

pub(super) fn accounts(_: &ServiceCx<'_>, each: &mut dyn FnMut(&str)) {
    each(ONLY);
}

pub(super) fn get_account(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", ONLY);
    d.put("Name", "User Account");
    d.put("UserName", &*cx.facts.user);
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

pub(super) fn roles(_: &ServiceCx<'_>, each: &mut dyn FnMut(&str)) {
    Role::ALL.iter().for_each(|role| each(role.as_str()));
}

/// Privileges: DSP0266, "Roles".
pub(super) fn get_role(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    let role = Role::parse(cx.id()).expect("the role exists, or the request was refused");
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
