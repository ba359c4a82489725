//! The documents at the root of an agent's API, and the URL of an agent.

use serde_json::{Value, json};

use crate::address::Urls;
use crate::node::Node;
use crate::time::SimTime;

/// The version that agents report.
pub(super) const VERSION: &str = "13.0.0";

const DOCUMENTATION: &str = "https://docs.openstack.org/ironic-python-agent/";

/// The URL of a node's agent, without a slash at the end.
pub(crate) fn url_of(urls: &Urls, node: &Node) -> String {
    let url = urls.of(node.id().0, || node.spec().name());
    let base = url.trim_end_matches('/');
    if urls.are_own() { base.to_owned() } else { format!("{base}/{}", node.spec().uuid()) }
}

/// `/`, for the agent at URL `agent`.
pub(super) fn root(agent: &str) -> Value {
    json!({
        "name": "OpenStack Ironic Python Agent API",
        "description": "Ironic Python Agent is a provisioning agent for OpenStack Ironic",
        "versions": [v1(agent)],
        "default_version": v1(agent),
    })
}

fn v1(agent: &str) -> Value {
    json!({
        "id": "v1",
        "links": [
            {"href": format!("{agent}/v1"), "rel": "self"},
            {"href": DOCUMENTATION, "rel": "describedby", "type": "text/html"},
        ],
    })
}

/// `/v1/`, for the agent at URL `agent`.
pub(super) fn version(agent: &str) -> Value {
    let links = |name: &str| {
        json!([
            {"href": format!("{agent}/v1/{name}"), "rel": "self"},
            {"href": format!("{agent}/{name}"), "rel": "bookmark"},
        ])
    };
    let media_type = "application/vnd.openstack.ironic-python-agent.v1+json";
    let mut document = v1(agent);
    document["commands"] = links("commands");
    document["status"] = links("status");
    document["media_types"] = json!([{"base": "application/json", "type": media_type}]);
    document
}

/// `/v1/status`, for an agent that started at `started`.
pub(super) fn status(started: SimTime) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "a date in ms is far below 2^53")]
    let seconds = started.ms() as f64 / 1000.0;
    json!({"started_at": seconds, "version": VERSION})
}
