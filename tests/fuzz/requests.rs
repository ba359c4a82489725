//! The fuzz targets for Redfish requests: each sends hostile text to a service of a few machines, and checks that the answer
//! is one of those that the service means to give. The fuzzer calls them with bytes of its own, and `tests/it/corpus.rs`
//! with the committed corpus.

#![allow(dead_code, reason = "each fuzzer uses one of the targets")]

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{Request, Response};

use super::service::clock::Clock;
use super::service::fleet::Fleet;
use super::service::profile::built_in;
use super::service::redfish::{Redfish, auth::Account};
use super::service::seed::Seed;
use super::service::time::SimTime;

/// `admin:password`.
const BASIC: &str = "Basic YWRtaW46cGFzc3dvcmQ=";
/// The longest text of a query.
const MAX_QUERY: usize = 8192;

struct Service {
    redfish: Redfish,
    /// The system of the first machine.
    system: String,
}

fn service() -> &'static Service {
    static SERVICE: OnceLock<Service> = OnceLock::new();
    SERVICE.get_or_init(|| {
        let (fleet, effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_800_000_000_000)));
        // No outgoing call is made.
        std::mem::forget(effects);
        for model in ["generic", "hpe-dl380-gen11"] {
            fleet.add(&built_in(model).expect("it is built in"), 2).expect("there is room");
        }
        let redfish = Redfish::new(Arc::new(fleet), Account::new("admin", "password"));
        let response = send(&redfish, "GET", "/redfish/v1/Systems", Bytes::new());
        let systems: serde_json::Value = serde_json::from_slice(response.body()).expect("it is JSON");
        let system = systems["Members"][0]["@odata.id"].as_str().expect("there are systems").to_owned();
        Service { redfish, system }
    })
}

fn send(redfish: &Redfish, method: &str, uri: &str, body: Bytes) -> Response<Bytes> {
    let request = Request::builder().method(method).uri(uri).header("Authorization", BASIC).body(body);
    redfish.call(&request.expect("the URI has only characters that a URI may have"))
}

/// Checks that a response is JSON, and has a status that a client's mistake can lead to.
fn check(response: &Response<Bytes>, statuses: &[u16]) {
    let status = response.status().as_u16();
    assert!(statuses.contains(&status), "status {status}");
    if !response.body().is_empty() {
        let json: serde_json::Value = serde_json::from_slice(response.body()).expect("the body is JSON");
        assert_eq!(json.get("error").is_some(), status >= 400);
    }
}

/// A `$filter` on a list of machines.
pub(crate) fn filter(data: &[u8]) {
    let service = service();
    let mut uri = String::from("/redfish/v1/Systems?$filter=");
    for byte in &data[..data.len().min(MAX_QUERY)] {
        let _ = write!(uri, "%{byte:02X}");
    }
    check(&send(&service.redfish, "GET", &uri, Bytes::new()), &[200, 400]);
}

/// A whole query. The first byte chooses the resource.
pub(crate) fn query(data: &[u8]) {
    let service = service();
    let [first, rest @ ..] = data else { return };
    let uri = match first % 6 {
        0 => "/redfish/v1/Systems".to_owned(),
        1 => "/redfish/v1".to_owned(),
        2 => service.system.clone(),
        3 => format!("{}/Processors", service.system),
        4 => "/redfish/v1/UpdateService/FirmwareInventory".to_owned(),
        _ => "/redfish/v1/$metadata".to_owned(),
    };
    let rest = &rest[..rest.len().min(MAX_QUERY)];
    let allowed = |byte: &&u8| byte.is_ascii_graphic() && !b"\"#<>`".contains(byte);
    let query: String = rest.iter().filter(allowed).map(|byte| char::from(*byte)).collect();
    let response = send(&service.redfish, "GET", &format!("{uri}?{query}"), Bytes::new());
    if first % 6 == 5 {
        return assert!([200, 400, 501].contains(&response.status().as_u16()));
    }
    check(&response, &[200, 400, 501, 507]);
}

/// The body of a change. The first byte chooses what is changed.
pub(crate) fn body(data: &[u8]) {
    let service = service();
    let [first, rest @ ..] = data else { return };
    let system = &service.system;
    let (method, uri) = match first % 8 {
        0 => ("PATCH", system.clone()),
        1 => ("PATCH", format!("{system}/Bios/Settings")),
        2 => ("PATCH", format!("{system}/SecureBoot")),
        3 => ("POST", format!("{system}/Actions/ComputerSystem.Reset")),
        4 => ("POST", format!("{system}/VirtualMedia/Cd/Actions/VirtualMedia.InsertMedia")),
        5 => ("POST", format!("{system}/Storage/NVMe/Volumes")),
        6 => ("POST", "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate".to_owned()),
        _ => ("POST", "/redfish/v1/SessionService/Sessions".to_owned()),
    };
    let response = send(&service.redfish, method, &uri, Bytes::copy_from_slice(rest));
    check(&response, &[200, 201, 202, 204, 400, 401, 404, 409, 503]);
}
