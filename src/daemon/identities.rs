//! The certificates of the listeners.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;

use crate::address::Layout;
use crate::clock;
use crate::config::setting::CERTS;
use crate::config::{Certificates, Config};
use crate::fleet::Fleet;
use crate::node::NodeId;
use crate::tls::{
    CertificateNames, DevelopmentCa, Identity, Leaves, ListenerTls, Made, RsaKey, Subject, SubjectOf,
    TlsError, agent_identity, server_config,
};

/// The certificates of both kinds of listener.
pub(super) struct Identities {
    /// This and the next two are `None` if they cannot be made and no listener has TLS: an expired CA does not matter then.
    pub(super) redfish: Option<ListenerTls>,
    pub(super) agents: Option<ListenerTls>,
    /// The certificate that agents tell Ironic to trust, PEM.
    pub(super) agent_pem: Option<String>,
    /// Absolute path of the certificate with which clients verify the BMCs.
    pub(super) ca: String,
    /// Absolute path of the directory of generated certificates.
    pub(super) certs: String,
}

impl Identities {
    /// The certificates of all listeners.
    pub(super) fn new(config: &Config, fleet: &Arc<Fleet>) -> anyhow::Result<Self> {
        let needed = config.listens().any(|listen| listen.tls);
        match Self::in_writable(config, fleet) {
            Err(error) if !needed => {
                tracing::warn!("no listener has TLS, so the fleet starts without certificates: {error:#}");
                let ca = match &config.certificates {
                    Certificates::Own { certificate, .. } => certificate.clone(),
                    Certificates::Development { .. } => DevelopmentCa::certificate_in(&config.certs),
                };
                Ok(Self {
                    redfish: None,
                    agents: None,
                    agent_pem: None,
                    ca: absolute(&ca),
                    certs: absolute(&config.certs),
                })
            }
            made => made,
        }
    }

    /// The certificates in the configured directory. If nobody has chosen it and it cannot be written, as in a container with a
    /// read-only root, they are in the state directory of the user.
    fn in_writable(config: &Config, fleet: &Arc<Fleet>) -> anyhow::Result<Self> {
        let other = user_directory(|name| std::env::var_os(name)).filter(|_| config.certs_by_default);
        match (Self::in_directory(config, fleet, &config.certs), other) {
            (Err(error), Some(other)) if cannot_write(&error) => {
                let identities = Self::in_directory(config, fleet, &other).context(CERTS.flag())?;
                tracing::warn!(certs = %identities.certs, "{error}; the certificates are in another directory");
                Ok(identities)
            }
            (Err(error), _) if is_of(&error, &config.certs) => {
                let flag = CERTS.flag();
                Err(anyhow::anyhow!("{flag}: {error}; name a directory that this user may write"))
            }
            (result, _) => result,
        }
    }

    fn in_directory(config: &Config, fleet: &Arc<Fleet>, certs: &Path) -> anyhow::Result<Self> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(clock::unix_ms());
        let names = names(config)?;
        let min = config.tls_min;
        let own = match &config.certificates {
            Certificates::Own { certificate, key } => {
                let identity = Identity::load(certificate, key)?;
                let settings = server_config(identity.resolver(), min)?;
                Some((ListenerTls::Files(settings, identity), certificate.clone()))
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
            let ca = DevelopmentCa::open_named(certs, ca_name, now)?;
            let (identity, path) = (ca.redfish_identity(&shared, &names, now)?, ca.certificate_path());
            Ok((ca, identity, path))
        };
        let (redfish, agents, agent_pem, ca) = match (config.layout, own) {
            (Layout::Ip, own) => {
                let (ca, identity, path) = development()?;
                let subjects = subjects(config, fleet);
                let leaves = Arc::new(Leaves::new(ca, identity, rsa, subjects, now, min)?);
                let agent_pem = leaves.ca_pem().to_owned();
                let agents = ListenerTls::ByAddress(leaves);
                let (redfish, ca) = own.unwrap_or_else(|| (agents.clone(), path));
                (redfish, agents, agent_pem, ca)
            }
            (Layout::Shared | Layout::Port | Layout::Host, own) => {
                let agents = agent_identity(certs, &names, now)?;
                let agent_pem = agents.certificate_pem().to_owned();
                let (redfish, ca) = match own {
                    Some(own) => own,
                    None => {
                        let (ca, identity, path) = development()?;
                        let made = Made::by_ca(ca, &identity, rsa, shared.clone(), names.clone(), now, min)?;
                        (ListenerTls::Made(Arc::new(made)), path)
                    }
                };
                let agents = Made::self_signed(&agents, names.clone(), now, min)?;
                (redfish, ListenerTls::Made(Arc::new(agents)), agent_pem, ca)
            }
        };
        let (redfish, agents, agent_pem) = (Some(redfish), Some(agents), Some(agent_pem));
        Ok(Self { redfish, agents, agent_pem, ca: absolute(&ca), certs: absolute(certs) })
    }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// Whether the directory of certificates cannot be created or written.
fn cannot_write(error: &anyhow::Error) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let Some(TlsError::File { source, .. }) = error.downcast_ref() else { return false };
    matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem)
}

/// Whether the system refused to work with a file of a directory.
fn is_of(error: &anyhow::Error, directory: &Path) -> bool {
    matches!(error.downcast_ref(), Some(TlsError::File { path, .. }) if path.starts_with(directory))
}

/// The directory of certificates below `XDG_STATE_HOME` (XDG Base Directory Specification: relative paths are ignored, and the
/// default is `~/.local/state`).
fn user_directory(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("fauxmetal/certs"))
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

/// The subject that the profile of a node gives to its BMC. The node is not settled: at the start of the daemon the shared root does
/// not take its events yet.
fn subject_of(fleet: &Fleet, id: NodeId) -> Option<Subject> {
    fleet.identify(id, |node, _| crate::redfish::subject_of(node.spec()))
}

/// The names and addresses for which generated certificates are valid.
fn names(config: &Config) -> Result<CertificateNames, TlsError> {
    let mut names = CertificateNames::of_this_host();
    // Each address of a prefix gets a certificate of its own.
    for listen in config.listens().filter(|listen| listen.prefix.is_none()) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_of_the_user_follows_the_xdg_specification() {
        let of = |pairs: &[(&str, &str)]| {
            let value = |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).into());
            user_directory(value).map(|path| path.display().to_string())
        };
        assert_eq!(of(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")]).unwrap(), "/s/fauxmetal/certs");
        assert_eq!(
            of(&[("XDG_STATE_HOME", "s"), ("HOME", "/h")]).unwrap(),
            "/h/.local/state/fauxmetal/certs"
        );
        assert_eq!(of(&[("XDG_STATE_HOME", "")]), None);
    }
}
