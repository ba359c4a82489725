//! Accounts, roles and privileges: at the root that all nodes share, and at the root of one BMC.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::super::Redfish;
use super::super::auth::Account;
use super::Answer;
use crate::clock::Clock;
use crate::fleet::Fleet;
use crate::node::NodeId;
use crate::profile::accounts::AccountRules;
use crate::profile::{Profile, built_in};
use crate::seed::Seed;
use crate::time::SimTime;

const ACCOUNTS: &str = "/redfish/v1/AccountService/Accounts";
const ROLES: &str = "/redfish/v1/AccountService/Roles";
pub(super) const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";
pub(super) const ADMIN: Login<'_> = Login::Basic("admin", "password");
const ADA: Login<'_> = Login::Basic("ada", "lovelace1");

#[derive(Clone, Copy)]
pub(super) enum Login<'a> {
    None,
    Basic(&'a str, &'a str),
    Token(&'a str),
}

pub(super) struct Site {
    pub(super) redfish: Redfish,
    /// The node that the root belongs to.
    pub(super) own: Option<NodeId>,
    pub(super) now: SimTime,
}

impl Answer {
    /// The messages of an error, or of a document that has some.
    fn messages(&self) -> Vec<&str> {
        let info = self.json.get("error").unwrap_or(&self.json)["@Message.ExtendedInfo"].as_array();
        let ids = info.map_or(&[][..], Vec::as_slice).iter();
        ids.map(|m| m["MessageId"].as_str().unwrap().trim_start_matches("Base.1.22.")).collect()
    }
}

impl Site {
    fn new(profile: Profile, is_own: bool) -> Self {
        let now = SimTime::from_ms(1_767_225_600_000);
        let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(now));
        fleet.add(&std::sync::Arc::new(profile), 1).unwrap();
        let redfish = Redfish::new(std::sync::Arc::new(fleet), Account::new("admin", "password"));
        Self { redfish, own: is_own.then_some(NodeId(0)), now }
    }

    fn generic() -> Profile {
        (*built_in("generic").unwrap()).clone()
    }

    pub(super) fn send(&self, login: Login<'_>, method: &str, uri: &str, body: &Value) -> Answer {
        self.send_with(login, method, uri, &[], body)
    }

    fn send_with(
        &self,
        login: Login<'_>,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match login {
            Login::None => {}
            Login::Basic(user, password) => {
                let pair = STANDARD.encode(format!("{user}:{password}"));
                request = request.header("Authorization", format!("Basic {pair}"));
            }
            Login::Token(token) => request = request.header("X-Auth-Token", token),
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = request.body(Bytes::from(body)).unwrap();
        let response = match self.own {
            Some(id) => self.redfish.call_own(id, |_| true, &request).unwrap(),
            None => self.redfish.call(&request),
        };
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            json: serde_json::from_slice(response.body()).unwrap_or(Value::Null),
        }
    }

    pub(super) fn get(&self, login: Login<'_>, uri: &str) -> Answer {
        self.send(login, "GET", uri, &Value::Null)
    }

    /// Creates ada's account. Returns its URI.
    fn add_ada(&self, role: &str) -> String {
        let body = json!({"UserName": "ada", "Password": "lovelace1", "RoleId": role});
        let created = self.send(ADMIN, "POST", ACCOUNTS, &body);
        assert_eq!((created.status, &created.json["RoleId"]), (201, &json!(role)), "{}", created.json);
        let uri = created.header("Location").to_owned();
        assert_eq!(created.json["@odata.id"], uri.as_str());
        uri
    }

    pub(super) fn log_in(&self, user: &str, password: &str) -> Answer {
        self.send(Login::None, "POST", SESSIONS, &json!({"UserName": user, "Password": password}))
    }

    pub(super) fn wait(&mut self, ms: u64) {
        self.now = self.now.after_ms(ms);
        self.redfish.fleet.clock().set(self.now);
    }
}

/// Runs a test at both kinds of roots.
pub(super) fn at_both_roots(test: impl Fn(Site)) {
    for is_own in [false, true] {
        test(Site::new(Site::generic(), is_own));
    }
}

