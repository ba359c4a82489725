//! `AccountService` and its accounts.

use super::common;
use super::role;
use crate::dmtf::Role;
use crate::node::bmc::account::{Account, Change, Policy};
use crate::profile::accounts::AccountRules;
use crate::redfish::account_change::{AccountChange, NewAccount};
use crate::redfish::action::{Action, Parameter};
use crate::redfish::auth;
use crate::redfish::body::Body;
use crate::redfish::context::ServiceCx;
use crate::redfish::doc::Doc;
use crate::redfish::error::Problem;
use crate::redfish::message::{Message, PROPERTY_VALUE_CONFLICT};
use crate::redfish::resource::{Asked, OfService, ServiceChange};
use crate::time::parse_redfish;

/// The longest `DateTime`, characters.
const MAX_DATE_TIME: usize = 40;
/// The only value of `AccountTypes`.
const REDFISH: &str = "Redfish";
/// The largest threshold and duration that a client can set.
const MAX_THRESHOLD: i64 = 1000;
const MAX_DURATION_S: i64 = 7 * 86_400;
/// The bounds of `PasswordExpirationDays` in its schema.
const DAYS: (i64, i64) = (0, 365);

pub(super) static ACTIONS: &[Action<OfService>] = &[Action {
    key: "#ManagerAccount.ChangePassword",
    parameters: &[
        Parameter::text("SessionAccountPassword").required(),
        Parameter::text("NewPassword").required(),
    ],
    apply_times: &[],
    run: change_password,
}];

pub(super) fn get(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    let rules = cx.account_rules();
    d.put("Id", "AccountService");
    d.put("Name", "Account Service");
    d.put("ServiceEnabled", true);
    d.put("LocalAccountAuth", "Enabled");
    d.put("HTTPBasicAuth", "Enabled");
    d.put("AuthFailureLoggingThreshold", 0);
    d.put("MinPasswordLength", u32::from(rules.min_password_length));
    d.put("MaxPasswordLength", u32::from(rules.max_password_length));
    match cx.accounts.password_days() {
        Some(days) => d.put("PasswordExpirationDays", u32::from(days)),
        None => d.null("PasswordExpirationDays"),
    }
    d.put("AccountLockoutThreshold", u32::from(rules.lockout_threshold));
    d.put("AccountLockoutDuration", rules.lockout_duration_s);
    d.put("AccountLockoutCounterResetAfter", rules.lockout_counter_reset_s);
    d.put("AccountLockoutCounterResetEnabled", cx.accounts.resets_counter());
    d.put("SupportedAccountTypes", [REDFISH].as_slice());
    d.object("Status", common::ok);
}

pub(super) fn patch(cx: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    let rules = cx.account_rules();
    let most = i64::from(AccountRules::LONGEST_PASSWORD);
    let small = |number: Option<i64>| number.and_then(|n| u16::try_from(n).ok());
    let large = |number: Option<i64>| number.and_then(|n| u32::try_from(n).ok());
    let policy = Policy {
        min_password_length: small(body.number("MinPasswordLength", 0, most)),
        max_password_length: small(body.number("MaxPasswordLength", 1, most)),
        lockout_threshold: small(body.number("AccountLockoutThreshold", 0, MAX_THRESHOLD)),
        lockout_duration_s: large(body.number("AccountLockoutDuration", 0, MAX_DURATION_S)),
        lockout_counter_reset_s: large(body.number("AccountLockoutCounterResetAfter", 0, MAX_DURATION_S)),
        lockout_counter_reset: body.flag("AccountLockoutCounterResetEnabled"),
        password_days: if body.take_null("PasswordExpirationDays") {
            Some(None)
        } else {
            small(body.number("PasswordExpirationDays", DAYS.0, DAYS.1)).map(Some)
        },
    };
    let conflict = |body: &mut Body, one: &str, other: &str| {
        body.mistake(one, Message::new(&PROPERTY_VALUE_CONFLICT, [one, other]));
    };
    let (min, max) = (policy.min_password_length, policy.max_password_length);
    if min.unwrap_or(rules.min_password_length) > max.unwrap_or(rules.max_password_length) {
        conflict(body, "MinPasswordLength", "MaxPasswordLength");
    }
    // The schema of `AccountLockoutDuration`: it is at least as long, unless it is 0.
    let duration = policy.lockout_duration_s.unwrap_or(rules.lockout_duration_s);
    if duration > 0 && policy.lockout_counter_reset_s.unwrap_or(rules.lockout_counter_reset_s) > duration {
        conflict(body, "AccountLockoutCounterResetAfter", "AccountLockoutDuration");
    }
    Ok(Some(ServiceChange::Accounts(AccountChange::Policy(policy))))
}

pub(super) fn accounts(cx: &ServiceCx<'_>, each: &mut dyn FnMut(&str)) {
    match cx.account_rules().slots {
        Some(slots) => (1..=slots).for_each(|slot| each(&slot.to_string())),
        None => cx.accounts.list(cx.rules()).iter().for_each(|account| each(&account.id.to_string())),
    }
}

/// The account that the request names; none in an empty slot.
fn account(cx: &ServiceCx<'_>) -> Option<Account> {
    Some(cx.accounts.get(cx.id().parse().ok()?, cx.rules())?.into_owned())
}

