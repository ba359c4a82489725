//! A receiver that is down for a while, and a client of the stream that comes back.

use serde_json::json;

use super::*;

fn all_words(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| format!("{} {}", number(event), words(event))).collect()
}

/// The events after the one with this name, up to another one.
fn between(events: &[Value], after: &str, last: &str) -> Vec<Value> {
    let at = |name| events.iter().position(|event| is_named(event, name)).unwrap();
    events[at(after) + 1..=at(last)].to_vec()
}

#[test]
fn a_receiver_that_was_down_gets_what_its_policy_says() {
    for root in [RootOf::All, RootOf::FirstNode] {
        let receiver = Receiver::start();
        let site = Site::start(root, &[]);
        site.retry_twice();
        let stream = site.stream(None);
        let subscribe = |path: &str, policy: &str| {
            site.subscribe(&receiver.url(path), &json!({"DeliveryRetryPolicy": policy}))
        };
        let suspended = subscribe("/suspended", "SuspendRetries");
        let ended = subscribe("/ended", "TerminateAfterRetries");
        let forever = subscribe("/forever", "RetryForever");
        site.submit("First");
        for path in ["/suspended", "/ended", "/forever"] {
            await_at(&receiver, path, "First");
        }

        receiver.refuse(&["/suspended", "/ended", "/forever"]);
        site.submit("Second");
        site.submit("Third");
        eventually("suspension", || site.get(&suspended)["Status"]["State"] == "Disabled");
        eventually("end of a subscription", || site.status_of(&ended) == 404);
        assert_eq!(site.get(&suspended)["Status"]["Health"], "Warning");
        for path in ["/suspended", "/ended"] {
            let refused = receiver.deliveries(path).into_iter().filter(|delivery| delivery.status == 503);
            let firsts = refused.map(|delivery| delivery.document["Events"][0]["MessageId"].clone());
            let second = json!("Lab.1.0.Second");
            assert_eq!(firsts.collect::<Vec<_>>(), vec![second; 3], "{path} {root:?}");
        }

        // Now no connection reaches it. The subscription without a last attempt goes on.
        receiver.stop();
        site.submit("Fourth");
        assert_eq!(site.get(&forever)["Status"]["State"], "Enabled");
        receiver.refuse(&[]);
        receiver.restart();
        await_at(&receiver, "/forever", "Fourth");
        eventually("good health", || site.get(&forever)["Status"]["Health"] == "OK");
        let names: Vec<_> = receiver.events("/suspended").iter().map(words).collect();
        assert!(!names.iter().any(|name| name.starts_with("Lab.Second")), "{names:?}");

        site.act(&suspended, "Resume", &json!({}));
        site.submit("Fifth");
        for path in ["/suspended", "/forever"] {
            await_at(&receiver, path, "Fifth");
            let got = between(&receiver.events(path), "First", "Fifth");
            let told = between(&stream.until("Fifth"), "First", "Fifth");
            assert_eq!(all_words(&got), all_words(&told), "{path} {root:?}");
        }
        assert_eq!(site.get(&suspended)["Status"], json!({"State": "Enabled", "Health": "OK"}));

        // What happens during a suspension is replayed only if it is young enough.
        site.act(&suspended, "Suspend", &json!({}));
        site.submit("Sixth");
        await_at(&receiver, "/forever", "Sixth");
        site.act(&suspended, "Resume", &json!({"DeliverBufferedEventDuration": "PT0S"}));
        site.submit("Seventh");
        await_at(&receiver, "/suspended", "Seventh");
        let got = between(&receiver.events("/suspended"), "Fifth", "Seventh");
        let got: Vec<_> = got.iter().map(words).collect();
        let resumed = format!("ResourceEvent.ResourceChanged {suspended}");
        assert_eq!(got, [resumed.as_str(), "Lab.Seventh"], "{root:?}");
        assert_eq!(receiver.events("/ended").last().map(words).as_deref(), Some("Lab.First"));
    }
}

#[test]
fn a_suspension_in_the_middle_of_a_request_repeats_no_event() {
    for root in [RootOf::All, RootOf::FirstNode] {
        let receiver = Receiver::start();
        let site = Site::start(root, &[]);
        let stream = site.stream(None);
        let subscription = site.subscribe(&receiver.url("/"), &json!({}));
        site.submit("First");
        await_at(&receiver, "/", "First");
        receiver.hold(true);
        site.submit("Second");
        await_at(&receiver, "/", "Second");
        site.act(&subscription, "Suspend", &json!({}));
        site.submit("Third");
        site.act(&subscription, "Resume", &json!({}));
        site.submit("Fourth");
        receiver.hold(false);
        await_at(&receiver, "/", "Fourth");
        let got = between(&receiver.events("/"), "First", "Fourth");
        let told = between(&stream.until("Fourth"), "First", "Fourth");
        assert_eq!(all_words(&got), all_words(&told), "{root:?}");
    }
}

#[test]
fn a_client_of_the_stream_that_comes_back_misses_nothing() {
    for root in [RootOf::All, RootOf::FirstNode] {
        let receiver = Receiver::start();
        let site = Site::start(root, &[]);
        let stream = site.stream(None);
        site.subscribe(&receiver.url("/"), &json!({}));
        site.submit("First");
        site.submit("Second");
        let read = stream.until("Second");
        let first = read.iter().find(|event| is_named(event, "First")).unwrap();
        drop(stream);
        site.submit("Third");
        site.write("PATCH", &site.system, &json!({"AssetTag": "rack 7"}));
        // The client has read the second event, and has seen the first one only.
        let stream = site.stream(Some(number(first)));
        site.submit("Fourth");
        let told = stream.until("Fourth");
        await_at(&receiver, "/", "Fourth");
        let pushed = between(&receiver.events("/"), "First", "Fourth");
        assert_eq!(all_words(&told), all_words(&pushed), "{root:?}");
        let changed = format!("ResourceEvent.ResourceChanged {}", site.system);
        let told: Vec<_> = told.iter().map(words).collect();
        let found = told.iter().filter(|words| words.starts_with("Lab.") || **words == changed);
        assert_eq!(found.collect::<Vec<_>>(), ["Lab.Second", "Lab.Third", changed.as_str(), "Lab.Fourth"]);

        // The number of an event that has not happened belongs to another service.
        let stream = site.stream(Some(1_000_000));
        site.submit("Fifth");
        let told = stream.until("Fifth");
        assert!(!told.iter().any(|event| is_named(event, "Fourth")), "{root:?}: {told:?}");
    }
}
