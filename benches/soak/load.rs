//! The clients of a soak: their requests, and the responses that they expect.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::client::{As, Client};
use crate::common::micros;

/// `SessionTimeout` of the run, seconds.
pub(crate) const SESSION_TIMEOUT_S: u64 = 60;
/// The time after which an abandoned session has ended, microseconds: its timeout and a margin for slow machines.
const SURELY_EXPIRED: u64 = (SESSION_TIMEOUT_S + 30) * 1_000_000;
const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";

const NULL: Value = Value::Null;

/// Paths of documents below a system, its chassis and its manager.
const OF_SYSTEM: [&str; 14] = [
    "",
    "",
    "",
    "",
    "/Bios",
    "/Bios/Settings",
    "/BootOptions",
    "/SecureBoot",
    "/Processors",
    "/Memory",
    "/EthernetInterfaces",
    "/SimpleStorage",
    "/Storage",
    "/VirtualMedia",
];
const OF_CHASSIS: [&str; 8] = [
    "",
    "/Power",
    "/Thermal",
    "/Sensors",
    "/PowerSubsystem/PowerSupplies",
    "/ThermalSubsystem/ThermalMetrics",
    "/NetworkAdapters",
    "/Drives",
];
const OF_MANAGER: [&str; 4] = ["", "/NetworkProtocol", "/EthernetInterfaces", "/VirtualMedia/Cd"];
const OF_ALL: [&str; 8] = [
    "/redfish/v1/AccountService/Accounts",
    "/redfish/v1/SessionService",
    "/redfish/v1/SessionService/Sessions",
    "/redfish/v1/TaskService/Tasks",
    // Each node has several, so this collection is longer than one of nodes.
    "/redfish/v1/UpdateService/FirmwareInventory?$top=50",
    "/redfish/v1/Registries",
    "/redfish/v1/JsonSchemas",
    "/redfish/v1/$metadata",
];
const COLLECTIONS: [&str; 3] = ["/redfish/v1/Systems", "/redfish/v1/Chassis", "/redfish/v1/Managers"];

/// Reads documents of any node, and pages of collections.
pub(crate) async fn read(mut client: Client) {
    while !client.world.stopped() {
        let any = client.dice.roll(client.world.systems.len());
        let system = client.world.systems[any].clone();
        match client.dice.roll(400) {
            0..200 => document(&mut client, &format!("{system}{}", OF_SYSTEM[any % 14])).await,
            200..270 => {
                let chassis = system.replace("/Systems/", "/Chassis/");
                document(&mut client, &format!("{chassis}{}", OF_CHASSIS[any % 8])).await;
            }
            270..320 => {
                let manager = system.replace("/Systems/", "/Managers/");
                document(&mut client, &format!("{manager}{}", OF_MANAGER[any % 4])).await;
            }
            320..340 => {
                let path = client.pick(&OF_ALL);
                client.expect(200, Method::GET, path, As::Admin, &NULL).await;
            }
            340..350 => {
                client.expect(200, Method::GET, "/redfish/v1/", As::Nobody, &NULL).await;
            }
            350..390 => page(&mut client, any).await,
            390..399 => {
                let query = format!("/redfish/v1/Systems?$expand=.&$top=5&$skip={any}");
                if let Some(page) = client.get(&query).await {
                    let states = page["Members"].as_array().into_iter().flatten();
                    let states = states.filter(|system| system["PowerState"].is_string()).count();
                    client.same(&query, &json!(states), &json!((client.world.systems.len() - any).min(5)));
                }
            }
            // All members of a collection as long as the fleet: a few times a minute.
            _ if client.dice.roll(20) == 0 => {
                let path = client.pick(&COLLECTIONS);
                if let Some(all) = client.get(path).await {
                    let members = all["Members"].as_array().map_or(0, Vec::len);
                    client.same(path, &json!(members), &json!(client.world.systems.len()));
                }
            }
            _ => {}
        }
    }
}