pub(super) fn get_account(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    let account = account(cx);
    d.put("Id", cx.id());
    d.put("Name", "User Account");
    d.put(
        "UserName",
        account.as_ref().map_or("", |account| account.user.as_deref().unwrap_or(&cx.facts.user)),
    );
    d.null("Password");
    d.put("AccountTypes", [REDFISH].as_slice());
    let Some(account) = account else {
        d.put("Enabled", false);
        d.put("Locked", false);
        d.put("PasswordChangeRequired", false);
        return d.put("RoleId", "");
    };
    d.unseen(account.revision);
    // The ETag does not change when a time passes.
    d.moving(|d| {
        d.put("PasswordChangeRequired", account.must_change(cx.now));
        d.put("Locked", cx.accounts.is_locked(&account, cx.rules(), cx.now));
    });
    match account.expires {
        Some(expires) => d.put("PasswordExpiration", cx.shown(expires)),
        None => d.null("PasswordExpiration"),
    }
    d.put("Enabled", account.enabled);
    d.put("RoleId", &*account.role);
    d.object("Links", |d| d.link("Role", &[role::ROLES, "/", &account.role]));
}

pub(super) fn create_account(cx: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    ["UserName", "Password", "RoleId"].iter().for_each(|key| body.require(key));
    let new = new_account(cx, body, None);
    Ok(new.map(|new| ServiceChange::Accounts(AccountChange::Create(new))))
}

pub(super) fn patch_account(cx: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    let id: u32 = cx.id().parse().map_err(|_| Problem::not_found(cx.uri))?;
    let has_slots = cx.account_rules().slots.is_some();
    let Some(account) = account(cx) else {
        // A client fills an empty slot, with the properties of a new account.
        ["UserName", "Password"].iter().for_each(|key| body.require(key));
        let new = new_account(cx, body, Some(id));
        return Ok(new.map(|new| ServiceChange::Accounts(AccountChange::Create(new))));
    };
    if has_slots && body.text_is("UserName", "") {
        // A client empties a slot.
        body.take("UserName");
        body.flag("Enabled");
        return Ok(Some(ServiceChange::Accounts(AccountChange::Delete(account.id))));
    }
    let user = user_name(body);
    let password = password(cx, body, "Password");
    let change = Change { user, ..change(cx, body) };
    Ok(Some(ServiceChange::Accounts(AccountChange::Change(id, change, password))))
}

pub(super) fn delete_account(cx: &ServiceCx<'_>) -> Result<ServiceChange, Problem> {
    let account = account(cx).ok_or_else(|| Problem::not_found(cx.uri))?;
    Ok(ServiceChange::Accounts(AccountChange::Delete(account.id)))
}

fn change_password(cx: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    ["SessionAccountPassword", "NewPassword"].iter().for_each(|key| body.require(key));
    let own = body.secret("SessionAccountPassword", 0, usize::from(AccountRules::LONGEST_PASSWORD));
    let new = password(cx, body, "NewPassword");
    let id = account(cx).ok_or_else(|| Problem::not_found(cx.uri))?.id;
    Ok(own.zip(new).map(|(own, new)| ServiceChange::Accounts(AccountChange::ChangePassword { id, own, new })))
}

fn new_account(cx: &ServiceCx<'_>, body: &mut Body, slot: Option<u32>) -> Option<NewAccount> {
    let user = user_name(body);
    let password = password(cx, body, "Password");
    let mut change = change(cx, body);
    let role = change.role.take().unwrap_or_else(|| Role::ReadOnly.as_str().into());
    let (user, password) = user.zip(password)?;
    Some(NewAccount { slot, user, password, role, change })
}

fn user_name(body: &mut Body) -> Option<Box<str>> {
    let user = body.text("UserName", auth::Account::MAX_BYTES)?;
    if auth::Account::check_user(&user).is_err() {
        body.wrong_format("UserName", &user);
        return None;
    }
    Some(user)
}

fn password(cx: &ServiceCx<'_>, body: &mut Body, key: &str) -> Option<Box<str>> {
    let rules = cx.account_rules();
    body.secret(key, usize::from(rules.min_password_length), usize::from(rules.max_password_length))
}

/// The properties that an account has beside its name and its password.
fn change(cx: &ServiceCx<'_>, body: &mut Body) -> Change {
    let role = body.text("RoleId", role::MAX_ID);
    if let Some(role) = role.as_deref().filter(|role| cx.accounts.privileges(role).is_none()) {
        body.not_in_list("RoleId", role);
    }
    let locked = body.flag("Locked");
    if locked == Some(true) {
        // Only failed logins lock an account (schema of `ManagerAccount`).
        body.not_in_list("Locked", "true");
    }
    if let Some(types) = body.texts("AccountTypes", 1)
        && types != [REDFISH]
    {
        body.not_in_list("AccountTypes", &types.join(", "));
    }
    let expires = body.text_or_null("PasswordExpiration", MAX_DATE_TIME).and_then(|text| match text {
        None => Some(None),
        Some(text) => match parse_redfish(&text) {
            Some((moment, _)) => Some(Some(moment)),
            None => {
                body.wrong_format("PasswordExpiration", &text);
                None
            }
        },
    });
    Change {
        user: None,
        password: None,
        role,
        enabled: body.flag("Enabled"),
        locked,
        must_change: body.flag("PasswordChangeRequired"),
        expires,
    }
}
