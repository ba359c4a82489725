//! Who may do what: the answers of every resource to every method, by role. `tests/it/snapshots/privileges/MODEL.snap` holds the
//! table of each model as a person has reviewed it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fauxmetal::clock::Clock;
use fauxmetal::fleet::Fleet;
use fauxmetal::node::NodeId;
use fauxmetal::profile::{built_in, built_in_names};
use fauxmetal::redfish::Redfish;
use fauxmetal::redfish::auth::Account;
use fauxmetal::seed::Seed;
use fauxmetal::time::SimTime;
use http::Request;
use serde_json::Value;

use super::reviewed::{ACCEPT, compare, folder};

const PASSWORD: &str = "a-password";
/// The clients that ask, with the first letters of their columns.
const ROLES: [&str; 4] = ["nobody", "ReadOnly", "Operator", "Administrator"];
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"];

/// The root of the BMC of one node, with an account for each role.
fn service(model: &str) -> Redfish {
    let (fleet, _) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_225_600_000)));
    fleet.add(&built_in(model).unwrap(), 1).unwrap();
    let redfish = Redfish::new(Arc::new(fleet), Account::new("Administrator", PASSWORD));
    for role in ["ReadOnly", "Operator"] {
        let body = format!(r#"{{"UserName": "{role}", "Password": "{PASSWORD}", "RoleId": "{role}"}}"#);
        let uri = "/redfish/v1/AccountService/Accounts";
        assert_eq!(status(&redfish, "Administrator", "POST", uri, &body), 201, "{role}");
    }
    redfish
}

/// The status of a request. No request can change anything: each has a condition that no resource meets, or an empty body.
fn status(redfish: &Redfish, role: &str, method: &str, uri: &str, body: &str) -> u16 {
    let mut request = Request::builder().method(method).uri(uri);
    if role != "nobody" {
        let pair = STANDARD.encode(format!("{role}:{PASSWORD}"));
        request = request.header("Authorization", format!("Basic {pair}"));
    }
    if matches!(method, "PATCH" | "DELETE") {
        request = request.header("If-Match", "\"another document\"");
    }
    let request = request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
    redfish.call_own(NodeId(0), |_| true, &request).unwrap().status().as_u16()
}

/// The URIs of all resources and of the targets of their actions.
fn uris(redfish: &Redfish) -> Vec<String> {
    let admin = |uri: &str| {
        let pair = STANDARD.encode(format!("Administrator:{PASSWORD}"));
        let request = Request::get(uri).header("Authorization", format!("Basic {pair}"));
        let request = request.body(Bytes::new()).unwrap();
        redfish.call_own(NodeId(0), |_| true, &request).unwrap()
    };
    let (mut todo, mut uris) = (vec!["/redfish/v1".to_owned()], Vec::new());
    while let Some(uri) = todo.pop() {
        if uris.contains(&uri) {
            continue;
        }
        let document: Value = serde_json::from_slice(admin(&uri).body()).unwrap_or_default();
        links(&document, &mut |link| todo.push(link.to_owned()));
        uris.push(uri);
    }
    uris.sort();
    uris
}

fn links(value: &Value, each: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| match inner {
            Value::String(link) if matches!(key.as_str(), "@odata.id" | "target") && !link.contains('#') => {
                each(link);
            }
            inner => links(inner, each),
        }),
        Value::Array(items) => items.iter().for_each(|item| links(item, each)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The answers of a resource: for each method, the status for each of [`ROLES`].
fn row(redfish: &Redfish, uri: &str) -> String {
    let mut row = String::new();
    for method in METHODS {
        let body = if matches!(method, "POST" | "PATCH" | "PUT") { r#"{"Nope": 0}"# } else { "" };
        let answers = ROLES.map(|role| status(redfish, role, method, uri, body));
        // 405 for everybody who has logged in: the resource does not have the method.
        if answers[1..] == [405; 3] {
            continue;
        }
        let answers = answers.map(|status| status.to_string()).join(" ");
        let _ = write!(row, "  {method} {answers}");
    }
    row
}

/// The table of a model: equal members of a collection are one line.
fn table(model: &str) -> String {
    let redfish = service(model);
    let mut table = format!("Statuses for {}\n", ROLES.join(", "));
    let mut groups: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for uri in uris(&redfish) {
        let (parent, id) = uri.rsplit_once('/').unwrap();
        groups.entry((parent.to_owned(), row(&redfish, &uri))).or_default().push(id.to_owned());
    }
    for ((parent, row), ids) in groups {
        let _ = writeln!(table, "{parent}/{}\n   {row}", ids.join(","));
    }
    table
}

#[test]
fn a_client_without_the_privilege_gets_403_and_no_resource_is_open_to_everybody() {
    for model in built_in_names() {
        let redfish = service(model);
        for uri in uris(&redfish) {
            let public = matches!(&*uri, "/redfish/v1" | "/redfish/v1/odata");
            for method in METHODS {
                let answer = status(&redfish, "nobody", method, &uri, r#"{"Nope": 0}"#);
                let login = method == "POST" && uri.starts_with("/redfish/v1/SessionService/Sessions");
                let reads = matches!(method, "GET" | "HEAD");
                assert!(answer == 401 || login || (public && reads), "{method} {uri}: {answer}");
                if matches!(method, "PATCH" | "DELETE" | "PUT") {
                    let answer = status(&redfish, "ReadOnly", method, &uri, r#"{"Nope": 0}"#);
                    let own = uri.starts_with("/redfish/v1/AccountService/Accounts/");
                    assert!([403, 405].contains(&answer) || own, "{method} {uri}: {answer}");
                }
            }
        }
    }
}

#[test]
fn the_table_of_each_model_is_as_reviewed() {
    let tables = built_in_names().into_iter().map(|model| (model.to_owned(), table(model))).collect();
    let mut wrong = Vec::new();
    compare(&folder("privileges"), &tables, &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}\n{ACCEPT}");
}