async fn document(client: &mut Client, path: &str) {
    if let Some(document) = client.get(path).await {
        client.same("@odata.id", &document["@odata.id"], &json!(path));
    }
}

async fn page(client: &mut Client, from: usize) {
    let path = client.pick(&COLLECTIONS);
    let all = client.world.systems.len();
    if let Some(page) = client.get(&format!("{path}?$top=50&$skip={from}")).await {
        client.same("the count", &page["Members@odata.count"], &json!(all));
        let uuid = client.world.uuid(from);
        client.same("the first", &page["Members"][0]["@odata.id"], &json!(format!("{path}/{uuid}")));
        let members = page["Members"].as_array().map_or(0, Vec::len);
        client.same("a page", &json!(members), &json!((all - from).min(50)));
    }
}

/// Reads systems, each over a new connection with a TLS handshake.
pub(crate) async fn come_and_go(mut client: Client) {
    while !client.world.stopped() {
        let system = client.world.systems[client.dice.roll(client.world.systems.len())].clone();
        document(&mut client, &system).await;
    }
}

/// The numbers from which the expected values of a node follow.
#[derive(Clone, Copy, Default)]
struct Entry {
    system: Option<u32>,
    bios: Option<u32>,
    media: Option<u32>,
}

const TARGETS: [&str; 3] = ["Pxe", "Hdd", "Cd"];
const LEDS: [&str; 2] = ["Lit", "Off"];
const LOGICAL: [&str; 2] = ["Enabled", "Disabled"];

fn of<'t>(from: &[&'t str], number: u32) -> &'t str {
    from[number as usize % from.len()]
}

/// Changes nodes that no other client changes, and compares them with the expected values.
pub(crate) async fn write(mut client: Client, nodes: Vec<usize>) {
    let mut book: HashMap<usize, Entry> = HashMap::new();
    let mut number = 0;
    while !client.world.stopped() {
        let node = nodes[client.dice.roll(nodes.len())];
        let system = client.world.systems[node].clone();
        let entry = book.entry(node).or_default();
        number += 1;
        match client.dice.roll(12) {
            0..=2 => {
                let boot = json!({"BootSourceOverrideTarget": of(&TARGETS, number), "BootSourceOverrideEnabled": "Continuous"});
                let body = json!({"AssetTag": format!("tag {number}"), "IndicatorLED": of(&LEDS, number), "Boot": boot});
                if client.patch(&system, &body).await {
                    entry.system = Some(number);
                }
            }
            3 => {
                let attributes =
                    json!({"LogicalProc": of(&LOGICAL, number), "ProcVirtualization": of(&LOGICAL, number)});
                if client.patch(&format!("{system}/Bios/Settings"), &json!({"Attributes": attributes})).await
                {
                    entry.bios = Some(number);
                }
            }
            4 | 5 => {
                let on = !client.world.is_on(node);
                let off = client.pick(&["ForceOff", "GracefulShutdown"]);
                power(&mut client, node, if on { "On" } else { off }).await;
            }
            6 | 7 => change_media(&mut client, &system, entry, number).await,
            8..=10 => compare(&mut client, &system, *entry).await,
            _ => make_mistakes(&mut client, &system).await,
        }
    }
}

async fn power(client: &mut Client, node: usize, kind: &str) -> bool {
    client.world.tell(node, kind == "On");
    let path = format!("{}/Actions/ComputerSystem.Reset", client.world.systems[node]);
    client.post(204, &path, &json!({"ResetType": kind})).await
}

fn slot(system: &str) -> String {
    system.replace("/Systems/", "/Managers/") + "/VirtualMedia/Cd"
}

/// Inserts an image, or ejects the image that is inserted.
async fn change_media(client: &mut Client, system: &str, entry: &mut Entry, number: u32) {
    let slot = slot(system);
    let insert = format!("{slot}/Actions/VirtualMedia.InsertMedia");
    let image = json!({"Image": client.world.image(number)});
    if entry.media.is_none() {
        if client.post(204, &insert, &image).await {
            entry.media = Some(number);
        }
    } else {
        client.post(409, &insert, &image).await;
        if client.post(204, &format!("{slot}/Actions/VirtualMedia.EjectMedia"), &json!({})).await {
            entry.media = None;
        }
    }
}

