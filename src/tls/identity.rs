//! A certificate chain with its private key, from a file of fauxmetal or from files of the user.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};

use super::config::provider;
use super::error::TlsError;
use super::files::read_pem_file;

/// A certificate chain and its private key. The constructors check that they match.
#[derive(Clone, Debug)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    certificate_pem: String,
}

impl Identity {
    /// Loads the files of `--tls-cert` and `--tls-key`: a PEM chain, leaf first, and its key as PKCS#8, PKCS#1 or SEC1.
    /// Both may be the same file.
    ///
    /// # Errors
    /// If a file cannot be read or the key does not match. The error names the file.
    pub fn load(certificate: &Path, key: &Path) -> Result<Identity, TlsError> {
        let chain_pem = read_pem_file(certificate)?;
        let chain = parse_chain(&chain_pem).map_err(|reason| {
            TlsError::unusable_given(
                certificate,
                reason,
                "give a PEM file with the server's own certificate first",
            )
        })?;
        let key_pem = read_pem_file(key)?;
        let key_der = parse_key(&key_pem).map_err(|reason| {
            TlsError::unusable_given(key, reason, "give an unencrypted PEM key (PKCS#8, PKCS#1 or SEC1)")
        })?;
        Identity::new(chain, key_der).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::unusable_given(
                key,
                format!("it is not the key of {}", certificate.display()),
                "give the private key that belongs to the certificate",
            ),
            error => TlsError::unusable_given(key, error, "give an RSA, ECDSA (P-256, P-384) or Ed25519 key"),
        })
    }

    /// Reads a certificate and its key from the text of one file. The error is the reason, for [`TlsError::Unusable`].
    pub(super) fn from_pem(text: &str) -> Result<Identity, String> {
        let (chain, key) = (parse_chain(text)?, parse_key(text)?);
        Identity::new(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => "its certificate and its key do not match".to_owned(),
            error => error.to_string(),
        })
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Identity, rustls::Error> {
        let certificate_pem = chain.iter().map(|der| to_pem(der)).collect();
        let certified = Arc::new(CertifiedKey::from_der(chain, key, &provider())?);
        Ok(Identity { certified, certificate_pem })
    }

    /// The chain as PEM, without the key.
    ///
    /// For [`agent_identity`](super::agent_identity), a heartbeat sends it as `agent_verify_ca`. Ironic writes it to a
    /// file and passes the file to `requests` as `verify` (`ironic/drivers/modules/agent_client.py`).
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// A resolver that presents this identity to every client.
    pub fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        Arc::new(SingleCertAndKey::from(Arc::clone(&self.certified)))
    }

    pub(super) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }

    pub(super) fn key(&self) -> &Arc<dyn SigningKey> {
        &self.certified.key
    }

    /// The server's own certificate.
    pub(super) fn leaf(&self) -> &CertificateDer<'static> {
        self.certified.cert.first().expect("parse_chain returns at least one certificate")
    }
}

/// The certificates of a PEM text, at least one. The error is the reason, for [`TlsError::Unusable`].
pub(super) fn parse_chain(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err("it contains no certificate".to_owned()),
        Ok(chain) => Ok(chain),
        Err(error) => Err(describe(&error)),
    }
}

/// The first private key of a PEM text. The error is the reason, for [`TlsError::Unusable`].
pub(super) fn parse_key(text: &str) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| match error {
        pem::Error::NoItemsFound if text.contains("ENCRYPTED PRIVATE KEY") => {
            "its key is encrypted".to_owned()
        }
        pem::Error::NoItemsFound => "it contains no private key".to_owned(),
        error => describe(&error),
    })
}

fn describe(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "it ends in the middle of a PEM section".to_owned(),
        error => format!("it is not PEM ({error})"),
    }
}

pub(super) fn to_pem(der: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    // RFC 7468, section 2: lines of 64 characters.
    for line in text.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::tls::testing::{names, now, verify};
    use crate::tls::{DevelopmentCa, agent_identity};

    /// The SEC1 form of a P-256 key: the middle of its PKCS#8 form (RFC 5208, RFC 5915).
    fn to_sec1(pkcs8: &rcgen::KeyPair) -> String {
        use base64::Engine as _;
        // In the PKCS#8 form of a P-256 key, 27 bytes of version and algorithm and 2 bytes of OCTET STRING precede it.
        let text = base64::engine::general_purpose::STANDARD.encode(&pkcs8.serialized_der()[29..]);
        format!("-----BEGIN EC PRIVATE KEY-----\n{text}\n-----END EC PRIVATE KEY-----\n")
    }

    #[test]
    fn certificate_and_key_files_are_loaded_for_each_form_of_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate =
            rcgen::CertificateParams::new(vec!["bmc.example".to_owned()]).unwrap().self_signed(&key);
        let (cert_path, key_path) = (dir.path().join("tls.crt"), dir.path().join("tls.key"));
        fs::write(&cert_path, certificate.unwrap().pem()).unwrap();
        for form in [key.serialize_pem(), to_sec1(&key)] {
            fs::write(&key_path, form).unwrap();
            let identity = Identity::load(&cert_path, &key_path).unwrap();
            assert_eq!(verify(identity.certificate_pem(), &identity, "bmc.example", now()), Ok(()));
        }
    }

    #[test]
    fn a_chain_stays_complete_and_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
        let leaf =
            ca.redfish_identity(&crate::tls::Subject::named("bmc"), &names(&["localhost"]), now()).unwrap();
        let chain = format!("{}{}", leaf.certificate_pem(), ca.certificate_pem());
        fs::write(dir.path().join("chain.pem"), &chain).unwrap();
        let loaded = Identity::load(&dir.path().join("chain.pem"), &dir.path().join("redfish.pem")).unwrap();
        assert_eq!(loaded.certificate_pem().replace("\r\n", "\n"), chain.replace("\r\n", "\n"));
        assert_eq!(loaded.leaf(), leaf.leaf());
    }

    #[test]
    fn an_error_names_the_bad_file_and_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        agent_identity(dir.path(), &names(&["localhost"]), now()).unwrap();
        let good = dir.path().join("agent.pem");
        let bad = dir.path().join("bad.pem");
        let refused =
            |certificate: &Path, key: &Path| Identity::load(certificate, key).unwrap_err().to_string();

        let error = refused(&bad, &good);
        assert!(error.contains("cannot read") && error.contains("bad.pem"), "{error}");
        fs::write(&bad, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
            .unwrap();
        let error = refused(&bad, &good);
        assert!(error.contains("bad.pem cannot be used: it contains no certificate"), "{error}");
        let error = refused(&good, &bad);
        assert!(error.contains("bad.pem cannot be used: its key is encrypted"), "{error}");
        fs::write(&bad, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
        let error = refused(&good, &bad);
        assert!(
            error.contains("bad.pem cannot be used: it is not the key of") && error.contains("agent.pem"),
            "{error}"
        );
    }
}
