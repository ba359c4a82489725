//! A certificate with an RSA key beside the one with an ECDSA key, for old clients of TLS 1.2 that know RSA only.

use std::path::Path;
use std::sync::Arc;

use rustls::SignatureAlgorithm;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};

use super::config::provider;
use super::error::TlsError;
use super::files::read_pem_file;
use super::identity::parse_key;

/// A private RSA key of the user.
#[derive(Clone, Debug)]
pub struct RsaKey(Arc<dyn SigningKey>);

impl RsaKey {
    /// Loads the file of `--tls-rsa-key`.
    ///
    /// # Errors
    /// If the file cannot be read or has no RSA key. The error names the file.
    pub fn load(path: &Path) -> Result<Self, TlsError> {
        const REMEDY: &str = "make a key with: openssl genrsa -out FILE 2048";
        let unusable = |reason: String| TlsError::unusable_given(path, reason, REMEDY);
        let key = parse_key(&read_pem_file(path)?).map_err(unusable)?;
        let key =
            provider().key_provider.load_private_key(key).map_err(|error| unusable(error.to_string()))?;
        if key.algorithm() != SignatureAlgorithm::RSA {
            return Err(unusable("its key is not an RSA key".to_owned()));
        }
        Ok(Self(key))
    }

    pub(super) fn signing(&self) -> &Arc<dyn SigningKey> {
        &self.0
    }
}

/// Presents the RSA certificate to clients that cannot use the other one.
#[derive(Debug)]
pub(super) struct Either {
    pub(super) preferred: Arc<CertifiedKey>,
    pub(super) rsa: Arc<CertifiedKey>,
}

impl ResolvesServerCert for Either {
    /// With TLS 1.2, rustls leaves only the schemes that fit the client's cipher suites.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let can = |certified: &CertifiedKey| certified.key.choose_scheme(hello.signature_schemes()).is_some();
        Some(Arc::clone(if can(&self.preferred) { &self.preferred } else { &self.rsa }))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use rustls::client::ClientConfig;
    use rustls::pki_types::ServerName;
    use rustls::{CipherSuite, ClientConnection, ServerConfig, ServerConnection};

    use super::*;
    use crate::tls::testing::{Fixed, names, now, trusting};
    use crate::tls::{DevelopmentCa, Leaves, MinVersion, Subject, server_config};

    const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tls/testing-rsa.pem");

    /// A handshake with a client of TLS 1.2 that trusts the CA and knows these cipher suites. Returns the protocol and the
    /// algorithm of the certificate's key.
    fn handshake(
        server: &Arc<ServerConfig>,
        ca_pem: &str,
        knows: fn(CipherSuite) -> bool,
        alpn: &[u8],
    ) -> Result<(String, String), rustls::Error> {
        let mut provider = rustls::crypto::CryptoProvider::clone(&provider());
        provider.cipher_suites.retain(|suite| knows(suite.suite()));
        let mut client = ClientConfig::builder_with_details(Arc::new(provider), Arc::new(Fixed))
            .with_protocol_versions(&[&rustls::version::TLS12])?
            .with_root_certificates(trusting(ca_pem))
            .with_no_client_auth();
        client.alpn_protocols = vec![alpn.to_vec()];
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name)?;
        let mut server = ServerConnection::new(Arc::clone(server))?;
        while client.is_handshaking() {
            let mut bytes = Vec::new();
            client.write_tls(&mut bytes).unwrap();
            server.read_tls(&mut bytes.as_slice()).unwrap();
            server.process_new_packets()?;
            bytes.clear();
            server.write_tls(&mut bytes).unwrap();
            client.read_tls(&mut bytes.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        let certificate = &client.peer_certificates().unwrap()[0];
        let facts = crate::tls::inspect::Facts::of(certificate).unwrap();
        let kind = if facts.public_key.len() > 200 { "RSA" } else { "ECDSA" };
        let protocol = String::from_utf8(client.alpn_protocol().unwrap().to_vec()).unwrap();
        Ok((protocol, kind.to_owned()))
    }

    fn only_rsa(suite: CipherSuite) -> bool {
        suite == CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    }

    #[test]
    fn a_client_that_knows_rsa_or_http_1_0_only_is_served() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
        let (subject, names) = (Subject::named("bmc"), names(&["127.0.0.1"]));
        let identity = ca.redfish_identity(&subject, &names, now()).unwrap();
        let rsa = RsaKey::load(Path::new(KEY)).unwrap();
        let plain = server_config(identity.resolver(), MinVersion::Tls12).unwrap();
        let both = ca.with_rsa(&identity, &rsa, &subject, &names, now()).unwrap();
        let both = server_config(both, MinVersion::Tls12).unwrap();
        let pem = ca.certificate_pem().to_owned();
        let subject_of = Box::new(|_: IpAddr| Subject::named("bmc"));
        let leaves = Leaves::new(ca, identity, Some(rsa), subject_of, now(), MinVersion::Tls12).unwrap();
        let by_address = leaves.config("127.0.0.1".parse().unwrap()).unwrap();
        assert!(handshake(&plain, &pem, only_rsa, b"http/1.1").is_err(), "there is no RSA certificate");
        for server in [&both, &by_address] {
            let shown = |knows, alpn| handshake(server, &pem, knows, alpn).unwrap();
            assert_eq!(shown(only_rsa, b"http/1.0"), ("http/1.0".to_owned(), "RSA".to_owned()));
            assert_eq!(shown(|_| true, b"http/1.1"), ("http/1.1".to_owned(), "ECDSA".to_owned()));
        }
    }

    #[test]
    fn a_file_without_an_rsa_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        DevelopmentCa::open(dir.path(), now()).unwrap();
        let error = RsaKey::load(&dir.path().join("ca-key.pem")).unwrap_err().to_string();
        assert!(
            error.contains("ca-key.pem cannot be used: its key is not an RSA key; make a key with"),
            "{error}"
        );
    }
}