async fn compare(client: &mut Client, system: &str, entry: Entry) {
    let there = client.get(system).await;
    if let Some((there, number)) = there.zip(entry.system) {
        client.same("AssetTag", &there["AssetTag"], &json!(format!("tag {number}")));
        client.same("IndicatorLED", &there["IndicatorLED"], &json!(of(&LEDS, number)));
        let target = &there["Boot"]["BootSourceOverrideTarget"];
        client.same("BootSourceOverrideTarget", target, &json!(of(&TARGETS, number)));
    }
    if let Some(number) = entry.bios {
        // The pending settings are read first: a start between the two requests puts them into force.
        let next = client.get(&format!("{system}/Bios/Settings")).await.unwrap_or_default();
        let now = client.get(&format!("{system}/Bios")).await.unwrap_or_default();
        for name in ["LogicalProc", "ProcVirtualization"] {
            let set = &next["Attributes"][name];
            let there = if set.is_null() { &now["Attributes"][name] } else { set };
            client.same(name, there, &json!(of(&LOGICAL, number)));
        }
    }
    if let Some(there) = client.get(&slot(system)).await {
        client.same("Image", &there["Image"], &json!(entry.media.map(|number| client.world.image(number))));
    }
}

/// Requests that must be refused with the right status.
async fn make_mistakes(client: &mut Client, system: &str) {
    let reset = format!("{system}/Actions/ComputerSystem.Reset");
    client.post(400, &reset, &json!({"ResetType": "Explode"})).await;
    client.expect(400, Method::PATCH, system, As::Admin, &json!({"AssetTag": 5, "Nope": 1})).await;
    client.expect(401, Method::GET, system, As::Nobody, &NULL).await;
    client.expect(405, Method::PUT, system, As::Admin, &json!({})).await;
    let gone = "/redfish/v1/Systems/00000000-0000-0000-0000-000000000000";
    client.expect(404, Method::GET, gone, As::Admin, &NULL).await;
}

/// Opens a session, uses it and ends it; or abandons it, and checks later that it has timed out.
pub(crate) async fn log_in_and_out(mut client: Client) {
    let service = "/redfish/v1/SessionService";
    client.patch(service, &json!({"SessionTimeout": SESSION_TIMEOUT_S})).await;
    let mut left: VecDeque<(u64, String)> = VecDeque::new();
    let login = json!({"UserName": "admin", "Password": "password"});
    let wrong = json!({"UserName": "admin", "Password": "guess"});
    while !client.world.stopped() {
        if left.front().is_some_and(|(at, _)| micros() - at > SURELY_EXPIRED) {
            let (_, token) = left.pop_front().expect("the front was looked at before");
            client.expect(401, Method::GET, SESSIONS, As::Session(&token), &NULL).await;
        }
        let Some(answer) = client.expect(201, Method::POST, SESSIONS, As::Nobody, &login).await else {
            continue;
        };
        let (token, place) = (answer.header("x-auth-token"), answer.header("location"));
        for _ in 0..client.dice.roll(5) {
            let system = client.world.systems[client.dice.roll(client.world.systems.len())].clone();
            client.expect(200, Method::GET, &system, As::Session(&token), &NULL).await;
        }
        client.expect(200, Method::GET, &place, As::Session(&token), &NULL).await;
        match client.dice.roll(10) {
            0 => left.push_back((micros(), token)),
            1 => {
                client.expect(401, Method::POST, SESSIONS, As::Nobody, &wrong).await;
                client.expect(204, Method::DELETE, &place, As::Admin, &NULL).await;
            }
            _ => {
                client.expect(204, Method::DELETE, &place, As::Session(&token), &NULL).await;
                client.expect(401, Method::GET, SESSIONS, As::Session(&token), &NULL).await;
            }
        }
    }
}

