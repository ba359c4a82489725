//! The exported fleet: its nodes and the values that every format needs.

use clap::ValueEnum;

use crate::address::Urls;
use crate::config::FleetConfig;
use crate::node::spec::{Mac, Spec};
use crate::selection::{Field, Selection, Subject};

use super::options::Additions;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum BootMethod {
    /// From a virtual CD; needs no DHCP
    VirtualMedia,
    /// From a URI that Ironic sets in the BMC; needs no DHCP
    Http,
    /// From the network, by PXE or iPXE
    Network,
}

/// How clients verify the BMCs' certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verify {
    /// With the CA certificates of their system, as by default.
    Default,
    /// With the CA certificate at this path on their host.
    Ca(String),
    /// The certificates are not verified.
    Insecure,
}

/// The input of every format.
pub(super) struct ExportedFleet {
    pub(super) config: FleetConfig,
    pub(super) bmc: Urls,
    pub(super) verify: Verify,
    pub(super) boot: BootMethod,
    pub(super) namespace: Option<String>,
    pub(super) with_password: bool,
    pub(super) additions: Additions,
    /// The nodes to print; all of them without one.
    pub(super) selection: Option<Selection>,
}

/// A node as clients see it.
pub(super) struct ExportedNode<'a> {
    pub(super) spec: Spec<'a>,
    /// The URL of its BMC.
    pub(super) address: String,
    /// The path of its system.
    pub(super) system_id: String,
}

impl ExportedFleet {
    /// The password, if it may be printed. The default password is public.
    pub(super) fn password(&self) -> Option<&str> {
        let password = &self.config.password;
        let may = self.config.htpasswd.is_none() && (self.with_password || password.is_public());
        may.then(|| password.reveal())
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = ExportedNode<'_>> {
        self.config
            .iter()
            .map(|(id, profile)| ExportedNode::new(Spec { seed: self.config.seed, id, profile }, &self.bmc))
            .filter(|node| self.selection.as_ref().is_none_or(|selection| selection.matches(node)))
    }
}

impl<'a> ExportedNode<'a> {
    fn new(spec: Spec<'a>, bmc: &Urls) -> Self {
        Self { spec, address: bmc.of(spec.id.0, || spec.name()), system_id: spec.system_path(bmc.are_own()) }
    }

    pub(super) fn macs(&self) -> impl Iterator<Item = Mac> {
        self.spec.cabled_macs()
    }
}

impl Subject for ExportedNode<'_> {
    fn any(&self, field: Field, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match field {
            Field::Index => test(&self.spec.id.0.to_string()),
            Field::Name => test(&self.spec.name()),
            Field::Uuid => test(&self.spec.uuid().to_string()),
            Field::Mac => self.macs().any(|mac| test(&mac.to_string())),
            Field::Profile => test(&self.spec.profile.name),
            // Only a running fleet has them.
            Field::Power | Field::State | Field::Agent => false,
        }
    }

    /// Only a running fleet has labels.
    fn label(&self, _key: &str) -> Option<&str> {
        None
    }

    fn dice(&self, salt: &str) -> u64 {
        self.spec.seed.sample(self.spec.uuid(), salt)
    }
}
