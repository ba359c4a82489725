//! Events for subscribers: over real sockets, in order, once, also after the receiver was down.

use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::Value;

use super::*;
use crate::dmtf::DeliveryRetryPolicy;
use crate::node::bmc::subscriptions::{self, Wanted};
use crate::redfish::Redfish;
use crate::redfish::auth::Account;

/// A receiver that answers with a status that the test sets.
async fn receiver() -> (Server, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(204));
    let answers = Arc::clone(&status);
    let server = Server::start(move |_| answer(answers.load(Ordering::SeqCst), "")).await;
    (server, status)
}

/// The messages of the events in every request so far that the receiver has accepted.
fn keys(server: &Server, skip: usize) -> Vec<String> {
    let requests = server.bodies();
    let events = requests.iter().skip(skip).flat_map(|body| {
        let document: Value = serde_json::from_slice(body).unwrap();
        document["Events"].as_array().unwrap().clone()
    });
    events.map(|event| event["MessageId"].as_str().unwrap().rsplit('.').next().unwrap().to_owned()).collect()
}

fn subscribe(site: &Site, url: &str, policy: DeliveryRetryPolicy) {
    let asked = Wanted {
        destination: url.into(),
        headers: vec![("X-Token".into(), "secret".into())],
        policy: Some(policy),
        ..Wanted::default()
    };
    site.apply(Command::Event(subscriptions::Command::Subscribe { asked: Box::new(asked), most: 1 }));
}

impl Site {
    /// Performs the next effect, which must deliver events.
    async fn deliver(&mut self) {
        let next = self.next();
        assert_eq!(next.kind, EffectKind::Deliver { subscription: 1 });
        self.runner.perform(self.id, next).await;
    }
}

#[tokio::test]
async fn events_are_delivered_in_order_and_once() {
    let (server, _) = receiver().await;
    let mut site = Site::new(settings());
    subscribe(&site, &server.url("/events"), DeliveryRetryPolicy::RetryForever);
    site.apply(Command::Host(host::Command::Reset(ResetType::On)));
    site.deliver().await;
    assert_eq!(keys(&server, 0), ["ResourceCreated", "ResourcePoweringOn"]);
    let request = server.last();
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/events"));
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_eq!(request.headers()["x-token"], "secret");
    site.deliver().await;
    site.deliver().await;
    assert_eq!(keys(&server, 1), ["ResourcePoweredOn", "ResourceSelfTestCompleted"]);
}

#[tokio::test]
async fn a_receiver_that_was_down_gets_everything_in_order() {
    let (server, status) = receiver().await;
    let mut site = Site::new(settings());
    subscribe(&site, &server.url("/"), DeliveryRetryPolicy::RetryForever);
    status.store(500, Ordering::SeqCst);
    site.apply(Command::Host(host::Command::Reset(ResetType::On)));
    site.deliver().await;
    site.apply(Command::Host(host::Command::Reset(ResetType::ForceOff)));
    status.store(200, Ordering::SeqCst);
    let before = server.requests().len();
    let asked_at = site.fleet.clock().now();
    site.deliver().await;
    assert_eq!(site.fleet.clock().now().since_ms(asked_at), 30_000, "DeliveryRetryIntervalSeconds");
    let all = keys(&server, before);
    assert_eq!(all, ["ResourceCreated", "ResourcePoweringOn", "ResourcePoweringOff", "ResourcePoweredOff"]);
}

#[tokio::test]
async fn a_subscription_ends_or_is_suspended_after_its_retries() {
    for (policy, left) in [
        (DeliveryRetryPolicy::TerminateAfterRetries, None),
        (DeliveryRetryPolicy::SuspendRetries, Some(true)),
    ] {
        let (server, status) = receiver().await;
        status.store(503, Ordering::SeqCst);
        let mut site = Site::new(settings());
        subscribe(&site, &server.url("/"), policy);
        for _ in 0..4 {
            site.deliver().await;
        }
        let suspended = site.look(|node| node.bmc().subscriptions.get(1).map(|found| found.suspended));
        assert_eq!((suspended, server.requests().len()), (left, 4), "{policy:?}");
    }
}

#[tokio::test]
async fn the_egress_rules_apply() {
    let (server, _) = receiver().await;
    let elsewhere = Settings { egress: vec![Network::parse("192.0.2.0/24").unwrap()], ..settings() };
    let mut site = Site::new(elsewhere);
    subscribe(&site, &server.url("/"), DeliveryRetryPolicy::RetryForever);
    site.deliver().await;
    assert_eq!(server.requests().len(), 0, "nothing was sent to a forbidden address");
}

#[tokio::test]
async fn the_events_of_all_nodes_reach_a_subscriber_of_the_shared_root() {
    let (server, status) = receiver().await;
    let site = Site::new(settings());
    let redfish = Arc::new(Redfish::new(Arc::clone(&site.fleet), Account::new("admin", "password")));
    let body =
        json!({"Destination": server.url("/"), "Protocol": "Redfish", "DeliveryRetryPolicy": "RetryForever"});
    let request = http::Request::post("/redfish/v1/EventService/Subscriptions");
    let request = request.header("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=");
    assert_eq!(redfish.call(&request.body(body.to_string().into()).unwrap()).status(), 201);
    let runner = Arc::new(site.runner);
    let task = tokio::spawn(Arc::clone(&runner).deliver_shared(Arc::clone(&redfish)));
    status.store(500, Ordering::SeqCst);
    for id in 0..3 {
        site.fleet.apply(NodeId(id), Command::Host(host::Command::Reset(ResetType::On))).unwrap().unwrap();
    }
    while server.requests().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    status.store(200, Ordering::SeqCst);
    let failed = server.requests().len();
    redfish.events.until_idle().await;
    site.fleet.clock().set(site.fleet.clock().now().after_ms(31_000));
    redfish.settle(site.fleet.clock().now());
    let expected = ["ResourceCreated", "ResourcePoweringOn", "ResourcePoweringOn", "ResourcePoweringOn"];
    while !keys(&server, failed).ends_with(&expected.map(str::to_owned)) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    task.abort();
}
