//! The operations of an item, which a run measures.

use serde::{Deserialize, Serialize};

/// Generates [`Operation`] from the table below: a variant, and its name.
macro_rules! operations {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal;)+) => {
        /// Work of an item that is measured: what a run asks of the control plane or of the BMC, or a part of the boot of the
        /// machine.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Operation { $($(#[doc = $doc])+ #[serde(rename = $name)] $variant),+ }

        impl Operation {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in plans, assertions and files.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The operation of that name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|operation| operation.name() == name)
            }
        }
    };
}

operations! {
    /// Ironic: the node and its ports are created.
    Enroll "enroll";
    /// Ironic: `enroll` to `manageable`; Ironic checks the access to the BMC.
    Manage "manage";
    /// Ironic: `manageable` to `manageable` through an inspection.
    Inspect "inspect";
    /// Ironic: `manageable` to `available`, with the automated cleaning if it is on.
    Provide "provide";
    /// Ironic: the part of `provide` or `undeploy` in which the node is in a state of cleaning.
    Clean "clean";
    /// Ironic: `available` to `active`.
    Deploy "deploy";
    /// Ironic: `active` to `rescue`.
    Rescue "rescue";
    /// Ironic: `rescue` to `active`.
    Unrescue "unrescue";
    /// Ironic: `active` to `available`, with the automated cleaning if it is on.
    Undeploy "undeploy";
    /// Ironic: the node is removed from the database.
    Delete "delete";
    /// The machine is switched off and on again, by Ironic or by the BMC.
    PowerCycle "power-cycle";
    /// Redfish: each document of a BMC is read once, from the service root on.
    Walk "walk";
    /// Redfish: an image is inserted into the first media slot that takes it, and ejected.
    Media "media";
    /// Machine: from the request to switch on to the end of the self test.
    Power "power";
    /// Machine: from the end of the self test to the start of the agent.
    Boot "boot";
    /// Machine: from the start of the agent until Ironic has answered its lookup.
    Lookup "lookup";
    /// Machine: from the lookup to the first heartbeat that Ironic accepts.
    Heartbeat "heartbeat";
}

impl Operation {
    /// Whether the machine does it, so that the run does not ask for it.
    pub const fn is_of_machine(self) -> bool {
        matches!(self, Self::Power | Self::Boot | Self::Lookup | Self::Heartbeat)
    }
}