/// Boots nodes from the network until `live` of them are on. From then on each boot is preceded by a power-off of the node
/// that was on longest.
pub(crate) async fn boot(mut client: Client, nodes: Vec<usize>, live: usize) {
    let mut on: VecDeque<usize> = VecDeque::new();
    let mut off: VecDeque<usize> = nodes.into();
    while !client.world.stopped() {
        if on.len() >= live.min(on.len() + off.len() - 1) {
            let node = on.pop_front().expect("some nodes are on");
            let system = client.world.systems[node].clone();
            if let Some(there) = client.get(&system).await {
                client.same("PowerState", &there["PowerState"], &json!("On"));
            }
            power(&mut client, node, "ForceOff").await;
            off.push_back(node);
        }
        let node = off.pop_front().expect("some nodes are off");
        let system = client.world.systems[node].clone();
        let pxe = json!({"Boot": {"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once"}});
        client.patch(&system, &pxe).await;
        power(&mut client, node, "On").await;
        on.push_back(node);
    }
}

/// Sends the commands of Ironic to agents that have sent a heartbeat.
pub(crate) async fn command(mut client: Client) {
    let node = json!({"uuid": "1be26c0b-03f2-4d2e-ae87-c02d7f33c123", "properties": {}, "instance_info": {}});
    let steps = json!({"node": node, "ports": []});
    let step = json!({"step": "erase_devices_metadata", "interface": "deploy", "priority": 99});
    let execute = json!({"step": step, "node": node, "ports": []});
    while !client.world.stopped() {
        let index = client.world.used[client.dice.roll(client.world.used.len())];
        let Some(agent) = client.world.agent(index) else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        let (url, token) = (agent.url, agent.token);
        let commands = format!("{url}/v1/commands/?agent_token={token}");
        let told = match client.dice.roll(8) {
            0 => {
                let status = format!("{url}/v1/status");
                asked(&mut client, index, agent.turn, Method::GET, &status, &NULL, 200).await
            }
            1 => {
                let wrong = format!("{url}/v1/commands/?agent_token=wrong");
                asked(&mut client, index, agent.turn, Method::GET, &wrong, &NULL, 401).await
            }
            2 | 3 => asked(&mut client, index, agent.turn, Method::GET, &commands, &NULL, 200).await,
            4 | 5 => {
                let name = client.pick(&["clean.get_clean_steps", "deploy.get_deploy_steps"]);
                let body = json!({"name": name, "params": steps});
                asked(&mut client, index, agent.turn, Method::POST, &commands, &body, 200).await
            }
            6 => {
                let body = json!({"name": "poll.get_hardware_info", "params": {}});
                asked(&mut client, index, agent.turn, Method::POST, &commands, &body, 200).await
            }
            _ => {
                let body = json!({"name": "clean.execute_clean_step", "params": execute});
                asked(
                    &mut client,
                    index,
                    agent.turn,
                    Method::POST,
                    &format!("{commands}&wait=true"),
                    &body,
                    200,
                )
                .await
            }
        };
        if let Some(told) = told.filter(|told| !told["command_status"].is_null()) {
            client.same("command_status", &told["command_status"], &json!("SUCCEEDED"));
        }
    }
}

/// A request to an agent. An agent whose machine was powered off meanwhile need not answer.
async fn asked(
    client: &mut Client,
    index: usize,
    turn: u32,
    method: Method,
    url: &str,
    body: &Value,
    status: u16,
) -> Option<Value> {
    let answer = client.send(method.clone(), url, As::Nobody, body).await;
    if answer.status == status {
        return Some(answer.json());
    }
    if answer.status == 0 && client.world.turn(index) != turn {
        client.world.crossed.fetch_add(1, Ordering::Relaxed);
        return None;
    }
    if answer.retry_after().is_some() {
        client.world.held.fetch_add(1, Ordering::Relaxed);
        return None;
    }
    let said = String::from_utf8_lossy(&answer.body);
    client.world.error(&format!("{method} {url} {body}: {} instead of {status}: {said}", answer.status));
    None
}
