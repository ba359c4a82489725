//! What clients ask of the HTTPS certificates of BMCs: requests for certificates, and other certificates.

use std::net::IpAddr;

use bytes::Bytes;
use uuid::Uuid;

use super::body::Body;
use super::context::{Facts, NodeCx};
use super::doc::Doc;
use super::error::Problem;
use super::message::{
    ACTION_NOT_SUPPORTED, ACTION_PARAMETER_VALUE_CONFLICT, ACTION_PARAMETER_VALUE_NOT_IN_LIST,
    INTERNAL_ERROR, Message,
};
use crate::node::bmc::certificate::{Command as Change, PrivateKey, Why};
use crate::node::command::Command;
use crate::node::spec::Spec;
use crate::node::{Node, NodeId};
use crate::profile::secure_boot::Kind;
use crate::time::SimTime;
use crate::tls::{Curve, Sent, Shown, Subject, Wanted, certified, factory_certificate, new_key, request};

/// The path of the HTTPS certificate below its manager.
pub(super) const HTTPS_CERTIFICATE: &str = "NetworkProtocol/HTTPS/Certificates/1";
const GENERATE: &str = "CertificateService.GenerateCSR";
const REPLACE: &str = "CertificateService.ReplaceCertificate";

/// What a client asks of the certificate service.
pub(super) enum Asking {
    /// A request for the certificate collection at this URI.
    Request { collection: Box<str>, key: PrivateKey, csr: Box<str> },
    /// Another certificate instead of the one at this URI.
    Replace { uri: Box<str>, sent: Box<Sent> },
}

/// The subject of the certificate that a BMC has ex works, as its profile says.
pub fn subject_of(spec: Spec<'_>) -> Subject {
    let of = &spec.profile.certificate;
    Subject {
        country: of.country.clone(),
        state: of.state.clone(),
        locality: of.locality.clone(),
        organization: of.organization.clone(),
        organizational_unit: of.organizational_unit.clone(),
        common_name: of.common_name_of(&spec.serial(), &spec.bmc_host_name()),
    }
}

impl Facts {
    /// Whether a client may replace the certificate of a BMC: its listener is its own, or is shared and presents the certificate of
    /// the first.
    pub(super) fn may_replace(&self, node: NodeId, own_root: bool) -> bool {
        (own_root && self.domain.is_none()) || self.first.get().is_some_and(|(first, _)| first == node)
    }
}

/// The certificate of the BMC with its chain, PEM: one that a client has installed, or the one that the BMC has ex works.
pub(super) fn chain_of(cx: &NodeCx<'_>) -> String {
    if let Some(installed) = &cx.node.bmc().https.installed {
        return installed.chain.to_string();
    }
    let subject = subject_of(cx.spec());
    let own: Option<IpAddr> = cx.facts.own_ips(cx.node.id()).first().map(|(ip, _)| *ip);
    let listener = cx.facts.https.as_ref().and_then(|https| https.shown(own, subject.clone()));
    // Without a listener for HTTPS, the BMC has a certificate that it presents nowhere.
    listener.unwrap_or_else(|| {
        let seed = format!("HTTPS {}", cx.spec().serial());
        factory_certificate(&subject, &seed, false).unwrap_or_default()
    })
}

/// Makes a request for a new key on a curve.
pub(super) fn request_for_new_key(
    wanted: &Wanted,
    curve: Curve,
    body: &mut Body,
) -> Result<(PrivateKey, Box<str>), Problem> {
    let key = new_key(curve).map_err(|_| Problem::from(&INTERNAL_ERROR))?;
    match request(wanted, &key) {
        Ok(csr) => Ok((PrivateKey(key), csr)),
        Err(error) => {
            body.wrong_format("CommonName", &error.to_string());
            Ok((PrivateKey(key), Box::default()))
        }
    }
}

