//! What ends by itself at a service root, such as a session without a request, is an event: at its moment, and once.

use super::accounts::{ADMIN, Login, Site, at_both_roots};
use super::*;
use crate::fleet::persist::{Batch, Next};
use crate::node::event::{AccountEvent, Of, What};

const START: u64 = 1_767_225_600_000;

impl Site {
    fn subscribe(&self) {
        let body = json!({"Destination": "https://receiver.example/", "Protocol": "Redfish"});
        let answer = self.send(ADMIN, "POST", "/redfish/v1/EventService/Subscriptions", &body);
        assert_eq!(answer.status, 201, "{}", answer.json);
    }

    /// Lets the clock run, and passes the deadlines.
    fn run(&mut self, ms: u64) {
        self.wait(ms);
        self.redfish.fleet.wake_due();
        self.redfish.settle(self.now);
    }

    /// The events that wait for the subscriber, each with its milliseconds since the start, without those of subscriptions.
    fn told(&self) -> Vec<(u64, What)> {
        let list = |all: &crate::node::bmc::subscriptions::Subscriptions| {
            let all = all.from(0).map(|queued| (queued.at.ms() - START, queued.what.clone()));
            all.filter(|(_, what)| !matches!(what, What::Created(Of::Subscription(_)))).collect()
        };
        match self.own {
            Some(id) => self.redfish.fleet.look(id, |node, _| list(&node.bmc().subscriptions)).unwrap(),
            None => self.redfish.events.see(list),
        }
    }
}

/// The batch of changes that is to be stored.
fn stored(site: &Site) -> Batch {
    match site.redfish.fleet.ledger().unwrap().take(Some(std::time::Duration::ZERO)) {
        Next::Write(batch) => batch,
        next => panic!("{next:?}"),
    }
}

#[test]
fn a_session_that_times_out_is_told_once_at_its_end() {
    at_both_roots(|mut site| {
        site.subscribe();
        site.send(ADMIN, "PATCH", "/redfish/v1/SessionService", &json!({"SessionTimeout": 60}));
        for _ in 0..2 {
            assert_eq!(site.log_in("admin", "password").status, 201);
        }
        let used = site.log_in("admin", "password");
        site.run(40_000);
        assert_eq!(site.get(Login::Token(used.header("X-Auth-Token")), "/redfish/v1/Systems").status, 200);
        let before = site.told();
        site.run(19_999);
        assert_eq!(site.told(), before, "it has not ended");
        site.run(30_000);
        assert_eq!(site.log_in("admin", "password").status, 201, "a login does not repeat the events");
        site.run(30_000);
        let removed = |number| What::Removed(Of::Session(number));
        let expected = [
            (60_000, removed(1)),
            (60_000, removed(2)),
            (89_999, What::Created(Of::Session(4))),
            (100_000, removed(3)),
        ];
        assert_eq!(site.told()[before.len()..], expected);
        site.send(ADMIN, "PATCH", "/redfish/v1/SessionService", &json!({"SessionTimeout": 30}));
        site.run(30_000);
        let last = site.told().split_off(before.len() + expected.len());
        assert_eq!(last.iter().filter(|(_, what)| *what == removed(4)).count(), 1, "{last:?}");
        if site.own.is_some() {
            let log = site.get(ADMIN, "/redfish/v1/Managers/1/LogServices/AuditLog/Entries").json;
            let keys = log["Members"].as_array().unwrap().iter().map(|entry| entry["MessageId"].clone());
            assert_eq!(keys.filter(|id| id == "ResourceEvent.1.4.ResourceRemoved").count(), 4);
        }
    });
}

/// The last use of a session is not stored, and a restart counts as a use. So its end has to be stored.
#[test]
fn the_end_of_a_session_is_stored() {
    at_both_roots(|site| {
        let ledger = site.redfish.fleet.persist();
        let redfish = Redfish::new(Arc::clone(&site.redfish.fleet), Account::new("admin", "password"));
        let mut site = Site { redfish, ..site };
        assert_eq!(site.log_in("admin", "password").status, 201);
        stored(&site);
        site.run(1_799_999);
        assert!(matches!(ledger.take(Some(std::time::Duration::ZERO)), Next::Nothing));
        site.run(1);
        let batch = stored(&site);
        match site.own {
            Some(id) => assert_eq!(batch.nodes, [id]),
            None => assert_eq!(batch.records, [("session/1".into(), None)]),
        }
    });
}

