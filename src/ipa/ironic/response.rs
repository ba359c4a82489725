//! How an agent reads Ironic's responses.

use http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::request::ApiVersion;
use crate::node::ipa::{Beat, Inspected, Ipa, LookedUp};

/// Tokens must have at least this length (`agent.py`, `process_lookup_data`).
const MIN_TOKEN_CHARS: usize = 32;

/// The newest microversion of an API, from the document at its root. `None` if it does not give one.
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

/// Reads the response to a lookup.
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
    let valid = |token: &String| token.len() >= MIN_TOKEN_CHARS || token == Ipa::HIDDEN_TOKEN;
    LookedUp::Found {
        uuid: node.uuid,
        token: config.agent_token.filter(valid).map(Into::into),
        heartbeat_timeout_s: config.heartbeat_timeout,
        md5_enabled: config.agent_md5_checksum_enable.unwrap_or(false),
    }
}

/// Reads the response to a heartbeat. Only 202 is a success.
pub fn beat(status: StatusCode) -> Beat {
    if status == StatusCode::ACCEPTED { Beat::Accepted } else { Beat::Refused }
}

/// Reads the response to inspection data.
///
/// IPA gives up at 404; a simulated agent retries. A simulated machine boots faster than any real one, often before
/// Ironic has released the node's lock and set "inspect wait", and would otherwise be lost.
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

    #[test]
    fn the_newest_version_is_read_from_the_root() {
        let root =
            br#"{"name": "OpenStack Ironic API", "default_version": {"id": "v1", "version": "1.115"}}"#;
        assert_eq!(discovered(root), Some(ApiVersion(1, 115)));
        assert_eq!(discovered(b"<html>"), None);
    }

    #[test]
    fn responses_to_a_lookup_are_read() {
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
        assert!(matches!(found("{}"), LookedUp::NotFound), "the heartbeat timeout is required");
        assert!(matches!(looked_up(StatusCode::CONFLICT, b""), LookedUp::Locked));
        assert!(matches!(looked_up(StatusCode::NOT_FOUND, b"{}"), LookedUp::NotFound));
        assert!(matches!(looked_up(StatusCode::BAD_GATEWAY, b""), LookedUp::NotFound));
    }

    #[test]
    fn responses_to_inspection_data_are_read() {
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