#[test]
fn an_account_is_created_used_changed_and_deleted() {
    at_both_roots(|site| {
        let uri = site.add_ada("Operator");
        let names = |login| {
            let list = site.get(login, ACCOUNTS).json;
            (list["Members@odata.count"].clone(), list["Members"][1]["@odata.id"].clone())
        };
        assert_eq!(names(ADMIN), (json!(2), json!(uri)));
        assert_eq!(names(ADA), names(ADMIN));
        assert_eq!(site.get(Login::Basic("ada", "wrong"), ACCOUNTS).status, 401);
        let again = json!({"UserName": "ada", "Password": "lovelace2", "RoleId": "ReadOnly"});
        let refused = site.send(ADMIN, "POST", ACCOUNTS, &again);
        assert_eq!((refused.status, refused.messages()), (409, vec!["ResourceAlreadyExists"]));
        let tag = site.get(ADMIN, &uri).header("ETag").to_owned();
        let change = json!({"UserName": "byron", "RoleId": "Administrator"});
        assert_eq!(site.send(ADMIN, "PATCH", &uri, &change).status, 204);
        assert_eq!(site.get(ADA, ACCOUNTS).status, 401);
        let byron = Login::Basic("byron", "lovelace1");
        assert_eq!(site.get(byron, &uri).json["UserName"], "byron");
        let password = json!({"Password": "lovelace2"});
        let renamed = site.get(ADMIN, &uri).header("ETag").to_owned();
        assert_ne!(renamed, tag);
        assert_eq!(site.send(ADMIN, "PATCH", &uri, &password).status, 204);
        assert_ne!(site.get(ADMIN, &uri).header("ETag"), renamed, "a new password is a change");
        assert_eq!(site.get(byron, &uri).status, 401);
        assert_eq!(site.send(ADMIN, "DELETE", &uri, &Value::Null).status, 204);
        assert_eq!(site.get(ADMIN, &uri).status, 404);
        assert_eq!(site.get(Login::Basic("byron", "lovelace2"), ACCOUNTS).status, 401);
    });
}

#[test]
fn an_id_is_not_used_again() {
    at_both_roots(|site| {
        let first = site.add_ada("ReadOnly");
        assert_eq!(site.send(ADMIN, "DELETE", &first, &Value::Null).status, 204);
        assert_ne!(site.add_ada("ReadOnly"), first);
    });
}

#[test]
fn a_body_without_what_an_account_needs_is_refused_and_no_password_is_repeated() {
    at_both_roots(|site| {
        let bodies = [
            (json!({"UserName": "ada", "RoleId": "ReadOnly"}), vec!["PropertyMissing"]),
            (
                json!({"UserName": "ada", "Password": "tiny-1", "RoleId": "Root"}),
                vec!["PropertyValueError", "PropertyValueNotInList"],
            ),
            (
                json!({"UserName": "a:b", "Password": "lovelace1", "RoleId": "ReadOnly"}),
                vec!["PropertyValueFormatError"],
            ),
            (
                json!({"UserName": "ada", "Password": "lovelace1", "RoleId": "ReadOnly", "Locked": true}),
                vec!["PropertyValueNotInList"],
            ),
        ];
        for (body, expected) in bodies {
            let answer = site.send(ADMIN, "POST", ACCOUNTS, &body);
            assert_eq!((answer.status, answer.messages()), (400, expected), "{body}");
            assert!(!answer.json.to_string().contains("tiny-1"), "{}", answer.json);
        }
        assert_eq!(site.get(ADMIN, ACCOUNTS).json["Members@odata.count"], 1);
    });
}

