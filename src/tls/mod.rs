//! Certificates and TLS settings: a development CA and the listeners' certificates that it signs, or files of the user.
//!
//! This room reads no clock; callers pass `now`.

mod ca;
mod client;
mod config;
mod error;
mod factory;
mod files;
mod identity;
mod inspect;
mod leaf;
mod leaves;
mod listener;
mod made;
mod names;
mod request;
mod rsa;
mod shown;
pub mod subject;
#[cfg(test)]
pub(crate) mod testing;
mod wrong;

pub use ca::{CA_LIFETIME_DAYS, DevelopmentCa};
pub use client::{ClientTlsError, client_config, insecure_client_config, pinned_client_config};
pub use config::{MinVersion, provider, server_config};
pub use error::TlsError;
pub use factory::factory_certificate;
pub use files::MAX_FILE_BYTES;
pub use identity::Identity;
pub use leaf::{
    AGENT_LIFETIME_DAYS, LEAF_LIFETIME_DAYS, RENEW_BEFORE_DAYS, agent_identity, agent_identity_in_memory,
};
pub use leaves::{Leaves, SubjectOf};
pub use listener::ListenerTls;
pub use made::Made;
pub use names::{CertificateNames, MAX_NAMES};
pub use request::{Curve, Wanted, alternative_name, new_key, request, usages};
pub use rsa::RsaKey;
pub use shown::{MAX_CHAIN, MAX_PEM, Name, Sent, Shown, certified, chain_pem};
pub use subject::Subject;
