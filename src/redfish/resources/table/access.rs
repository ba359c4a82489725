//! The rows of the service root, of sessions and of accounts.

use crate::redfish::access::Access;
use crate::redfish::resource::Entry::{self, Service};
use crate::redfish::resource::Resource;
use crate::redfish::resources::{account_service, role, service_root, session};

pub(super) static ROWS: &[Entry] = &[
    Service(
        Resource::of_service("/redfish/v1", "ServiceRoot.v1_21_0.ServiceRoot", service_root::get)
            .allowed_by(Access::PUBLIC),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/SessionService",
            "SessionService.v1_2_0.SessionService",
            session::get_service,
        )
        .patched_by(session::patch_service)
        .allowed_by(Access::MANAGER),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/SessionService/Sessions/{Session}",
            "Session.v1_8_0.Session",
            session::get,
        )
        .many("Session Collection", session::members)
        .created_by(session::create)
        .deleted_by(session::delete)
        .allowed_by(Access::SESSION),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/AccountService",
            "AccountService.v1_18_1.AccountService",
            account_service::get,
        )
        .patched_by(account_service::patch)
        .allowed_by(Access::USERS),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/AccountService/Accounts/{Account}",
            "ManagerAccount.v1_14_1.ManagerAccount",
            account_service::get_account,
        )
        .many("Accounts Collection", account_service::accounts)
        .created_by(account_service::create_account)
        .patched_by(account_service::patch_account)
        .deleted_by(account_service::delete_account)
        .with_actions(account_service::ACTIONS)
        .allowed_by(Access::ACCOUNT),
    ),
    Service(
        Resource::of_service("/redfish/v1/AccountService/Roles/{Role}", "Role.v1_3_3.Role", role::get)
            .many("Roles Collection", role::members)
            .created_by(role::create)
            .patched_by(role::patch)
            .deleted_by(role::delete)
            .allowed_by(Access::MANAGER),
    ),
    Service(
        Resource::of_service(
            "/redfish/v1/AccountService/PrivilegeMap",
            "PrivilegeRegistry.v1_2_0.PrivilegeRegistry",
            role::get_map,
        )
        .allowed_by(Access::MANAGER),
    ),
];
