//! The one certificate of a listener that this room made, and wrong ones with the same key and the same issuer.

use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::sign::SingleCertAndKey;

use super::ca::DevelopmentCa;
use super::config::{MinVersion, server_config};
use super::error::TlsError;
use super::identity::Identity;
use super::leaf::{certify, self_certify};
use super::names::CertificateNames;
use super::rsa::{Either, RsaKey};
use super::subject::Subject;
use super::wrong;
use crate::wire::Certificate;

/// The settings of a listener with one certificate.
pub struct Made {
    config: Arc<ServerConfig>,
    issuer: Issuer,
    identity: Identity,
    names: CertificateNames,
    now: SystemTime,
    /// One for each of [`Certificate::ALL`], made when a client first gets it.
    wrong: [OnceLock<Arc<ServerConfig>>; Certificate::ALL.len()],
}

enum Issuer {
    Ca { ca: Box<DevelopmentCa>, subject: Subject, rsa: Option<RsaKey> },
    Itself,
}

impl Made {
    /// The settings of a listener that presents `identity`, which `ca` has signed for these names, and beside it a certificate
    /// of an RSA key if there is one.
    ///
    /// # Errors
    /// If TLS cannot be set up, or the certificate of the RSA key cannot be created.
    pub fn by_ca(
        ca: DevelopmentCa,
        identity: &Identity,
        rsa: Option<RsaKey>,
        subject: Subject,
        names: CertificateNames,
        now: SystemTime,
        min: MinVersion,
    ) -> Result<Self, TlsError> {
        let resolver = match &rsa {
            None => identity.resolver(),
            Some(rsa) => ca.with_rsa(identity, rsa, &subject, &names, now)?,
        };
        let issuer = Issuer::Ca { ca: Box::new(ca), subject, rsa };
        let (config, identity) = (server_config(resolver, min)?, identity.clone());
        Ok(Self { config, issuer, identity, names, now, wrong: Default::default() })
    }

    /// The settings of the agents' listener, which presents the self-signed `identity` of these names.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn self_signed(
        identity: &Identity,
        names: CertificateNames,
        now: SystemTime,
        min: MinVersion,
    ) -> Result<Self, TlsError> {
        let (config, identity) = (server_config(identity.resolver(), min)?, identity.clone());
        Ok(Self { config, issuer: Issuer::Itself, identity, names, now, wrong: Default::default() })
    }

    pub(super) fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(super) fn wrong(&self, which: Certificate) -> Result<Arc<ServerConfig>, TlsError> {
        let cached = &self.wrong[which as usize];
        if let Some(config) = cached.get() {
            return Ok(Arc::clone(config));
        }
        // Two first connections at the same time both sign, and the first certificate stays.
        let made = Arc::new(self.make(which)?);
        Ok(Arc::clone(cached.get_or_init(|| made)))
    }

    fn make(&self, which: Certificate) -> Result<ServerConfig, TlsError> {
        let (names, now) = wrong::names_and_issue(which, self.names.clone(), self.now)?;
        let mut config = ServerConfig::clone(&self.config);
        config.cert_resolver = match &self.issuer {
            Issuer::Itself => {
                Arc::new(SingleCertAndKey::from(self_certify(self.identity.key(), &names, now)?))
            }
            Issuer::Ca { ca, subject, rsa } => {
                let certified = |key| certify(ca, subject, &names, now, key, &format!("{which:?}"));
                let preferred = certified(self.identity.key())?;
                match rsa {
                    None => Arc::new(SingleCertAndKey::from(preferred)),
                    Some(rsa) => Arc::new(Either { preferred, rsa: certified(rsa.signing())? }),
                }
            }
        };
        wrong::forget_sessions(&mut config);
        Ok(config)
    }
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Made").finish_non_exhaustive()
    }
}
