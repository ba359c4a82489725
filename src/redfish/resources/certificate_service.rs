//! `CertificateService`: requests for certificates, their replacement, and where they are.

use crate::redfish::action::{Action, Parameter};
use crate::redfish::body::Body;
use crate::redfish::certificate_change::{
    Asking, HTTPS_CERTIFICATE, of_host, read_sent, request_for_new_key,
};
use crate::redfish::context::ServiceCx;
use crate::redfish::doc::Doc;
use crate::redfish::message::{ACTION_PARAMETER_VALUE_CONFLICT, ACTION_PARAMETER_VALUE_ERROR, Message};
use crate::redfish::resource::{Asked, OfService, Owner, ServiceChange};
use crate::tls::subject::{COMMON_NAME, COUNTRY, EMAIL, LOCALITY, ORGANIZATION, ORGANIZATIONAL_UNIT, STATE};
use crate::tls::{Curve, Wanted, alternative_name, usages};

/// The longest URI of a certificate or a collection, characters.
const MAX_URI: usize = 256;
/// The most alternative names of a request.
const MAX_NAMES: usize = 32;
/// The longest alternative name, characters: that of a host (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 253;
/// The algorithms of a new key, which the library for TLS can make. It cannot make RSA keys.
const ALGORITHMS: &[&str] = &["TPM_ALG_ECC", "TPM_ALG_ECDSA"];
/// `CertificateType` of a certificate that a client sends.
const TYPES: &[&str] = &["PEM", "PEMchain"];

/// The parts of a subject: parameter, object identifier, and the longest value (RFC 5280, appendix A.1).
const SUBJECT: [(&str, &str, usize); 7] = [
    ("Country", COUNTRY, 2),
    ("State", STATE, 128),
    ("City", LOCALITY, 128),
    ("Organization", ORGANIZATION, 64),
    ("OrganizationalUnit", ORGANIZATIONAL_UNIT, 64),
    ("CommonName", COMMON_NAME, 64),
    ("Email", EMAIL, 255),
];

/// The parameters that choose a key, for an owner.
const fn curve_parameters<O: Owner>() -> [Parameter<O>; 3] {
    [algorithm(), curve(), Parameter::number("KeyBitLength")]
}

const fn algorithm<O: Owner>() -> Parameter<O> {
    Parameter::word("KeyPairAlgorithm", |_, key, d| d.put(key, ALGORITHMS))
}

const fn curve<O: Owner>() -> Parameter<O> {
    Parameter::word("KeyCurveId", |_, key, d| {
        d.array(key, |d| Curve::ALL.iter().for_each(|curve| d.item(curve.name())));
    })
}

/// The parameters of `Certificate.Rekey`.
pub(super) static CURVES: super::certificate::Curves = &curve_parameters();

pub(super) static ACTIONS: &[Action<OfService>] = &[
    Action {
        key: "#CertificateService.GenerateCSR",
        parameters: &[
            Parameter::object("CertificateCollection").required(),
            Parameter::text("CommonName").required(),
            Parameter::texts("AlternativeNames", MAX_NAMES),
            Parameter::text("Organization"),
            Parameter::text("OrganizationalUnit"),
            Parameter::text("City"),
            Parameter::text("State"),
            Parameter::text("Country"),
            Parameter::text("Email"),
            algorithm(),
            curve(),
            Parameter::number("KeyBitLength"),
            Parameter::texts("KeyUsage", MAX_NAMES).with(|_, key, d| {
                d.array(key, |d| usages().for_each(|usage| d.item(usage)));
            }),
        ],
        apply_times: &[],
        run: generate,
    },
    Action {
        key: "#CertificateService.ReplaceCertificate",
        parameters: &[
            Parameter::text("CertificateString").required(),
            Parameter::word("CertificateType", |_, key, d| d.put(key, TYPES)).required(),
            Parameter::object("CertificateUri").required(),
        ],
        apply_times: &[],
        run: replace,
    },
];

pub(super) fn get(_: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "CertificateService");
    d.put("Name", "Certificate Service");
}

/// The certificates with which listeners prove who they are. A shared listener has that of the first manager. The root of a BMC has those
/// of secure boot, too.
pub(super) fn get_locations(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "CertificateLocations");
    d.put("Name", "Certificate Locations");
    let manager = match cx.own {
        Some(node) => Some(node.profile().ids.manager.clone()),
        None => cx.facts.first.get().map(|(_, uuid)| uuid.to_string()),
    };
    d.object("Links", |d| {
        d.array("Certificates", |d| {
            if let Some(manager) = manager {
                d.item_link(&["/redfish/v1/Managers/", &manager, "/", HTTPS_CERTIFICATE]);
            }
            cx.own.map(of_host).iter().flatten().for_each(|uri| d.item_link(&[uri]));
        });
    });
}