#[test]
fn the_first_account_can_be_changed_too_but_one_administrator_stays() {
    at_both_roots(|site| {
        let first = format!("{ACCOUNTS}/1");
        for (body, property) in
            [(json!({"Enabled": false}), "Enabled"), (json!({"RoleId": "ReadOnly"}), "RoleId")]
        {
            let refused = site.send(ADMIN, "PATCH", &first, &body);
            assert_eq!((refused.status, refused.messages()), (400, vec!["PropertyValueConflict"]));
            assert!(refused.json.to_string().contains(&format!("#/{property}")), "{}", refused.json);
        }
        let refused = site.send(ADMIN, "DELETE", &first, &Value::Null);
        assert_eq!((refused.status, refused.messages()), (409, vec!["ResourceCannotBeDeleted"]));
        assert_eq!(site.send(ADMIN, "PATCH", &first, &json!({"Password": "new-password"})).status, 204);
        assert_eq!(site.get(ADMIN, &first).status, 401);
        let admin = Login::Basic("admin", "new-password");
        assert_eq!(site.send(admin, "PATCH", &first, &json!({"UserName": "root"})).status, 204);
        let root = Login::Basic("root", "new-password");
        assert_eq!(site.get(root, &first).json["UserName"], "root");
        let ada = json!({"UserName": "ada", "Password": "lovelace1", "RoleId": "Administrator"});
        assert_eq!(site.send(root, "POST", ACCOUNTS, &ada).status, 201);
        assert_eq!(site.send(ADA, "DELETE", &first, &Value::Null).status, 204);
        assert_eq!(site.get(root, &first).status, 401);
    });
}

#[test]
fn a_role_decides_what_an_account_may_do() {
    at_both_roots(|site| {
        site.add_ada("Operator");
        let systems = site.get(ADMIN, "/redfish/v1/Systems").json;
        let system = systems["Members"][0]["@odata.id"].as_str().unwrap();
        let patch = json!({"AssetTag": "x"});
        assert_eq!(site.send(ADA, "PATCH", system, &patch).status, 204, "an operator sets components");
        let service = "/redfish/v1/SessionService";
        let refused = site.send(ADA, "PATCH", service, &json!({"SessionTimeout": 60}));
        assert_eq!((refused.status, refused.messages()), (403, vec!["InsufficientPrivilege"]));
        assert_eq!(site.get(ADMIN, service).json["SessionTimeout"], 1800, "nothing has changed");
        assert_eq!(site.get(ADA, &format!("{ACCOUNTS}/1")).status, 403);
        assert_eq!(site.send(ADA, "POST", ACCOUNTS, &json!({})).status, 403);
        assert_eq!(site.send(ADA, "PUT", system, &json!({})).status, 405);
        let account = site.get(ADA, ACCOUNTS).json["Members"][1]["@odata.id"].as_str().unwrap().to_owned();
        assert_eq!(site.send(ADMIN, "PATCH", &account, &json!({"RoleId": "ReadOnly"})).status, 204);
        assert_eq!(site.send(ADA, "PATCH", system, &patch).status, 403);
        assert_eq!(site.get(ADA, system).status, 200);
    });
}

#[test]
fn an_operator_begins_a_task_and_only_an_administrator_ends_it() {
    at_both_roots(|site| {
        site.add_ada("Operator");
        let inventory = site.get(ADA, "/redfish/v1/UpdateService/FirmwareInventory").json;
        let target = &inventory["Members"][0]["@odata.id"];
        let body = json!({"ImageURI": "http://images.example/BIOS_2.5.0.bin", "Targets": [target]});
        let action = "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate";
        let begun = site.send(ADA, "POST", action, &body);
        let monitor = begun.header("Location");
        let task = monitor.replace("TaskMonitors", "Tasks");
        assert_eq!(
            (begun.status, site.get(ADA, monitor).status, site.get(ADA, &task).status),
            (202, 202, 200)
        );
        for uri in [monitor, &task] {
            let refused = site.send(ADA, "DELETE", uri, &Value::Null);
            assert_eq!((refused.status, refused.messages()), (403, vec!["InsufficientPrivilege"]), "{uri}");
        }
        assert_eq!(site.send(ADMIN, "DELETE", &task, &Value::Null).status, 204);
        assert_eq!(site.get(ADA, &task).json["TaskState"], "Cancelled");
    });
}

#[test]
fn an_expansion_shows_what_the_client_may_read() {
    at_both_roots(|site| {
        let own = site.add_ada("ReadOnly");
        let members = site.get(ADA, &format!("{ACCOUNTS}?$expand=.")).json["Members"].clone();
        assert_eq!(members[0], json!({"@odata.id": format!("{ACCOUNTS}/1")}), "another account stays a link");
        assert_eq!((&members[1]["@odata.id"], &members[1]["UserName"]), (&json!(own), &json!("ada")));
    });
}

