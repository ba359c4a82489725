//! The certificates of the listeners.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::address::Layout;
use crate::clock;
use crate::config::{Certificates, Config};
use crate::fleet::Fleet;
use crate::node::NodeId;
use crate::tls::{
    CertificateNames, DevelopmentCa, Identity, Leaves, ListenerTls, RsaKey, Subject, SubjectOf, TlsError,
    agent_identity, server_config,
};

/// The certificates of both kinds of listener.
pub(super) struct Identities {
    pub(super) redfish: ListenerTls,
    pub(super) agents: ListenerTls,
    /// The certificate that agents tell Ironic to trust, PEM.
    pub(super) agent_pem: String,
    /// Absolute path of the certificate with which clients verify the BMCs.
    pub(super) ca: String,
}

impl Identities {
    pub(super) fn new(config: &Config, fleet: &Arc<Fleet>) -> anyhow::Result<Self> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(clock::unix_ms());
        let names = names(config)?;
        let same = |identity: &Identity| {
            Ok::<_, TlsError>(ListenerTls::Same(server_config(identity.resolver(), config.tls_min)?))
        };
        let own = match &config.certificates {
            Certificates::Own { certificate, key } => {
                Some((same(&Identity::load(certificate, key)?)?, certificate.clone()))
            }
            Certificates::Development { .. } => None,
        };
        let (ca_name, rsa) = match &config.certificates {
            Certificates::Development { ca_name, rsa_key } => {
                (ca_name.as_deref(), rsa_key.as_deref().map(RsaKey::load).transpose()?)
            }
            Certificates::Own { .. } => (None, None),
        };
        let shared = subject_of(fleet, NodeId(0)).unwrap_or_else(|| Subject::named("bmc"));
        let development = || -> Result<(DevelopmentCa, Identity, PathBuf), TlsError> {
            let ca = DevelopmentCa::open_named(&config.certs, ca_name, now)?;
            let (identity, path) = (ca.redfish_identity(&shared, &names, now)?, ca.certificate_path());
            Ok((ca, identity, path))
        };
        let (redfish, agents, agent_pem, ca) = match (config.layout, own) {
            (Layout::Ip, own) => {
                let (ca, identity, path) = development()?;
                let subjects = subjects(config, fleet);
                let leaves = Arc::new(Leaves::new(ca, identity, rsa, subjects, now, config.tls_min)?);
                let agent_pem = leaves.ca_pem().to_owned();
                let agents = ListenerTls::ByAddress(leaves);
                let (redfish, ca) = own.unwrap_or_else(|| (agents.clone(), path));
                (redfish, agents, agent_pem, ca)
            }
            (Layout::Shared | Layout::Port | Layout::Host, own) => {
                let agents = agent_identity(&config.certs, &names, now)?;
                let (redfish, ca) = match own {
                    Some(own) => own,
                    None => {
                        let (ca, identity, path) = development()?;
                        let resolver = match &rsa {
                            None => identity.resolver(),
                            Some(rsa) => ca.with_rsa(&identity, rsa, &shared, &names, now)?,
                        };
                        (ListenerTls::Same(server_config(resolver, config.tls_min)?), path)
                    }
                };
                (redfish, same(&agents)?, agents.certificate_pem().to_owned(), ca)
            }
        };
        let ca = std::path::absolute(&ca).unwrap_or(ca).display().to_string();
        Ok(Self { redfish, agents, agent_pem, ca })
    }
}

/// The subject of the certificate of each address: that of the node's BMC, and a plain name at an address of no node.
fn subjects(config: &Config, fleet: &Arc<Fleet>) -> SubjectOf {
    let prefixes: Vec<_> = config.listen.iter().filter_map(|listen| listen.prefix).collect();
    let fleet = Arc::clone(fleet);
    Box::new(move |address| {
        let node = prefixes.iter().find_map(|prefix| prefix.node_at(address));
        let known = node.and_then(|node| subject_of(&fleet, NodeId(node)));
        known.unwrap_or_else(|| Subject::named(&address.to_string()))
    })
}

/// The subject that the profile of a node gives to its BMC.
fn subject_of(fleet: &Fleet, id: NodeId) -> Option<Subject> {
    fleet.look(id, |node, _| {
        let (of, spec) = (&node.profile().certificate, node.spec());
        Subject {
            country: of.country.clone(),
            state: of.state.clone(),
            locality: of.locality.clone(),
            organization: of.organization.clone(),
            organizational_unit: of.organizational_unit.clone(),
            common_name: of.common_name_of(&spec.serial(), &spec.bmc_host_name()),
        }
    })
}

/// The names and addresses for which generated certificates are valid.
fn names(config: &Config) -> Result<CertificateNames, TlsError> {
    let mut names = CertificateNames::of_this_host();
    // Each address of a prefix gets a certificate of its own.
    let listens = config.listen.iter().chain([&config.agent_listen]).chain(&config.admin_listen);
    for listen in listens.filter(|listen| listen.prefix.is_none()) {
        names.add_listener(listen.address.ip());
    }
    if let Some(host) = &config.advertise {
        names.add_host(host.as_str())?;
    }
    if let Some(domain) = &config.domain {
        names.add_domain(domain.as_str())?;
    }
    Ok(names)
}
