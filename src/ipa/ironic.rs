//! What an agent says to Ironic, and what it makes of the answers.
//!
//! Requests and answers as in `ironic_python_agent/ironic_api_client.py` and `inspector.py`; whoever carries them knows
//! neither.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::{VERSION, inspection};
use crate::address::{Place, Urls};
use crate::node::Node;
use crate::node::ipa::{Beat, Inspected, Ipa, LookedUp};
use crate::time::SimTime;

/// A microversion of Ironic's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion(pub u16, pub u16);

impl ApiVersion {
    /// What an API is taken to speak that does not say.
    pub const OLDEST: Self = Self(1, 31);
    /// From here on heartbeats name the agent's version.
    const AGENT_VERSION: Self = Self(1, 36);
    /// From here on there are tokens; lookups ask for no later version.
    const TOKEN: Self = Self(1, 62);
    /// From here on agents bring their own certificate; heartbeats ask for no later version.
    const VERIFY_CA: Self = Self(1, 68);
}

/// A request to Ironic.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// GET or POST.
    pub method: Method,
    /// What follows the endpoint, with its query; empty for inspection data, whose URL is complete.
    pub path: String,
    /// Headers.
    pub headers: HeaderMap,
    /// A JSON body.
    pub body: Option<Bytes>,
}

impl Call {
    fn new(method: Method, path: String, agent: &Ipa) -> Self {
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, json.clone()), (ACCEPT, json)]);
        // A request id that is no header value is left out: it came from outside.
        let id = agent.params.request_id.as_deref().and_then(|id| HeaderValue::from_str(id).ok());
        headers.extend(id.map(|id| (HeaderName::from_static("x-openstack-request-id"), id)));
        Self { method, path, headers, body: None }
    }

    fn version(mut self, version: ApiVersion) -> Self {
        let text = format!("{}.{}", version.0, version.1);
        let value = HeaderValue::from_str(&text).expect("digits and a dot are a header value");
        self.headers.insert(HeaderName::from_static("x-openstack-ironic-api-version"), value);
        self
    }

    fn json(self, body: &Value) -> Self {
        Self { body: Some(Bytes::from(body.to_string())), ..self }
    }
}

/// Asks which versions the API speaks.
pub fn discovery(agent: &Ipa) -> Call {
    Call::new(Method::GET, "/".to_owned(), agent)
}

/// The newest version of an API, if it says.
pub fn discovered(body: &[u8]) -> Option<ApiVersion> {
    #[derive(Deserialize)]
    struct Root {
        default_version: Version,
    }
    #[derive(Deserialize)]
    struct Version {
        version: String,
    }
    let root: Root = serde_json::from_slice(body).ok()?;
    let (major, minor) = root.default_version.version.split_once('.')?;
    Some(ApiVersion(major.parse().ok()?, minor.parse().ok()?))
}

/// Asks which node this is.
pub fn lookup(node: &Node, agent: &Ipa, api: ApiVersion) -> Call {
    let ports = (0u8..).zip(&node.profile().nics).map(|(port, _)| node.spec().mac(port).to_string());
    let addresses = ports.collect::<Vec<_>>().join(",");
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("addresses", &addresses);
    if let Some(uuid) = agent.node_uuid() {
        query.append_pair("node_uuid", &uuid.to_string());
    }
    let path = format!("/v1/lookup?{}", query.finish());
    Call::new(Method::GET, path, agent).version(api.min(ApiVersion::TOKEN))
}

/// The shortest token that an agent takes for one (`agent.py`, `process_lookup_data`).
const MIN_TOKEN_CHARS: usize = 32;

/// What an answer to a lookup means.
pub fn looked_up(status: StatusCode, body: &[u8]) -> LookedUp {
    #[derive(Deserialize)]
    struct Found {
        node: Node,
        config: Config,
    }
    #[derive(Deserialize)]
    struct Node {
        uuid: Uuid,
    }
    #[derive(Deserialize)]
    struct Config {
        heartbeat_timeout: u32,
        agent_token: Option<String>,
        agent_md5_checksum_enable: Option<bool>,
    }
    match status {
        StatusCode::OK => {}
        StatusCode::CONFLICT => return LookedUp::Locked,
        _ => return LookedUp::NotFound,
    }
    let Ok(Found { node, config }) = serde_json::from_slice(body) else { return LookedUp::NotFound };
    let good = |token: &String| token.len() >= MIN_TOKEN_CHARS || token == Ipa::HIDDEN_TOKEN;
    LookedUp::Found {
        uuid: node.uuid,
        token: config.agent_token.filter(good).map(Into::into),
        heartbeat_timeout_s: config.heartbeat_timeout,
        md5_enabled: config.agent_md5_checksum_enable.unwrap_or(false),
    }
}