fn generate(_: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    const ACTION: &str = "CertificateService.GenerateCSR";
    let collection = read_link(body, "CertificateCollection", ACTION);
    body.require("CommonName");
    let mut wanted = Wanted::default();
    for (key, id, longest) in SUBJECT {
        let Some(value) = body.text(key, longest) else { continue };
        let fits = match key {
            "Country" => value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_uppercase()),
            "Email" => value.is_ascii() && value.contains('@'),
            _ => !value.is_empty() && !value.contains(char::is_control),
        };
        if !fits {
            body.wrong_format(key, &value);
        }
        wanted.subject.push((id.into(), value));
    }
    for name in body.texts("AlternativeNames", MAX_NAMES).unwrap_or_default() {
        if name.len() > MAX_NAME || alternative_name(&name).is_none() {
            let shown: String = name.chars().take(MAX_NAME).collect();
            body.wrong_format("AlternativeNames", &shown);
        }
        wanted.names.push(name.into());
    }
    for usage in body.texts("KeyUsage", MAX_NAMES).unwrap_or_default() {
        if !usages().any(|known| known == usage) {
            body.not_in_list("KeyUsage", &usage);
        }
        wanted.usages.push(usage.into());
    }
    let curve = read_curve(body);
    let (Some(collection), Some(curve), false) = (collection, curve, body.has_mistakes()) else {
        return Ok(None);
    };
    let (key, csr) = request_for_new_key(&wanted, curve, body)?;
    Ok(Some(ServiceChange::Certificate(Asking::Request { collection, key, csr })))
}

/// The curve that the parameters of a key mean. `None` after a mistake.
pub(super) fn read_curve(body: &mut Body) -> Option<Curve> {
    let by_name = |text: &str| Curve::ALL.iter().copied().find(|curve| curve.name() == text);
    let algorithm = body.text("KeyPairAlgorithm", MAX_URI);
    if let Some(given) = &algorithm
        && !ALGORITHMS.contains(&&**given)
    {
        body.not_in_list("KeyPairAlgorithm", &format!("{given} (allowed: {})", ALGORITHMS.join(", ")));
    }
    let named = body.contains("KeyCurveId");
    let curve = body.word("KeyCurveId", by_name, Curve::ALL);
    let bits = body.number("KeyBitLength", 0, i64::MAX);
    if named && curve.is_none() {
        return None;
    }
    let Some(bits) = bits else { return Some(curve.unwrap_or_default()) };
    let of_length = Curve::ALL.iter().copied().find(|one| one.bits() == bits);
    let found = of_length.filter(|one| curve.is_none_or(|curve| curve == *one));
    if found.is_none() {
        let lengths: Vec<String> = Curve::ALL.iter().map(|curve| curve.bits().to_string()).collect();
        let value = format!("{bits} (allowed: {}, as the curve has)", lengths.join(", "));
        body.mistake(
            "KeyBitLength",
            Message::new(&ACTION_PARAMETER_VALUE_CONFLICT, ["KeyBitLength", &value]),
        );
    }
    found
}

fn replace(_: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    const ACTION: &str = "CertificateService.ReplaceCertificate";
    for key in ["CertificateString", "CertificateType"] {
        body.require(key);
    }
    let uri = read_link(body, "CertificateUri", ACTION);
    let sent = read_sent(body, "CertificateString");
    read_type(body);
    Ok(uri.zip(sent).map(|(uri, sent)| ServiceChange::Certificate(Asking::Replace { uri, sent })))
}

/// Reads `CertificateType`. A chain in a text of type `PEM` is accepted, as BMCs do.
pub(super) fn read_type(body: &mut Body) {
    body.word("CertificateType", |text| TYPES.iter().copied().find(|known| *known == text), TYPES);
}

/// The URI of a parameter that is a link.
fn read_link(body: &mut Body, key: &'static str, action: &str) -> Option<Box<str>> {
    body.require(key);
    let uri = body.object(key, |link| link.text("@odata.id", MAX_URI))?;
    if uri.is_none() {
        body.mistake(key, Message::new(&ACTION_PARAMETER_VALUE_ERROR, [key, action]));
    }
    uri
}