#[test]
fn an_account_changes_its_own_password_and_nothing_else_of_itself() {
    at_both_roots(|site| {
        let own = site.add_ada("ReadOnly");
        let refused =
            site.send(ADA, "PATCH", &own, &json!({"Password": "lovelace2", "RoleId": "Administrator"}));
        assert_eq!((refused.status, refused.messages()), (403, vec!["InsufficientPrivilege"]));
        assert_eq!(
            site.send(ADA, "PATCH", &format!("{ACCOUNTS}/1"), &json!({"Password": "lovelace2"})).status,
            403
        );
        assert_eq!(site.send(ADA, "DELETE", &own, &Value::Null).status, 403);
        assert_eq!(site.send(ADA, "PATCH", &own, &json!({"Password": "lovelace2"})).status, 204);
        let ada = Login::Basic("ada", "lovelace2");
        let action = format!("{own}/Actions/ManagerAccount.ChangePassword");
        let wrong = json!({"SessionAccountPassword": "lovelace1", "NewPassword": "lovelace3"});
        let refused = site.send(ada, "POST", &action, &wrong);
        assert_eq!((refused.status, refused.messages()), (400, vec!["ActionParameterValueError"]));
        let right = json!({"SessionAccountPassword": "lovelace2", "NewPassword": "lovelace3"});
        assert_eq!(site.send(ada, "POST", &action, &right).status, 204);
        assert_eq!(site.get(Login::Basic("ada", "lovelace3"), &own).status, 200);
    });
}

#[test]
fn sessions_end_with_the_right_to_log_in() {
    at_both_roots(|site| {
        let uri = site.add_ada("Operator");
        let ends: [(&str, Value); 3] = [
            ("PATCH", json!({"Password": "lovelace1"})),
            ("PATCH", json!({"Enabled": false})),
            ("DELETE", Value::Null),
        ];
        for (method, body) in ends {
            let opened = site.log_in("ada", "lovelace1");
            assert_eq!(opened.status, 201, "{method} {body}");
            let token = opened.header("X-Auth-Token").to_owned();
            assert_eq!(site.get(Login::Token(&token), SESSIONS).status, 200);
            assert_eq!(site.send(ADMIN, method, &uri, &body).status, 204);
            assert_eq!(site.get(Login::Token(&token), SESSIONS).status, 401, "{method} {body}");
            if body["Enabled"] == false {
                assert_eq!(site.log_in("ada", "lovelace1").status, 401);
                assert_eq!(site.send(ADMIN, "PATCH", &uri, &json!({"Enabled": true})).status, 204);
            }
        }
    });
}

#[test]
fn a_session_belongs_to_its_account() {
    at_both_roots(|site| {
        site.add_ada("ReadOnly");
        let (other, own) = (site.log_in("admin", "password"), site.log_in("ada", "lovelace1"));
        let (other, own) = (other.header("Location"), own.header("Location"));
        assert_eq!((site.get(ADA, own).status, site.get(ADA, other).status), (200, 403));
        assert_eq!(site.get(ADMIN, own).json["UserName"], "ada");
        assert_eq!(site.send(ADA, "DELETE", other, &Value::Null).status, 403);
        assert_eq!(site.send(ADA, "DELETE", own, &Value::Null).status, 204);
    });
}

#[test]
fn a_password_that_must_be_changed_allows_nothing_else() {
    at_both_roots(|site| {
        let own = site.add_ada("Administrator");
        assert_eq!(site.send(ADMIN, "PATCH", &own, &json!({"PasswordChangeRequired": true})).status, 204);
        let opened = site.log_in("ada", "lovelace1");
        assert_eq!((opened.status, opened.messages()), (201, vec!["PasswordChangeRequired"]));
        let token = opened.header("X-Auth-Token").to_owned();
        for login in [ADA, Login::Token(&token)] {
            let refused = site.get(login, SESSIONS);
            assert_eq!((refused.status, refused.messages()), (403, vec!["PasswordChangeRequired"]));
            assert!(refused.json.to_string().contains(&own), "the message names the account");
            assert_eq!(site.get(login, &own).json["PasswordChangeRequired"], true);
            assert_eq!(site.send(login, "PATCH", &own, &json!({"RoleId": "ReadOnly"})).status, 403);
        }
        assert_eq!(site.send(ADA, "PATCH", &own, &json!({"Password": "lovelace2"})).status, 204);
        let ada = Login::Basic("ada", "lovelace2");
        assert_eq!(site.get(ada, &own).json["PasswordChangeRequired"], false);
        assert_eq!(site.get(ada, SESSIONS).status, 200);
    });
}

