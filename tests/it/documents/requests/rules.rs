//! Who may do what, written down a second time from DMTF's privilege registry (DSP8011, `Redfish_1.8.0_PrivilegeRegistry`),
//! by path. The service has the same rules as a column of its table of resources.

use std::collections::BTreeSet;

use serde_json::Value;

/// Privileges of which one is enough.
type OneOf = &'static [&'static str];

const LOGIN: OneOf = &["Login"];
const COMPONENTS: OneOf = &["ConfigureComponents"];
const MANAGER: OneOf = &["ConfigureManager"];
const USERS: OneOf = &["ConfigureUsers"];
const ACCOUNT: OneOf = &["ConfigureManager", "ConfigureUsers", "ConfigureSelf"];
const PASSWORD: OneOf = &["ConfigureUsers", "ConfigureSelf"];
const MANAGER_OR_COMPONENTS: OneOf = &["ConfigureManager", "ConfigureComponents"];
const SESSION: OneOf = &["ConfigureManager", "ConfigureSelf"];

/// The account that a request comes from, as the service shows it to an administrator.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) account: u64,
    pub(super) privileges: BTreeSet<String>,
    /// It may change its password and nothing else.
    pub(super) must_change: bool,
}

/// The segments of a path below `/redfish/v1`. `None` for another path.
pub(super) fn segments(path: &str) -> Option<Vec<&str>> {
    let below = path.strip_prefix("/redfish/v1")?;
    Some(below.split('/').filter(|segment| !segment.is_empty()).collect())
}

/// HEAD needs what GET needs. (The registry asks for less at an account, whose ETag would then tell of its changes.)
fn reads(method: &str) -> bool {
    matches!(method, "GET" | "HEAD")
}

/// Whether a client may make the request without a login.
pub(super) fn is_public(method: &str, path: &str) -> bool {
    let segments = segments(path);
    match segments.as_deref() {
        None => matches!(path, "/redfish" | "/redfish/") && reads(method),
        Some([] | ["odata" | "$metadata"]) => reads(method),
        Some(["SessionService", "Sessions"] | ["SessionService", "Sessions", "Members"]) => method == "POST",
        Some(_) => false,
    }
}

/// The privileges of which one is enough for the method there.
fn enough(method: &str, segments: &[&str]) -> OneOf {
    let change = match segments {
        ["AccountService", "Accounts", _] if reads(method) => return ACCOUNT,
        ["SessionService", "Sessions", _] if reads(method) || matches!(method, "DELETE" | "OPTIONS") => {
            return SESSION;
        }
        ["Systems", _, "SecureBoot", "SecureBootDatabases", _, "Certificates", ..]
        | ["Systems", _, "VirtualMedia", _, "Certificates", ..] => return COMPONENTS,
        ["Managers", _, "NetworkProtocol", "HTTPS", "Certificates", ..]
        | ["Managers", _, "VirtualMedia", _, "Certificates", ..] => return MANAGER,
        ["AccountService", "Accounts", _, "Actions", _] => PASSWORD,
        ["AccountService"] | ["AccountService", "Accounts", ..] => USERS,
        ["EventService", "Subscriptions"] | ["EventService", "Subscriptions", "Members"]
            if method == "POST" =>
        {
            MANAGER_OR_COMPONENTS
        }
        ["AggregationService", "Aggregates", ..] => MANAGER_OR_COMPONENTS,
        ["EventService", "Subscriptions", _, ..] => SESSION,
        ["Systems", _, "VirtualMedia" | "LogServices", ..] => MANAGER,
        ["Systems", _, "Processors", _, "EnvironmentMetrics", ..] => MANAGER,
        ["Chassis", _, "Controls" | "EnvironmentMetrics" | "TrustedComponents", ..] => MANAGER,
        ["Chassis", _, "Power" | "Thermal" | "PowerSubsystem" | "ThermalSubsystem", ..] => MANAGER,
        ["Systems" | "Chassis" | "UpdateService" | "Cables", ..] => COMPONENTS,
        // Managers, sessions, roles, tasks, registries, and all that is not there.
        _ => MANAGER,
    };
    if reads(method) { LOGIN } else { change }
}

/// Whether a client may make the request. `own_session`: the path names a session of the client's account.
pub(super) fn may(client: &Client, method: &str, path: &str, own_session: bool, body: &Value) -> bool {
    if is_public(method, path) {
        return true;
    }
    let Some(segments) = segments(path) else { return false };
    let own_account =
        matches!(&*segments, ["AccountService", "Accounts", id, ..] if id.parse() == Ok(client.account));
    let own = own_account || (own_session && segments.starts_with(&["SessionService", "Sessions"]));
    // DSP0266, "Password change required handling".
    let changes_password = match &*segments {
        ["AccountService", "Accounts", _] => method == "PATCH" && sets_only_password(body),
        ["AccountService", "Accounts", _, "Actions", _] => method == "POST",
        _ => false,
    };
    if client.must_change {
        return own_account && (changes_password || (reads(method) && segments.len() == 3));
    }
    let has = |one_of: OneOf| {
        one_of.iter().any(|needed| client.privileges.contains(*needed) && (own || *needed != "ConfigureSelf"))
    };
    has(enough(method, &segments)) || (changes_password && has(PASSWORD))
}

fn sets_only_password(body: &Value) -> bool {
    let map = body.as_object();
    map.is_some_and(|map| map.keys().all(|key| key == "Password" || key.contains('@')))
}
