//! Roles: the three of DSP0266 and those that clients create; and the privileges that each operation needs.

use crate::dmtf::{Privilege, Role};
use crate::node::bmc::role::{CustomRole, Privileges};
use crate::redfish::access::{Access, Need};
use crate::redfish::account_change::AccountChange;
use crate::redfish::body::Body;
use crate::redfish::context::ServiceCx;
use crate::redfish::doc::Doc;
use crate::redfish::error::Problem;
use crate::redfish::message::{Message, RESTRICTED_ROLE};
use crate::redfish::resource::{Asked, Entry, OfService, ServiceChange};

/// The collection of roles.
pub(super) const ROLES: &str = "/redfish/v1/AccountService/Roles";
/// The longest id of a role, characters.
pub(super) const MAX_ID: usize = 64;

pub(super) fn members(cx: &ServiceCx<'_>, each: &mut dyn FnMut(&str)) {
    Role::ALL.iter().for_each(|role| each(role.as_str()));
    cx.accounts.roles().iter().for_each(|role| each(&role.id));
}

pub(super) fn get(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", cx.id());
    d.join("Name", &[cx.id(), " Role"]);
    d.put("RoleId", cx.id());
    d.put("IsPredefined", Role::parse(cx.id()).is_some());
    let privileges = cx.accounts.privileges(cx.id()).unwrap_or_default();
    let names: Vec<_> = privileges.iter().map(Privilege::as_str).collect();
    d.put("AssignedPrivileges", names.as_slice());
}

pub(super) fn create(_: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    ["RoleId", "AssignedPrivileges"].iter().for_each(|key| body.require(key));
    let id = body.text("RoleId", MAX_ID);
    if let Some(id) = id.as_deref().filter(|id| !is_id(id)) {
        body.wrong_format("RoleId", id);
    }
    let privileges = privileges(body);
    Ok(id.zip(privileges).map(|(id, privileges)| {
        ServiceChange::Accounts(AccountChange::CreateRole(CustomRole { id, privileges }))
    }))
}

pub(super) fn patch(cx: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    let id = cx.id();
    if Role::parse(id).is_some() {
        return Err(Message::new(&RESTRICTED_ROLE, [id]).into());
    }
    let role = |privileges| CustomRole { id: id.into(), privileges };
    Ok(privileges(body)
        .map(|privileges| ServiceChange::Accounts(AccountChange::ChangeRole(role(privileges)))))
}

pub(super) fn delete(cx: &ServiceCx<'_>) -> Result<ServiceChange, Problem> {
    if Role::parse(cx.id()).is_some() {
        return Err(Message::new(&RESTRICTED_ROLE, [cx.id()]).into());
    }
    Ok(ServiceChange::Accounts(AccountChange::DeleteRole(cx.id().into())))
}

/// The id becomes a part of a URI.
fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn privileges(body: &mut Body) -> Option<Privileges> {
    let names = body.texts("AssignedPrivileges", Privilege::ALL.len())?;
    let mut privileges = Vec::new();
    for name in &names {
        match Privilege::parse(name) {
            Some(privilege) => privileges.push(privilege),
            None => body.not_in_list("AssignedPrivileges", name),
        }
    }
    (privileges.len() == names.len()).then(|| Privileges::of(&privileges))
}

/// The registry of privileges: what each operation on each type needs, as the table of resources says.
pub(super) fn get_map(_: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "PrivilegeMap");
    d.put("Name", "Privilege Map");
    let names: Vec<_> = Privilege::ALL.iter().map(|privilege| privilege.as_str()).collect();
    d.put("PrivilegesUsed", names.as_slice());
    d.array("Mappings", |d| {
        let rows: Vec<_> = super::RESOURCES.iter().map(Mapped::of).collect();
        for (n, row) in rows.iter().enumerate() {
            // The first row of a type stands for the type; rows below another resource can differ. A certificate of a BMC is the usual one.
            let same = |other: &&Mapped| other.entity == row.entity;
            let is_usual = |other: &&Mapped| same(other) && !other.is_of_host();
            let usual = rows.iter().find(is_usual).unwrap_or(row);
            if rows[..n].iter().any(|other| same(&other)) {
                continue;
            }
            let of_host = rows.iter().find(|other| same(other) && other.is_of_host());
            let of_host = of_host.map(|other| other.access).filter(|_| !usual.is_of_host());
            d.item_object(|d| mapping(usual.entity, usual.access, of_host, d));
            if usual.has_collection {
                let name = format!("{}Collection", usual.entity);
                let (usual, of_host) = (of_collection(usual.access), of_host.map(of_collection));
                d.item_object(|d| mapping(&name, &usual, of_host.as_ref(), d));
            }
        }
    });
}

/// A row of the table, as far as the map of privileges shows it.
struct Mapped {
    entity: &'static str,
    path: &'static str,
    access: &'static Access,
    has_collection: bool,
}

impl Mapped {
    fn of(entry: &'static Entry) -> Self {
        let (path, _) = entry.path_and_property();
        let (entity, access, has_collection) = match entry {
            Entry::Service(row) => (row.type_name(), &row.access, row.collection.is_some()),
            Entry::Node(row) => (row.type_name(), &row.access, row.collection.is_some()),
        };
        Self { entity, path, access, has_collection }
    }

    /// Whether it is a certificate below a system, for which DMTF's registry has privileges of its own.
    fn is_of_host(&self) -> bool {
        self.entity == "Certificate" && self.path.starts_with("/redfish/v1/Systems/")
    }
}

/// What a collection needs.
fn of_collection(access: &Access) -> Access {
    Access { read: access.list, change: access.create, password: None, ..*access }
}

/// `of_host`: what the same type needs below a system.
fn mapping(entity: &str, access: &Access, of_host: Option<&Access>, d: &mut Doc<'_>) {
    d.put("Entity", entity);
    operations(access, d);
    if let Some(access) = of_host {
        d.array("SubordinateOverrides", |d| {
            d.item_object(|d| {
                d.put("Targets", ["ComputerSystem"].as_slice());
                operations(access, d);
            });
        });
    }
    if let Some(privileges) = access.password {
        d.array("PropertyOverrides", |d| {
            d.item_object(|d| {
                d.put("Targets", Access::OWN_PASSWORD);
                d.object("OperationMap", |d| needed("PATCH", Need::OneOf(privileges), d));
            });
        });
    }
}

fn operations(access: &Access, d: &mut Doc<'_>) {
    d.object("OperationMap", |d| {
        for method in ["GET", "HEAD"] {
            needed(method, access.read, d);
        }
        for method in ["PATCH", "POST", "PUT", "DELETE"] {
            needed(method, access.change, d);
        }
    });
}

fn needed(method: &str, need: Need, d: &mut Doc<'_>) {
    d.array(method, |d| match need {
        Need::Nothing => d.item_object(|d| d.put("Privilege", ["NoAuth"].as_slice())),
        Need::OneOf(privileges) => {
            for privilege in privileges.iter() {
                d.item_object(|d| d.put("Privilege", [privilege.as_str()].as_slice()));
            }
        }
    });
}
