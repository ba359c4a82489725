//! The requests of an agent to Ironic.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::address::{Reported, Urls};
use crate::ipa::documents::{VERSION, url_of};
use crate::ipa::inspection;
use crate::node::Node;
use crate::node::ipa::Ipa;
use crate::time::SimTime;

/// A microversion of Ironic's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion(pub u16, pub u16);

impl ApiVersion {
    /// The assumed version of an API that does not give one.
    pub const OLDEST: Self = Self(1, 31);
    /// Heartbeats may contain `agent_version`.
    const AGENT_VERSION: Self = Self(1, 36);
    /// Heartbeats contain `agent_token`. Lookups ask for no later version.
    const TOKEN: Self = Self(1, 62);
    /// Heartbeats may contain `agent_verify_ca`. They ask for no later version.
    const VERIFY_CA: Self = Self(1, 68);
}

/// The first microversion that has these properties of a heartbeat.
const SINCE: [(&str, ApiVersion); 3] = [
    ("agent_version", ApiVersion::AGENT_VERSION),
    ("agent_token", ApiVersion::TOKEN),
    ("agent_verify_ca", ApiVersion::VERIFY_CA),
];

/// A certificate that no listener has, and whose key nobody has.
const OTHER_CERTIFICATE: &str = include_str!("other-certificate.pem");

/// A request to Ironic.
#[derive(Clone, Debug, PartialEq)]
pub struct IronicRequest {
    pub method: Method,
    /// Path and query below the API's URL. Empty for inspection data, whose URL is complete.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
}

impl IronicRequest {
    fn new(method: Method, path: String, agent: &Ipa) -> Self {
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, json.clone()), (ACCEPT, json)]);
        // The request id comes from the kernel command line. An id that is not a valid header value is left out.
        let id = agent.params.request_id.as_deref().and_then(|id| HeaderValue::from_str(id).ok());
        headers.extend(id.map(|id| (HeaderName::from_static("x-openstack-request-id"), id)));
        Self { method, path, headers, body: None }
    }

    fn with_json(self, body: &Value) -> Self {
        Self { body: Some(Bytes::from(body.to_string())), ..self }
    }
}

/// A request to Ironic that depends on the newest microversion of the API.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionedRequest {
    request: IronicRequest,
    /// The newest microversion that the agent asks for.
    newest: ApiVersion,
    /// JSON with all properties, also those of [`SINCE`].
    body: Option<Map<String, Value>>,
}

impl VersionedRequest {
    /// The request to an API whose newest microversion is `api`.
    pub fn at(self, api: ApiVersion) -> IronicRequest {
        let Self { mut request, newest, body } = self;
        let version = api.min(newest);
        let value = HeaderValue::from_str(&format!("{}.{}", version.0, version.1))
            .expect("digits and a dot are a header value");
        request.headers.insert(HeaderName::from_static("x-openstack-ironic-api-version"), value);
        let Some(mut body) = body else { return request };
        body.retain(|name, _| SINCE.iter().all(|(newer, since)| newer != name || *since <= api));
        request.with_json(&Value::Object(body))
    }

    /// The request that asks the same API for its versions.
    pub fn discovery(&self) -> IronicRequest {
        let headers = self.request.headers.clone();
        IronicRequest { method: Method::GET, path: "/".to_owned(), headers, body: None }
    }
}

/// Asks Ironic for the node that has this machine's MAC addresses.
pub fn lookup(node: &Node, agent: &Ipa) -> VersionedRequest {
    let ports = (0u8..).zip(&node.profile().nics).map(|(port, _)| node.spec().mac(port).to_string());
    let addresses = ports.collect::<Vec<_>>().join(",");
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("addresses", &addresses);
    if let Some(uuid) = agent.node_uuid() {
        query.append_pair("node_uuid", &uuid.to_string());
    }
    let path = format!("/v1/lookup?{}", query.finish());
    let request = IronicRequest::new(Method::GET, path, agent);
    VersionedRequest { request, newest: ApiVersion::TOKEN, body: None }
}

