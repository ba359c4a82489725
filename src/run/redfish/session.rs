//! Redfish sessions: one for each service root and user, which all items of that root share.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use http::HeaderValue;
use http::header::LOCATION;
use reqwest::Method;
use serde_json::json;

use super::bmc::{Bmc, Problem};
use super::client::{Client, Session, Sessions};
use super::scope::{ROOT, link};
use crate::run::epoch::now;
use crate::run::http::{HttpProblem, json as document};

/// The place of the sessions, if the service root does not say it.
const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";
/// The longest time for the deletion of a session. A BMC that is not there any more ends it itself.
const LOGOUT_TIME: Duration = Duration::from_secs(10);
/// Sessions that are deleted at the same time.
const LOGOUTS: usize = 64;

/// The token of the session with a BMC. `refused` is the one that the BMC does not take any more.
///
/// # Errors
/// If the BMC refuses the login.
pub(super) async fn token(
    sessions: &Sessions,
    bmc: &mut Bmc<'_>,
    refused: Option<&HeaderValue>,
) -> Result<HeaderValue, Problem> {
    let key = (bmc.name().to_owned(), bmc.machine.username.clone());
    let session = Arc::clone(&sessions.entry(key).or_default());
    let mut session = session.lock().await;
    if let Some(session) = session.as_ref().filter(|session| Some(&session.token) != refused) {
        return Ok(session.token.clone());
    }
    *session = None;
    let new = log_in(bmc).await?;
    let token = new.token.clone();
    *session = Some(new);
    Ok(token)
}

/// Deletes the sessions of a run. A session that cannot be deleted ends by itself.
pub(super) async fn end(client: &Client) {
    let Some(sessions) = &client.sessions else { return };
    let keys: Vec<_> = sessions.iter().map(|entry| entry.key().clone()).collect();
    let end = |key| async move {
        let (_, session) = sessions.remove(&key)?;
        let session = session.lock().await.take()?;
        let place = session.place?;
        let mut bmc = Bmc::new(client, &session.machine, 0, now() + LOGOUT_TIME).ok()?;
        let logout = bmc.exchange_plain(Method::DELETE, &place, None, Some(&session.token));
        tokio::time::timeout(LOGOUT_TIME, logout).await.ok()?.ok()
    };
    let mut ended = std::pin::pin!(futures_util::stream::iter(keys).map(end).buffer_unordered(LOGOUTS));
    while ended.next().await.is_some() {}
}

async fn log_in(bmc: &mut Bmc<'_>) -> Result<Session, Problem> {
    // A client may read the service root without a login.
    let (_, root) = bmc.exchange_plain(Method::GET, ROOT, None, None).await?;
    let root: serde_json::Value = document(&root).unwrap_or_default();
    let sessions = link(&root, "/Links/Sessions").unwrap_or(SESSIONS).to_owned();
    let login = json!({"UserName": bmc.machine.username, "Password": bmc.machine.password});
    let (headers, _) = bmc.exchange_plain(Method::POST, &sessions, Some(&login), None).await?;
    let Some(mut token) = headers.get("x-auth-token").cloned() else {
        let problem = HttpProblem::Unreadable("it has no X-Auth-Token".to_owned());
        return Err(Problem { method: Method::POST, path: sessions, problem });
    };
    token.set_sensitive(true);
    let place = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    // A place at another server is not asked.
    let place = place.and_then(|place| Some(bmc.url(place).ok()?.path().to_owned()));
    Ok(Session { token, place, machine: bmc.machine.clone() })
}
