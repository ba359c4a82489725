//! Identities that a file gives to nodes. All other nodes compute theirs (`node/spec.rs`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::address::Mac;

/// What a file of another simulator says about one system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `ComputerSystem.UUID`, and the last segment of the system's URI.
    pub uuid: Uuid,
    /// The name for enrolment; see [`Identity::check_name`].
    pub name: Box<str>,
    /// The MAC addresses of the first host interfaces. The others have computed ones.
    #[serde(default, skip_serializing_if = "no_macs")]
    pub macs: Box<[Mac]>,
    /// Whether the machine is on when it comes into the fleet. It then runs the operating system on its disk.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on: bool,
}

fn no_macs(macs: &[Mac]) -> bool {
    macs.is_empty()
}

impl Identity {
    /// The longest name, in bytes. It is also the longest label of a host name.
    pub const MAX_NAME: usize = 63;

    /// Whether the name can be a part of a host name (RFC 1123), as `--addresses host` needs it.
    pub fn is_host_label(&self) -> bool {
        let name = self.name.as_bytes();
        let good = |byte: &u8| byte.is_ascii_alphanumeric();
        let ends = name.first().is_some_and(good) && name.last().is_some_and(good);
        ends && name.iter().all(|byte| good(byte) || *byte == b'-')
    }

    /// Checks a name: 1 to [`Identity::MAX_NAME`] letters, digits, `.`, `_`, `-` and `~`, which Ironic allows in the name of a
    /// node (`ironic/common/utils.py`, `is_valid_logical_name`), and no UUID.
    ///
    /// # Errors
    /// What is allowed.
    pub fn check_name(name: &str) -> Result<(), String> {
        let good = |c: char| c.is_ascii_alphanumeric() || "._-~".contains(c);
        if name.is_empty() || name.len() > Self::MAX_NAME || !name.chars().all(good) {
            return Err(format!(
                "allowed are 1 to {} letters, digits, '.', '_', '-' and '~'",
                Self::MAX_NAME
            ));
        }
        match Uuid::try_parse(name) {
            Ok(_) => Err("a name that is a UUID would be taken for the UUID of a node".to_owned()),
            Err(_) => Ok(()),
        }
    }
}

/// The identities of consecutive nodes of one model, in the order of the nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identities {
    /// The index of the first of these nodes.
    pub first: u32,
    pub list: Arc<[Identity]>,
}

impl Identities {
    /// The identity of the node with this index, if the file has one for it.
    pub fn of(&self, index: u32) -> Option<&Identity> {
        self.list.get(usize::try_from(index.checked_sub(self.first)?).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_nodes_of_the_file_have_its_identities() {
        let identity =
            |name: &str| Identity { uuid: Uuid::nil(), name: name.into(), macs: Box::default(), on: false };
        let identities = Identities { first: 7, list: [identity("a"), identity("b")].into() };
        let name = |index| identities.of(index).map(|identity| &*identity.name);
        assert_eq!([6, 7, 8, 9].map(name), [None, Some("a"), Some("b"), None]);
    }

    #[test]
    fn a_host_label_is_letters_digits_and_inner_dashes() {
        let is = |name: &str| {
            Identity { uuid: Uuid::nil(), name: name.into(), macs: Box::default(), on: false }.is_host_label()
        };
        assert!(is("fake1") && is("Rack-3-node-7") && is("7"));
        assert!(!is("a_b") && !is("a.b") && !is("-a") && !is("a-") && !is("~"));
    }

    #[test]
    fn a_name_is_one_that_ironic_and_host_names_can_have() {
        for good in ["fake1", "rack-3.node_7~b", &"x".repeat(63)] {
            assert_eq!(Identity::check_name(good), Ok(()), "{good}");
        }
        for bad in ["", "a b", "n\u{e4}me", "a,b", &"x".repeat(64), "27946b59-9e44-4fa7-8e91-f3527a1ef094"] {
            assert!(Identity::check_name(bad).is_err(), "{bad}");
        }
    }
}