/// `Certificate.Renew` and `Certificate.Rekey`: a request with the content of the certificate in use.
///
/// # Errors
/// If no client may replace the certificate, or nothing but a new key is possible.
pub(super) fn request_again(cx: &NodeCx<'_>, why: Why, curve: Curve) -> Result<Command, Problem> {
    let name = if why == Why::Renew { "Certificate.Renew" } else { "Certificate.Rekey" };
    let refused = || Problem::from(Message::new(&ACTION_NOT_SUPPORTED, [name]));
    if !cx.facts.may_replace(cx.node.id(), cx.model.own_root) {
        return Err(refused());
    }
    let shown = Shown::of_pem(&chain_of(cx)).map_err(|_| Problem::from(&INTERNAL_ERROR))?;
    let pairs =
        shown.subject.attributes.iter().map(|(id, value)| (id.as_str().into(), value.as_str().into()));
    let wanted = Wanted {
        subject: pairs.collect(),
        names: shown.subject.alternative.iter().map(|name| name.as_str().into()).collect(),
        usages: shown.usages.iter().map(|usage| (*usage).into()).collect(),
    };
    let internal = |_| Problem::from(&INTERNAL_ERROR);
    let (key, signs_with) = match why {
        Why::Generate | Why::Rekey => {
            let key = new_key(curve).map_err(internal)?;
            (Some(PrivateKey(key.clone())), key)
        }
        // All BMCs of the process share the key that their certificates have ex works.
        Why::Renew => {
            let installed = cx.node.bmc().https.installed.as_ref().ok_or_else(refused)?;
            (None, installed.key.0.clone())
        }
    };
    let csr = request(&wanted, &signs_with).map_err(internal)?;
    Ok(Command::Certificate(Change::Request { why, key, csr }))
}

impl Asking {
    pub(super) fn uri(&self) -> &str {
        match self {
            Self::Request { collection, .. } => collection,
            Self::Replace { uri, .. } => uri,
        }
    }

    /// The id of the manager whose certificate is meant.
    pub(super) fn manager(&self) -> Option<&str> {
        let (collection, _) = HTTPS_CERTIFICATE.rsplit_once('/')?;
        let rest = self.uri().strip_prefix("/redfish/v1/Managers/")?;
        let (manager, rest) = rest.split_once('/')?;
        let meant = match self {
            Self::Request { .. } => rest.strip_suffix('/').unwrap_or(rest) == collection,
            Self::Replace { .. } => rest == HTTPS_CERTIFICATE,
        };
        meant.then_some(manager)
    }

    /// The parameter that names the certificate or its collection, and the action.
    fn parameter(&self) -> (&'static str, &'static str) {
        match self {
            Self::Request { .. } => ("CertificateCollection", GENERATE),
            Self::Replace { .. } => ("CertificateUri", REPLACE),
        }
    }

    pub(super) fn no_such(&self) -> Problem {
        let (parameter, action) = self.parameter();
        Message::new(&ACTION_PARAMETER_VALUE_NOT_IN_LIST, [self.uri(), parameter, action])
            .about(format!("#/{parameter}/@odata.id"))
            .into()
    }

    pub(super) fn not_the_first(&self, first: Option<Uuid>) -> Problem {
        let (parameter, _) = self.parameter();
        let first = first.map_or_else(String::new, |uuid| {
            format!(
                " (the listener that all managers share presents that of /redfish/v1/Managers/{uuid} only)"
            )
        });
        let value = format!("{}{first}", self.uri());
        Message::new(&ACTION_PARAMETER_VALUE_CONFLICT, [parameter, &value])
            .about(format!("#/{parameter}/@odata.id"))
            .into()
    }

    /// The command for this node.
    pub(super) fn command(self, node: &Node, now: SimTime) -> Result<Command, Problem> {
        let change = match self {
            Self::Request { key, csr, .. } => Change::Request { why: Why::Generate, key: Some(key), csr },
            Self::Replace { sent, .. } => {
                let key = key_for(&sent, node, now)?;
                Change::Replace { chain: sent.chain, key }
            }
        };
        Ok(Command::Certificate(change))
    }
}