/// Says that the agent lives. `urls` are the agents', and `ca_pem` the certificate that their listener shows, or whose CA
/// signed it. `None` before a lookup has told which node it is.
pub fn heartbeat(
    node: &Node,
    agent: &Ipa,
    api: ApiVersion,
    urls: &Urls,
    ca_pem: Option<&str>,
) -> Option<Call> {
    let serving = agent.serving()?;
    let callback = super::url_of(urls, node);
    let mut body = Map::from_iter([("callback_url".to_owned(), json!(callback))]);
    if api >= ApiVersion::TOKEN {
        body.insert("agent_token".to_owned(), json!(serving.token));
    }
    if api >= ApiVersion::AGENT_VERSION {
        body.insert("agent_version".to_owned(), json!(VERSION));
    }
    if let Some(pem) = ca_pem.filter(|_| api >= ApiVersion::VERIFY_CA) {
        body.insert("agent_verify_ca".to_owned(), json!(pem));
    }
    let call = Call::new(Method::POST, format!("/v1/heartbeat/{}", serving.node_uuid), agent);
    Some(call.version(api.min(ApiVersion::VERIFY_CA)).json(&Value::Object(body)))
}

/// What an answer to a heartbeat means: only 202 is a success.
pub fn beat(status: StatusCode) -> Beat {
    if status == StatusCode::ACCEPTED { Beat::Accepted } else { Beat::Refused }
}

/// Sends what the agent found in its machine; `bmcs` is where the controllers are. Like IPA, it names no version.
pub fn inspection(node: &Node, agent: &Ipa, now: SimTime, bmcs: &[Place]) -> Call {
    Call::new(Method::POST, String::new(), agent).json(&inspection::data(node, agent, now, bmcs))
}

