//! `Certificate`: the HTTPS certificate of a BMC, and what a document shows of any certificate.

use super::certificate_service::{CURVES, read_curve};
use crate::node::bmc::certificate::Why;
use crate::redfish::action::{Action, Parameter};
use crate::redfish::certificate_change::{self as certificates, moment};
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::resource::OfNode;
use crate::tls::subject::{COMMON_NAME, COUNTRY, EMAIL, LOCALITY, ORGANIZATION, ORGANIZATIONAL_UNIT, STATE};
use crate::tls::{Name, Shown};

/// `Id` of the only certificate of the BMC's HTTPS listener.
const HTTPS_ID: &str = "1";

pub(super) static ACTIONS: &[Action<OfNode>] = &[
    Action {
        key: "#Certificate.Renew",
        parameters: &[],
        apply_times: &[],
        run: |cx, _| certificates::request_again(cx, Why::Renew, Default::default()).map(Some),
    },
    Action {
        key: "#Certificate.Rekey",
        parameters: CURVES,
        apply_times: &[],
        run: |cx, body| match read_curve(body) {
            Some(curve) => certificates::request_again(cx, Why::Rekey, curve).map(Some),
            None => Ok(None),
        },
    },
];

/// The parameters that choose a key.
pub(super) type Curves = &'static [Parameter<OfNode>];

pub(super) fn members(_: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    each(HTTPS_ID);
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", HTTPS_ID);
    d.put("Name", "HTTPS Certificate");
    d.put("CertificateUsageTypes", ["Web"].as_slice());
    write(&certificates::chain_of(cx), d);
}

/// Writes the properties of a certificate with its chain, PEM.
pub(super) fn write(chain: &str, d: &mut Doc<'_>) {
    let has_chain = chain.matches("-----BEGIN CERTIFICATE-----").count() > 1;
    d.put("CertificateString", chain);
    d.put("CertificateType", if has_chain { "PEMchain" } else { "PEM" });
    let Ok(shown) = Shown::of_pem(chain) else { return };
    for (key, name) in [("Issuer", &shown.issuer), ("Subject", &shown.subject)] {
        d.object(key, |d| write_name(name, d));
    }
    d.put("KeyUsage", shown.usages.as_slice());
    d.put("SerialNumber", &shown.serial);
    d.put("Fingerprint", &shown.fingerprint);
    d.put("FingerprintHashAlgorithm", "TPM_ALG_SHA256");
    d.put("SignatureAlgorithm", &shown.signature_algorithm);
    d.put("ValidNotBefore", moment(shown.not_before));
    d.put("ValidNotAfter", moment(shown.not_after));
}

fn write_name(name: &Name, d: &mut Doc<'_>) {
    for (key, id) in [
        ("CommonName", COMMON_NAME),
        ("Organization", ORGANIZATION),
        ("OrganizationalUnit", ORGANIZATIONAL_UNIT),
        ("City", LOCALITY),
        ("State", STATE),
        ("Country", COUNTRY),
        ("Email", EMAIL),
    ] {
        d.put_some(key, name.get(id));
    }
    if !name.alternative.is_empty() {
        d.put("AlternativeNames", name.alternative.as_slice());
    }
}
