//! Privileges, and the roles that assign them (DSP0266, "Roles" and "Privilege model").

use serde::{Deserialize, Serialize};

use crate::dmtf::{Privilege, Role};

/// A set of privileges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Privileges(u8);

impl Privileges {
    pub const ALL: Self = Self::of(Privilege::ALL);

    /// The set of these privileges.
    pub const fn of(privileges: &[Privilege]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < privileges.len() {
            set |= 1 << privileges[at] as u8;
            at += 1;
        }
        Self(set)
    }

    /// Whether the two sets have a privilege in common.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// This set without a privilege.
    #[must_use]
    pub const fn without(self, privilege: Privilege) -> Self {
        Self(self.0 & !(1 << privilege as u8))
    }

    /// The privileges in the order of DMTF's list.
    pub fn iter(self) -> impl Iterator<Item = Privilege> {
        Privilege::ALL.iter().copied().filter(move |privilege| self.meets(Self::of(&[*privilege])))
    }
}

impl Role {
    /// The privileges that DSP0266 assigns to the role.
    pub const fn privileges(self) -> Privileges {
        use Privilege::{ConfigureComponents, ConfigureSelf, Login};
        match self {
            Self::Administrator => Privileges::ALL,
            Self::Operator => Privileges::of(&[Login, ConfigureSelf, ConfigureComponents]),
            Self::ReadOnly => Privileges::of(&[Login, ConfigureSelf]),
        }
    }
}

/// A role that a client has created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomRole {
    /// `RoleId`, which is also its `Id`.
    pub id: Box<str>,
    pub privileges: Privileges,
}