/// What an answer to inspection data means.
///
/// IPA gives up at 404. A simulated machine boots faster than any real one, often before Ironic has let go of the node and
/// waits for it ("inspect wait"), and would then be lost; so 404 is tried again too.
pub fn inspected(status: StatusCode, body: &[u8]) -> Inspected {
    #[derive(Deserialize)]
    struct Accepted {
        uuid: Option<Uuid>,
        node: Option<Node>,
        config: Option<Config>,
    }
    #[derive(Deserialize)]
    struct Node {
        uuid: Option<Uuid>,
    }
    #[derive(Deserialize)]
    struct Config {
        agent_token: Option<String>,
    }
    match status {
        StatusCode::NOT_FOUND | StatusCode::CONFLICT => return Inspected::Retry,
        status if status.is_server_error() => return Inspected::Retry,
        status if !status.is_success() => return Inspected::Refused,
        _ => {}
    }
    let Ok(Accepted { uuid, node, config }) = serde_json::from_slice(body) else {
        return Inspected::Accepted(None, None);
    };
    let token = config.and_then(|c| c.agent_token).filter(|t| t.len() >= MIN_TOKEN_CHARS);
    Inspected::Accepted(uuid.or(node.and_then(|n| n.uuid)), token.map(Into::into))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipa::tests::{Bench, TOKEN};
    use crate::node::ipa::Params;

    fn body(call: &Call) -> Value {
        serde_json::from_slice(call.body.as_ref().unwrap()).unwrap()
    }

    #[test]
    fn the_newest_version_is_read_from_the_root() {
        let root =
            br#"{"name": "OpenStack Ironic API", "default_version": {"id": "v1", "version": "1.115"}}"#;
        assert_eq!(discovered(root), Some(ApiVersion(1, 115)));
        assert_eq!(discovered(b"<html>"), None);
        assert!(ApiVersion(1, 115) > ApiVersion(1, 68) && ApiVersion(2, 0) > ApiVersion(1, 115));
    }

    #[test]
    fn a_lookup_names_all_interfaces() {
        let bench = Bench::serving();
        let call =
            bench.fleet.look(bench.id, |n, _| lookup(n, n.ipa().unwrap(), ApiVersion(1, 115))).unwrap();
        let mac = bench.fleet.look(bench.id, |n, _| n.spec().mac(1).with(':').replace(':', "%3A")).unwrap();
        assert!(
            call.path.starts_with("/v1/lookup?addresses=") && call.path.contains(&format!("%2C{mac}")),
            "{}",
            call.path
        );
        assert!(call.path.ends_with("&node_uuid=00000000-0000-0000-0000-000000000000"), "{}", call.path);
        assert_eq!(call.headers["x-openstack-ironic-api-version"], "1.62");
    }

    #[test]
    fn a_heartbeat_says_as_much_as_the_api_understands() {
        let bench = Bench::serving();
        let urls = Urls::Same("https://[::1]:9999/".into());
        let make = |api| {
            let call =
                bench.fleet.look(bench.id, |n, _| heartbeat(n, n.ipa().unwrap(), api, &urls, Some("PEM")));
            call.flatten().unwrap()
        };
        let call = make(ApiVersion(1, 115));
        assert_eq!(call.path, "/v1/heartbeat/00000000-0000-0000-0000-000000000000");
        assert_eq!(call.headers["x-openstack-ironic-api-version"], "1.68");
        let url = format!("https://[::1]:9999/{}", bench.uuid);
        let expected = json!({
            "callback_url": url, "agent_token": TOKEN, "agent_version": "13.0.0", "agent_verify_ca": "PEM",
        });
        assert_eq!(body(&call), expected);
        assert_eq!(body(&make(ApiVersion(1, 36))), json!({"callback_url": url, "agent_version": "13.0.0"}));
        assert_eq!(make(ApiVersion::OLDEST).headers["x-openstack-ironic-api-version"], "1.31");
    }

    #[test]
    fn a_request_id_is_passed_on() {
        let bench = Bench::booted(Params { request_id: Some("req-7".into()), ..Params::default() });
        let call = bench.fleet.look(bench.id, |n, now| inspection(n, n.ipa().unwrap(), now, &[])).unwrap();
        assert_eq!(call.headers["x-openstack-request-id"], "req-7");
        assert!(call.headers.get("x-openstack-ironic-api-version").is_none());
        assert_eq!(body(&call)["inventory"]["boot"]["current_boot_mode"], "uefi");
    }

    #[test]
    fn answers_to_a_lookup_are_understood() {
        let found = |config: &str| {
            let body =
                format!(r#"{{"node":{{"uuid":"1be26c0b-03f2-4d2e-ae87-c02d7f33c123"}},"config":{config}}}"#);
            looked_up(StatusCode::OK, body.as_bytes())
        };
        let long = "x".repeat(43);
        for (token, expected) in
            [(long.as_str(), Some(long.as_str())), ("******", Some("******")), ("short", None)]
        {
            let answer = found(&format!(r#"{{"heartbeat_timeout":120,"agent_token":"{token}","more":1}}"#));
            let LookedUp::Found { token, heartbeat_timeout_s: 120, md5_enabled: false, .. } = answer else {
                panic!("{answer:?}")
            };
            assert_eq!(token.as_deref(), expected);
        }
        assert!(matches!(found("{}"), LookedUp::NotFound), "an answer without a timeout is of no use");
        assert!(matches!(looked_up(StatusCode::CONFLICT, b""), LookedUp::Locked));
        assert!(matches!(looked_up(StatusCode::NOT_FOUND, b"{}"), LookedUp::NotFound));
        assert!(matches!(looked_up(StatusCode::BAD_GATEWAY, b""), LookedUp::NotFound));
    }

    #[test]
    fn answers_to_inspection_data_are_understood() {
        let uuid = Uuid::from_u128(7);
        let plain = inspected(StatusCode::ACCEPTED, format!(r#"{{"uuid":"{uuid}"}}"#).as_bytes());
        assert!(matches!(plain, Inspected::Accepted(Some(u), None) if u == uuid));
        let token = "t".repeat(32);
        let full = format!(r#"{{"node":{{"uuid":"{uuid}"}},"config":{{"agent_token":"{token}"}}}}"#);
        let full = inspected(StatusCode::ACCEPTED, full.as_bytes());
        assert!(matches!(full, Inspected::Accepted(Some(u), Some(t)) if u == uuid && *t == *token));
        for status in [404, 409, 500, 503] {
            assert!(
                matches!(inspected(StatusCode::from_u16(status).unwrap(), b""), Inspected::Retry),
                "{status}"
            );
        }
        assert!(matches!(inspected(StatusCode::BAD_REQUEST, b""), Inspected::Refused));
        assert_eq!((beat(StatusCode::ACCEPTED), beat(StatusCode::OK)), (Beat::Accepted, Beat::Refused));
    }
}
