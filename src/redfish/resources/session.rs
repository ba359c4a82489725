//! `SessionService` and its sessions: logging in, and out.

use crate::redfish::body::Body;
use crate::redfish::doc::Doc;
use crate::redfish::resource::{Change, Cx, Effect};
use crate::redfish::session::Sessions;

/// Longest user name and password taken, characters.
const MAX_CREDENTIAL: usize = 256;

pub(super) fn get_service(cx: &Cx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "SessionService");
    d.put("Name", "Session Service");
    d.put("ServiceEnabled", true);
    let shared = || cx.redfish.sessions.timeout_s();
    d.put("SessionTimeout", cx.own_node().map_or_else(shared, |node| node.bmc().sessions.timeout_s()));
    d.object("Status", |d| {
        d.put("State", "Enabled");
        d.put("Health", "OK");
    });
}

pub(super) fn patch_service(_: &Cx<'_>, body: &mut Body) -> Change {
    let seconds = body.number("SessionTimeout", *Sessions::TIMEOUT_S.start(), *Sessions::TIMEOUT_S.end());
    Ok(seconds.and_then(|s| u32::try_from(s).ok()).map(Effect::SessionTimeout))
}

pub(super) fn members(cx: &Cx<'_>, each: &mut dyn FnMut(&str)) {
    if let Some(node) = cx.own_node() {
        return node.bmc().sessions.live(cx.now).for_each(|session| each(&session.id.to_string()));
    }
    for id in cx.redfish.sessions.ids(cx.now) {
        each(&id.to_string());
    }
}

pub(super) fn get(cx: &Cx<'_>, d: &mut Doc<'_>) {
    d.put("Id", cx.id());
    d.put("Name", "User Session");
    if let Some(node) = cx.own_node() {
        let mut sessions = node.bmc().sessions.live(cx.now);
        let session =
            sessions.find(|s| s.id.to_string() == cx.id()).expect("the node is locked since it was found");
        d.put("UserName", &*session.user);
        d.put("CreatedTime", session.created.redfish(0));
        return d.null("Password");
    }
    // Between the look at the members and this one the session may have ended; then it has no user to show.
    if let Some(session) = cx.id().parse().ok().and_then(|id| cx.redfish.sessions.get(id, cx.now)) {
        d.put("UserName", &*session.user);
        d.put("CreatedTime", session.created.redfish(0));
    }
    d.null("Password");
}

pub(super) fn create(_: &Cx<'_>, body: &mut Body) -> Change {
    body.require("UserName");
    body.require("Password");
    let user = body.text("UserName", MAX_CREDENTIAL);
    let password = body.text("Password", MAX_CREDENTIAL);
    Ok(user.zip(password).map(|(user, password)| Effect::LogIn { user, password }))
}

pub(super) fn delete(cx: &Cx<'_>) -> Change {
    Ok(Some(Effect::LogOut(cx.id().into())))
}
