//! `SessionService` and its sessions: login and logout.

use std::net::IpAddr;

use crate::redfish::body::Body;
use crate::redfish::context::ServiceCx;
use crate::redfish::doc::Doc;
use crate::redfish::error::Problem;
use crate::redfish::resource::{Asked, OfService, ServiceChange};
use crate::redfish::session::Sessions;
use crate::time::SimTime;

/// The limit of a user name and of a password, characters.
const MAX_CREDENTIAL: usize = 256;

fn show(cx: &ServiceCx<'_>, d: &mut Doc<'_>, user: &str, client: Option<IpAddr>, created: SimTime) {
    d.put("UserName", user);
    d.put("SessionType", "Redfish");
    if let Some(client) = client {
        d.put("ClientOriginIPAddress", client.to_string());
    }
    d.put("CreatedTime", cx.shown(created));
}

pub(super) fn get_service(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "SessionService");
    d.put("Name", "Session Service");
    d.put("ServiceEnabled", true);
    let shared = || cx.sessions.timeout_s();
    d.put("SessionTimeout", cx.own.map_or_else(shared, |node| node.bmc().sessions.timeout_s()));
    d.object("Status", |d| {
        d.put("State", "Enabled");
        d.put("Health", "OK");
    });
}

pub(super) fn patch_service(_: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    let seconds = body.number("SessionTimeout", *Sessions::TIMEOUT_S.start(), *Sessions::TIMEOUT_S.end());
    Ok(seconds.and_then(|s| u32::try_from(s).ok()).map(ServiceChange::SessionTimeout))
}

pub(super) fn members(cx: &ServiceCx<'_>, each: &mut dyn FnMut(&str)) {
    if let Some(node) = cx.own {
        return node.bmc().sessions.live(cx.now).for_each(|session| each(&session.id.to_string()));
    }
    for id in cx.sessions.ids(cx.now) {
        each(&id.to_string());
    }
}

pub(super) fn get(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", cx.id());
    d.put("Name", "User Session");
    if let Some(node) = cx.own {
        let mut sessions = node.bmc().sessions.live(cx.now);
        let session = sessions
            .find(|s| s.id.to_string() == cx.id())
            .expect("the node has been locked since the session was found");
        show(cx, d, &session.user, session.client, session.created);
        return d.null("Password");
    }
    // The session may have ended since its id was looked up. Then it has no user to show.
    if let Some(session) = cx.id().parse().ok().and_then(|id| cx.sessions.get(id, cx.now)) {
        show(cx, d, &session.user, session.client, session.created);
    }
    d.null("Password");
}

pub(super) fn create(_: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    body.require("UserName");
    body.require("Password");
    let user = body.text("UserName", MAX_CREDENTIAL);
    let password = body.secret("Password", 0, MAX_CREDENTIAL);
    Ok(user.zip(password).map(|(user, password)| ServiceChange::LogIn { user, password }))
}

pub(super) fn delete(cx: &ServiceCx<'_>) -> Result<ServiceChange, Problem> {
    Ok(ServiceChange::LogOut(cx.id().into()))
}