/// The key that belongs to a certificate: the client's, that of the last request, or the one in use.
fn key_for(sent: &Sent, node: &Node, now: SimTime) -> Result<PrivateKey, Problem> {
    let refused = |why: String| -> Problem {
        Message::new(&ACTION_PARAMETER_VALUE_CONFLICT, ["CertificateString", &why])
            .about("#/CertificateString".to_owned())
            .into()
    };
    // A certificate that is not valid yet is accepted, because the clock of a BMC may be wrong, and a certificate that
    // has ended is not: so does phosphor-certificate-manager (`certificate.cpp`, `validateCertificateAgainstStore`).
    let clock_ms = now.ms().saturating_add_signed(node.clock().ahead_ms);
    if sent.shown.not_after < i64::try_from(clock_ms / 1000).unwrap_or(i64::MAX) {
        let end = moment(sent.shown.not_after);
        return Err(refused(format!("a certificate that is valid until {end}")));
    }
    let https = &node.bmc().https;
    let own = [https.pending.as_ref(), https.installed.as_ref().map(|installed| &installed.key)];
    let fits = |key: &PrivateKey| certified(&sent.chain, &key.0);
    if let Some(key) = &sent.key {
        let key = PrivateKey(key.clone());
        return fits(&key).map(|_| key).map_err(|why| refused(format!("a certificate of which {why}")));
    }
    own.into_iter().flatten().find(|key| fits(key).is_ok()).cloned().ok_or_else(|| {
        refused(
            "a certificate for another key than that of the last request or of the certificate in use"
                .to_owned(),
        )
    })
}

/// A moment of a certificate, seconds since 1970.
pub(super) fn moment(seconds: i64) -> String {
    // The last moment that can be written with four digits of a year.
    const LAST_S: u64 = 253_402_207_199;
    SimTime::from_ms(u64::try_from(seconds).unwrap_or(0).min(LAST_S) * 1000).redfish(0)
}

/// The response to an action that has made a request. `manager` is the URI of the manager.
pub(super) fn requested(why: Why, csr: &str, manager: &str) -> Bytes {
    let certificate = [manager, "/", HTTPS_CERTIFICATE].concat();
    let collection = certificate.rsplit_once('/').map_or("", |(collection, _)| collection);
    let mut d = Doc::new(None, None);
    let (link, uri) = match why {
        Why::Generate => ("CertificateCollection", collection),
        Why::Renew | Why::Rekey => ("Certificate", certificate.as_str()),
    };
    d.put("CSRString", csr);
    d.link(link, &[uri]);
    Bytes::from(d.finish().0)
}

/// Reads the text of a certificate. A mistake does not repeat it.
pub(super) fn read_sent(body: &mut Body, key: &'static str) -> Option<Box<Sent>> {
    let text = body.secret(key, 1, crate::tls::MAX_PEM)?;
    match Sent::read(&text) {
        Ok(sent) => Some(Box::new(sent)),
        Err(why) => {
            body.wrong_format(key, &format!("(text: {why})"));
            None
        }
    }
}

/// Reads `CertificateString` and `CertificateType` of a collection to which clients add certificates one by one: a single certificate of
/// at most `most` bytes. A private key in the text is dropped (`Certificate.CertificateString` in the schema).
pub(super) fn read_one(body: &mut Body, most: usize) -> Option<Box<str>> {
    const KEY: &str = "CertificateString";
    body.require(KEY);
    body.require("CertificateType");
    let kind = body.word("CertificateType", |text| (text == "PEM").then_some(()), &[()]);
    let text = body.secret(KEY, 1, crate::tls::MAX_PEM)?;
    let why = match Sent::read(&text) {
        Ok(sent) if sent.count > 1 => format!("(text: it has {} certificates; 1 is allowed)", sent.count),
        Ok(sent) if sent.chain.len() > most => format!("(text: it has more than {most} bytes)"),
        Ok(sent) => return kind.map(|()| sent.chain),
        Err(why) => format!("(text: {why})"),
    };
    body.wrong_format(KEY, &why);
    None
}

/// The certificates of secure boot, as a profile's `absent` writes their path.
const OF_HOST: &str = "Systems/{}/SecureBoot/SecureBootDatabases/{}/Certificates/{}";

/// The URIs of the certificates of secure boot at a BMC's own root.
pub(super) fn of_host(node: &Node) -> Vec<String> {
    let (profile, system) = (node.profile(), node.spec().system_path(true));
    let mut all = Vec::new();
    if !profile.lacks(OF_HOST) {
        for database in &profile.secure_boot.databases {
            let of = format!("{system}/SecureBoot/SecureBootDatabases/{}/Certificates", database.as_str());
            let numbers = node.bmc().keys_of(*database, Kind::Certificate, profile);
            all.extend(numbers.iter().map(|number| format!("{of}/{number}")));
        }
    }
    all
}
