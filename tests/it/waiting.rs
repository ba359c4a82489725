//! A client of the agent's API that waits, while another client changes the same machine by Redfish.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fauxmetal::address::Urls;
use fauxmetal::clock::Clock;
use fauxmetal::fleet::{Effects, Fleet};
use fauxmetal::ipa::Api;
use fauxmetal::node::NodeId;
use fauxmetal::node::effect::{Answer, Bootable, EffectKind};
use fauxmetal::node::ipa::{self, Beat, LookedUp, Params};
use fauxmetal::profile::built_in;
use fauxmetal::redfish::{Redfish, auth::Account};
use fauxmetal::seed::Seed;
use fauxmetal::time::SimTime;
use http::{Method, Request, StatusCode};
use serde_json::json;
use uuid::Uuid;

pub(super) const NODE: NodeId = NodeId(0);
pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn redfish_reset(redfish: &Redfish, system: Uuid, kind: &str) {
    let uri = format!("/redfish/v1/Systems/{system}/Actions/ComputerSystem.Reset");
    let request = Request::post(uri)
        .header("authorization", "Basic YWRtaW46cGFzc3dvcmQ=")
        .header("content-type", "application/json")
        .body(Bytes::from(json!({ "ResetType": kind }).to_string()))
        .unwrap();
    assert_eq!(redfish.call(&request).status(), StatusCode::NO_CONTENT);
}

/// Advances the fleet until the agent of the node serves.
pub(super) fn bring_up(fleet: &Fleet, effects: &mut Effects) {
    while !fleet.look(NODE, |node, _| node.ipa().is_some_and(ipa::Ipa::serves)).unwrap() {
        while let Ok((id, effect)) = effects.try_recv() {
            let answer = match effect.kind {
                EffectKind::ReadBoot { start } => {
                    let params = Params {
                        api_urls: ["http://ironic".into()].into(),
                        token: Some(TOKEN.into()),
                        lookup_timeout_s: 600,
                        ..Params::default()
                    };
                    Answer::BootRead { start, result: Ok(Bootable::Ipa(Box::new(params))) }
                }
                EffectKind::Ipa { start, effect: ipa::Effect::LookUp } => {
                    let (uuid, heartbeat_timeout_s) = (Uuid::from_u128(7), 300);
                    let found =
                        LookedUp::Found { uuid, token: None, heartbeat_timeout_s, md5_enabled: false };
                    Answer::Ipa { start, answer: ipa::Answer::LookedUp(found) }
                }
                EffectKind::Ipa { start, .. } => {
                    Answer::Ipa { start, answer: ipa::Answer::Beat(Beat::Accepted) }
                }
                EffectKind::OpenMedia { .. } => panic!("no media were inserted"),
                EffectKind::FetchFirmware { .. } => panic!("no firmware is updated"),
                EffectKind::FetchLicense { .. } => panic!("no license is installed"),
                EffectKind::Deliver { .. } => panic!("nobody has subscribed"),
            };
            fleet.answer(id, answer);
        }
        let next = fleet.wake_due();
        if next != SimTime::NEVER {
            fleet.clock().set(next);
            fleet.wake_due();
        }
    }
}

#[test]
fn a_waiting_client_of_an_agent_gets_its_answer_when_redfish_powers_the_machine_off() {
    let (fleet, mut effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_800_000_000_000)));
    fleet.add(&built_in("generic").unwrap(), 1).unwrap();
    let fleet = Arc::new(fleet);
    let redfish = Redfish::new(Arc::clone(&fleet), Account::new("admin", "password"));
    let agents = Api::new(Arc::clone(&fleet), Urls::Same("https://127.0.0.1:9999".into()), Vec::new());
    let system = fleet.look(NODE, |node, _| node.spec().uuid()).unwrap();
    redfish_reset(&redfish, system, "On");
    bring_up(&fleet, &mut effects);

    let node = json!({ "uuid": Uuid::from_u128(7), "properties": {}, "instance_info": {}, "driver_internal_info": {} });
    let params = json!({ "step": { "step": "burnin_cpu" }, "node": node, "ports": [] });
    let command = json!({ "name": "clean.execute_clean_step", "params": params });
    let uri = format!("/{system}/v1/commands/?wait=true&agent_token={TOKEN}");
    let request =
        Request::builder().method(Method::POST).uri(uri).body(Bytes::from(command.to_string())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let response = runtime.block_on(async {
        let power_off = async {
            // The command has begun, and its client waits.
            tokio::task::yield_now().await;
            assert!(fleet.look(NODE, |node, _| node.ipa().unwrap().job().is_some()).unwrap());
            redfish_reset(&redfish, system, "ForceOff");
        };
        // The clock of the fleet stands still, so no deadline can wake the client.
        let both = async { tokio::join!(agents.call(None, &request), power_off).0 };
        tokio::time::timeout(Duration::from_secs(10), both).await.expect("the client still waits")
    });
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "the agent is gone");
}
