//! Who may use a resource: the column `access` of the table.

use crate::dmtf::Privilege;
use crate::node::bmc::role::Privileges;

/// What a client needs to be allowed, by operation, as DMTF's privilege registry says (DSP8011, `Redfish_1.8.0_PrivilegeRegistry`).
/// The registry knows types of resources; a row says what it has for its own.
#[derive(Clone, Copy)]
pub(super) struct Access {
    /// GET of the collection.
    pub list: Need,
    /// GET of the document.
    pub read: Need,
    /// POST to the collection.
    pub create: Need,
    /// PATCH, PUT, DELETE and actions.
    pub change: Need,
    /// The privileges of which one is enough to change the property `Password` alone.
    pub password: Option<Privileges>,
    /// The resource belongs to one account, whose privilege `ConfigureSelf` counts there.
    pub belongs: Option<Belongs>,
}

/// The account that a resource belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belongs {
    /// The resource is the account.
    Account,
    /// The account that has logged in.
    Session,
    /// The account that has subscribed.
    Subscription,
}

impl Access {
    const LOGIN: Need = Need::OneOf(Privileges::of(&[Privilege::Login]));
    /// A client that has logged in may read, and needs a privilege for the rest.
    const fn with(privilege: Privilege) -> Self {
        let change = Need::OneOf(Privileges::of(&[privilege]));
        Self { list: Self::LOGIN, read: Self::LOGIN, create: change, change, password: None, belongs: None }
    }
    /// Each operation needs the privilege.
    const fn closed(privilege: Privilege) -> Self {
        let need = Need::OneOf(Privileges::of(&[privilege]));
        Self { list: need, read: need, ..Self::with(privilege) }
    }
    /// Settings of the host and its parts.
    pub(super) const COMPONENTS: Self = Self::with(Privilege::ConfigureComponents);
    /// Settings of the BMC.
    pub(super) const MANAGER: Self = Self::with(Privilege::ConfigureManager);
    /// Certificates of the BMC.
    pub(super) const CERTIFICATES: Self = Self::closed(Privilege::ConfigureManager);
    /// Certificates of the host.
    pub(super) const HOST_CERTIFICATES: Self = Self::closed(Privilege::ConfigureComponents);
    /// Accounts and their service.
    pub(super) const USERS: Self = Self::with(Privilege::ConfigureUsers);
    /// Everybody may read.
    pub(super) const PUBLIC: Self = Self { read: Need::Nothing, ..Self::MANAGER };
    pub(super) const ACCOUNT: Self = Self {
        read: Need::OneOf(Privileges::of(&[
            Privilege::ConfigureManager,
            Privilege::ConfigureUsers,
            Privilege::ConfigureSelf,
        ])),
        password: Some(Privileges::of(&[Privilege::ConfigureUsers, Privilege::ConfigureSelf])),
        belongs: Some(Belongs::Account),
        ..Self::USERS
    };
    pub(super) const SUBSCRIPTION: Self = Self {
        create: Self::MANAGER_OR_COMPONENTS,
        change: Need::OneOf(Privileges::of(&[Privilege::ConfigureManager, Privilege::ConfigureSelf])),
        belongs: Some(Belongs::Subscription),
        ..Self::MANAGER
    };
    pub(super) const AGGREGATE: Self =
        Self { create: Self::MANAGER_OR_COMPONENTS, change: Self::MANAGER_OR_COMPONENTS, ..Self::MANAGER };
    pub(super) const SESSION: Self = Self {
        read: Self::OWN_SESSION,
        // DSP0266, "Session login": a client without a session creates one.
        create: Need::Nothing,
        change: Self::OWN_SESSION,
        belongs: Some(Belongs::Session),
        ..Self::MANAGER
    };
    const MANAGER_OR_COMPONENTS: Need =
        Need::OneOf(Privileges::of(&[Privilege::ConfigureManager, Privilege::ConfigureComponents]));
    const OWN_SESSION: Need =
        Need::OneOf(Privileges::of(&[Privilege::ConfigureManager, Privilege::ConfigureSelf]));
    /// The property that an account may change of itself.
    pub(super) const OWN_PASSWORD: &[&str] = &["Password"];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    /// A login with one of the privileges.
    OneOf(Privileges),
}