#[test]
fn a_lockout_and_its_end_are_told_once_each() {
    at_both_roots(|mut site| {
        let service = "/redfish/v1/AccountService";
        let rules = |seconds: u32| json!({"AccountLockoutThreshold": 2, "AccountLockoutDuration": seconds, "AccountLockoutCounterResetAfter": 5});
        assert_eq!(site.send(ADMIN, "PATCH", service, &rules(30)).status, 204);
        let ada = json!({"UserName": "ada", "Password": "lovelace1", "RoleId": "ReadOnly"});
        let created = site.send(ADMIN, "POST", &format!("{service}/Accounts"), &ada);
        let uri = created.header("Location").to_owned();
        let id: u32 = uri.rsplit('/').next().unwrap().parse().unwrap();
        site.subscribe();
        let fail = |site: &Site, user: &str, times: usize| {
            (0..times).for_each(|_| assert_eq!(site.log_in(user, "wrong").status, 401));
        };
        let told = |user: &str, id: u32, event| What::Account(id, user.into(), event);
        let (locked, expired) = (AccountEvent::Locked, AccountEvent::LockoutExpired);
        fail(&site, "ada", 1);
        assert_eq!(site.told(), [], "a failed login alone is no event");
        fail(&site, "ada", 4);
        site.run(10_000);
        fail(&site, "admin", 2);
        let first = site.told()[1].clone();
        let What::Account(admin, ..) = first.1 else { panic!("{first:?}") };
        site.run(90_000);
        fail(&site, "ada", 2);
        assert_eq!(site.send(ADMIN, "PATCH", &uri, &json!({"Locked": false})).status, 204);
        fail(&site, "ada", 2);
        site.run(10_000);
        assert_eq!(site.send(ADMIN, "PATCH", service, &rules(10)).status, 204);
        fail(&site, "ada", 2);
        assert_eq!(site.send(ADMIN, "PATCH", service, &rules(0)).status, 204);
        site.run(1_000_000);
        let expected = [
            (0, told("ada", id, locked)),
            (10_000, told("admin", admin, locked)),
            (30_000, told("ada", id, expired)),
            (40_000, told("admin", admin, expired)),
            (100_000, told("ada", id, locked)),
            (100_000, What::Changed(Of::Account(id))),
            (100_000, told("ada", id, AccountEvent::Unlocked)),
            (100_000, told("ada", id, locked)),
            (110_000, What::Changed(Of::AccountService)),
            (110_000, told("ada", id, expired)),
            (110_000, told("ada", id, locked)),
            (110_000, What::Changed(Of::AccountService)),
        ];
        let mut got = site.told();
        // The change of the rules and its effect come in either order.
        got[8..10].sort_by_key(|(_, what)| matches!(what, What::Account(..)));
        assert_eq!(got, expected);
        if site.own.is_some() {
            let log = site.get(ADMIN, "/redfish/v1/Managers/1/LogServices/AuditLog/Entries").json;
            let entries = log["Members"].as_array().unwrap();
            let message = |entry: &Value| entry["Message"].as_str().unwrap().to_owned();
            assert!(entries.iter().map(message).any(|text| {
                text == "Account 'admin' was locked due to excessive failed authorization attempts."
            }));
        }
    });
}

#[test]
fn a_root_wakes_up_only_for_what_ends_by_itself() {
    at_both_roots(|mut site| {
        let next = |site: &Site| match site.own {
            Some(id) => site.redfish.fleet.look(id, |node, _| node.next_deadline()).unwrap(),
            None => site.redfish.settle(site.now),
        };
        assert_eq!(next(&site), SimTime::NEVER, "nobody has logged in");
        let opened = site.log_in("admin", "password");
        assert_eq!(next(&site), site.now.after_ms(1_800_000));
        let token = Login::Token(opened.header("X-Auth-Token"));
        let closed = site.send(token, "DELETE", opened.header("Location"), &Value::Null);
        assert_eq!(closed.status, 204);
        // The shared root looks once at the moment when the session would have ended.
        site.run(1_800_000);
        assert_eq!(next(&site), SimTime::NEVER, "the client has logged out");
        assert_eq!(site.log_in("admin", "password").status, 201);
        let rules = json!({"AccountLockoutThreshold": 1, "AccountLockoutDuration": 30, "AccountLockoutCounterResetAfter": 30});
        assert_eq!(site.send(ADMIN, "PATCH", "/redfish/v1/AccountService", &rules).status, 204);
        assert_eq!(site.log_in("admin", "wrong").status, 401);
        assert_eq!(next(&site), site.now.after_ms(30_000));
        site.run(30_000);
        site.run(1_770_000);
        assert_eq!(next(&site), SimTime::NEVER, "the lockout and the session have ended");
    });
}