#[test]
fn a_password_expires() {
    at_both_roots(|mut site| {
        assert_eq!(
            site.send(ADMIN, "PATCH", "/redfish/v1/AccountService", &json!({"PasswordExpirationDays": 2}))
                .status,
            204
        );
        let own = site.add_ada("ReadOnly");
        site.wait(2 * 86_400_000 - 1);
        assert_eq!(site.get(ADA, SESSIONS).status, 200);
        site.wait(1);
        assert_eq!(site.get(ADA, SESSIONS).messages(), ["PasswordChangeRequired"]);
        assert_eq!(site.send(ADA, "PATCH", &own, &json!({"Password": "lovelace2"})).status, 204);
        assert_eq!(site.get(Login::Basic("ada", "lovelace2"), SESSIONS).status, 200);
        assert_eq!(site.get(ADMIN, SESSIONS).status, 200, "the password of the settings does not expire");
    });
}

#[test]
fn failed_logins_lock_an_account_for_a_while() {
    at_both_roots(|mut site| {
        let own = site.add_ada("ReadOnly");
        for _ in 0..10 {
            assert_eq!(site.get(Login::Basic("ada", "wrong"), SESSIONS).status, 401);
        }
        assert_eq!(site.get(ADA, SESSIONS).status, 200, "without a threshold, no account is locked");
        let rules = json!({
            "AccountLockoutThreshold": 3, "AccountLockoutDuration": 30, "AccountLockoutCounterResetAfter": 10
        });
        assert_eq!(site.send(ADMIN, "PATCH", "/redfish/v1/AccountService", &rules).status, 204);
        let fail = |site: &Site| assert_eq!(site.log_in("ada", "wrong").status, 401);
        fail(&site);
        fail(&site);
        site.wait(10_000);
        fail(&site);
        assert_eq!(site.get(ADA, SESSIONS).status, 200, "the first two are forgotten");
        (0..3).for_each(|_| fail(&site));
        assert_eq!(site.get(ADA, SESSIONS).status, 401);
        assert_eq!(site.get(ADMIN, &own).json["Locked"], true);
        site.wait(29_999);
        assert_eq!(site.get(ADA, SESSIONS).status, 401);
        site.wait(1);
        assert_eq!(site.get(ADA, SESSIONS).status, 200);
        (0..3).for_each(|_| fail(&site));
        assert_eq!(site.send(ADMIN, "PATCH", &own, &json!({"Locked": false})).status, 204);
        assert_eq!(site.get(ADA, SESSIONS).status, 200);
    });
}

#[test]
fn rules_that_contradict_each_other_are_refused() {
    at_both_roots(|site| {
        let service = "/redfish/v1/AccountService";
        for body in [
            json!({"MinPasswordLength": 20, "MaxPasswordLength": 10}),
            json!({"AccountLockoutCounterResetAfter": 61}),
        ] {
            let refused = site.send(ADMIN, "PATCH", service, &body);
            assert_eq!((refused.status, refused.messages()), (400, vec!["PropertyValueConflict"]), "{body}");
        }
        assert_eq!(site.send(ADMIN, "PATCH", service, &json!({"MinPasswordLength": 12})).status, 204);
        let body = json!({"UserName": "ada", "Password": "lovelace1", "RoleId": "ReadOnly"});
        assert_eq!(site.send(ADMIN, "POST", ACCOUNTS, &body).messages(), ["PropertyValueError"]);
    });
}