/// Tells Ironic that the agent is alive. `None` before a lookup has returned the node's UUID.
///
/// `urls` are the agents' URLs. `ca_pem` is the certificate of their listener, or the CA that signed it.
pub fn heartbeat(node: &Node, agent: &Ipa, urls: &Urls, ca_pem: Option<&str>) -> Option<VersionedRequest> {
    let serving = agent.serving()?;
    let mut body = Map::from_iter([
        ("callback_url".to_owned(), json!(url_of(urls, node))),
        ("agent_token".to_owned(), json!(node.agent_token(serving))),
        ("agent_version".to_owned(), json!(VERSION)),
    ]);
    let ca_pem = if node.reports_other_certificate() { Some(OTHER_CERTIFICATE) } else { ca_pem };
    if let Some(pem) = ca_pem {
        body.insert("agent_verify_ca".to_owned(), json!(pem));
    }
    let request = IronicRequest::new(Method::POST, format!("/v1/heartbeat/{}", serving.node_uuid), agent);
    Some(VersionedRequest { request, newest: ApiVersion::VERIFY_CA, body: Some(body) })
}

/// Sends the inspection data. Like IPA, it asks for no microversion. `reported` are the addresses in the inventory.
pub fn inspection(node: &Node, agent: &Ipa, now: SimTime, reported: &Reported) -> IronicRequest {
    let data = inspection::data(node, agent, now, reported);
    IronicRequest::new(Method::POST, String::new(), agent).with_json(&data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipa::tests::{Bench, TOKEN};
    use crate::node::ipa::Params;

    fn body(request: &IronicRequest) -> Value {
        serde_json::from_slice(request.body.as_ref().unwrap()).unwrap()
    }

    #[test]
    fn a_lookup_has_the_macs_of_all_interfaces() {
        let bench = Bench::serving();
        let request = bench.fleet.look(bench.id, |n, _| lookup(n, n.ipa().unwrap())).unwrap();
        let request = request.at(ApiVersion(1, 115));
        let mac = bench.fleet.look(bench.id, |n, _| n.spec().mac(1).with(':').replace(':', "%3A")).unwrap();
        assert!(
            request.path.starts_with("/v1/lookup?addresses=") && request.path.contains(&format!("%2C{mac}")),
            "{}",
            request.path
        );
        assert!(
            request.path.ends_with("&node_uuid=00000000-0000-0000-0000-000000000000"),
            "{}",
            request.path
        );
        assert_eq!(request.headers["x-openstack-ironic-api-version"], "1.62");
    }

    #[test]
    fn a_heartbeat_has_only_properties_that_the_api_version_knows() {
        let bench = Bench::serving();
        let urls = Urls::Same("https://[::1]:9999/".into());
        let make = |api| {
            let request =
                bench.fleet.look(bench.id, |n, _| heartbeat(n, n.ipa().unwrap(), &urls, Some("PEM")));
            request.flatten().unwrap().at(api)
        };
        let request = make(ApiVersion(1, 115));
        assert_eq!(request.path, "/v1/heartbeat/00000000-0000-0000-0000-000000000000");
        assert_eq!(request.headers["x-openstack-ironic-api-version"], "1.68");
        let url = format!("https://[::1]:9999/{}", bench.uuid);
        let expected = json!({
            "callback_url": url, "agent_token": TOKEN, "agent_version": "13.0.0", "agent_verify_ca": "PEM",
        });
        assert_eq!(body(&request), expected);
        let with_token = json!({"callback_url": url, "agent_token": TOKEN, "agent_version": "13.0.0"});
        assert_eq!(body(&make(ApiVersion(1, 62))), with_token);
        assert_eq!(body(&make(ApiVersion(1, 36))), json!({"callback_url": url, "agent_version": "13.0.0"}));
        let oldest = make(ApiVersion::OLDEST);
        assert_eq!(oldest.headers["x-openstack-ironic-api-version"], "1.31");
        assert_eq!(body(&oldest), json!({"callback_url": url}));
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(ApiVersion(1, 115) > ApiVersion(1, 68) && ApiVersion(2, 0) > ApiVersion(1, 115));
    }

    #[test]
    fn the_request_id_is_sent_in_every_request() {
        let bench = Bench::booted(Params { request_id: Some("req-7".into()), ..Params::default() });
        let (inspection, lookup) = bench
            .fleet
            .look(bench.id, |n, now| {
                let agent = n.ipa().unwrap();
                (inspection(n, agent, now, &Reported::default()), lookup(n, agent))
            })
            .unwrap();
        for request in [&inspection, &lookup.discovery(), &lookup.at(ApiVersion::OLDEST)] {
            assert_eq!(request.headers["x-openstack-request-id"], "req-7", "{}", request.path);
        }
        assert!(inspection.headers.get("x-openstack-ironic-api-version").is_none());
        assert_eq!(body(&inspection)["inventory"]["boot"]["current_boot_mode"], "uefi");
    }
}