#[test]
fn a_role_of_a_client_has_the_privileges_that_it_is_given() {
    at_both_roots(|site| {
        let role = json!({"RoleId": "Auditor", "AssignedPrivileges": ["Login", "ConfigureUsers"]});
        let created = site.send(ADMIN, "POST", ROLES, &role);
        assert_eq!((created.status, &created.json["IsPredefined"]), (201, &json!(false)));
        assert_eq!(site.send(ADMIN, "POST", ROLES, &role).messages(), ["ResourceAlreadyExists"]);
        let own = site.add_ada("Auditor");
        assert_eq!(site.get(ADA, &format!("{ACCOUNTS}/1")).status, 200);
        let uri = format!("{ROLES}/Auditor");
        assert_eq!(site.send(ADMIN, "DELETE", &uri, &Value::Null).messages(), ["ResourceCannotBeDeleted"]);
        assert_eq!(site.send(ADMIN, "PATCH", &uri, &json!({"AssignedPrivileges": ["Login"]})).status, 204);
        assert_eq!(site.get(ADA, &format!("{ACCOUNTS}/1")).status, 403);
        assert_eq!(site.send(ADMIN, "DELETE", &own, &Value::Null).status, 204);
        assert_eq!(site.send(ADMIN, "DELETE", &uri, &Value::Null).status, 204);
        assert_eq!(site.get(ADMIN, &uri).status, 404);
        let predefined = format!("{ROLES}/Operator");
        for (method, body) in [("PATCH", json!({"AssignedPrivileges": ["Login"]})), ("DELETE", Value::Null)] {
            let refused = site.send(ADMIN, method, &predefined, &body);
            assert_eq!((refused.status, refused.messages()), (400, vec!["RestrictedRole"]));
        }
        let wrong = json!({"RoleId": "a/b", "AssignedPrivileges": ["Fly"]});
        let refused = site.send(ADMIN, "POST", ROLES, &wrong);
        assert_eq!(refused.messages(), ["PropertyValueFormatError", "PropertyValueNotInList"]);
    });
}

#[test]
fn a_model_with_slots_has_as_many_members_and_a_patch_fills_one() {
    let rules = AccountRules { slots: Some(4), first: 2, ..AccountRules::DEFAULT };
    let site = Site::new(Profile { accounts: rules, ..Site::generic() }, true);
    let users = || {
        let user = |n: u32| site.get(ADMIN, &format!("{ACCOUNTS}/{n}")).json["UserName"].clone();
        [user(1), user(2), user(3), user(4)]
    };
    assert_eq!(site.get(ADMIN, ACCOUNTS).json["Members@odata.count"], 4);
    assert_eq!(users(), ["", "admin", "", ""]);
    let slot = format!("{ACCOUNTS}/3");
    let half = site.send(ADMIN, "PATCH", &slot, &json!({"UserName": "ada"}));
    assert_eq!((half.status, half.messages()), (400, vec!["PropertyMissing"]));
    let ada = json!({"UserName": "ada", "Password": "lovelace1", "RoleId": "Operator", "Enabled": true});
    let filled = site.send(ADMIN, "PATCH", &slot, &ada);
    assert_eq!((filled.status, &filled.json["UserName"]), (200, &json!("ada")));
    assert_eq!(filled.header("ETag"), site.get(ADMIN, &slot).header("ETag"));
    assert_eq!(users(), ["", "admin", "ada", ""]);
    assert_eq!(site.get(ADA, &slot).json["RoleId"], "Operator");
    assert_eq!(site.add_second(), format!("{ACCOUNTS}/1"));
    let clear = json!({"UserName": "", "Enabled": false});
    assert_eq!(site.send(ADMIN, "PATCH", &slot, &clear).status, 204);
    assert_eq!(users(), ["bob", "admin", "", ""]);
    assert_eq!(site.get(ADA, &slot).status, 401);
    let empty = site.get(ADMIN, &slot);
    let headers = [("Prefer", "return=minimal"), ("If-Match", empty.header("ETag"))];
    let filled = site.send_with(ADMIN, "PATCH", &slot, &headers, &ada);
    assert_eq!((filled.status, filled.header("Preference-Applied")), (204, "return=minimal"));
    assert_eq!(users(), ["bob", "admin", "ada", ""]);
}

impl Site {
    /// Creates another account by POST. Returns its URI.
    fn add_second(&self) -> String {
        let body = json!({"UserName": "bob", "Password": "builder-1", "RoleId": "ReadOnly"});
        self.send(ADMIN, "POST", ACCOUNTS, &body).header("Location").to_owned()
    }
}
