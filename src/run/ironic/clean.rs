//! Finds and deletes the nodes that a run has created: exactly those with its mark.

use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::api::{Api, Cost};
use super::mark::{EXPIRES, MARK};
use crate::run::epoch::now;
use crate::run::http::HttpProblem;

/// The longest time for the deletion of a node that Ironic holds. While a BMC does not answer, Ironic holds its node for minutes.
pub(super) const PATIENCE: Duration = Duration::from_secs(900);

/// A node that a run has created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    pub uuid: String,
    pub name: String,
    /// The id of the run.
    pub run: String,
    pub state: String,
    /// The moment after which it can be deleted, RFC 3339 in UTC, if the plan has one.
    pub expires: Option<String>,
}

/// The nodes with a mark; of one run, or of all.
///
/// # Errors
/// If the list cannot be read.
pub async fn marked(api: &Api, run: Option<&str>) -> Result<Vec<Marked>, HttpProblem> {
    #[derive(Deserialize)]
    struct Row {
        uuid: String,
        name: Option<String>,
        provision_state: Option<String>,
        #[serde(default)]
        extra: Value,
    }
    let (rows, _) = api.nodes::<Row>("fields=uuid,name,provision_state,extra").await?;
    let read = |row: Row| {
        let mark = row.extra.get(MARK)?.as_str()?.to_owned();
        run.is_none_or(|run| run == mark).then(|| Marked {
            name: row.name.unwrap_or_else(|| row.uuid.clone()),
            uuid: row.uuid,
            run: mark,
            state: row.provision_state.unwrap_or_default(),
            expires: row.extra.get(EXPIRES).and_then(Value::as_str).map(str::to_owned),
        })
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// The mark of a node.
pub(super) async fn mark(api: &Api, endpoint: usize, uuid: &str) -> Result<Option<String>, HttpProblem> {
    let node = api.get(endpoint, &format!("/v1/nodes/{uuid}?fields=extra")).await?;
    Ok(node["extra"][MARK].as_str().map(str::to_owned))
}

/// Deletes a node with the mark of a run, whatever its state is. A node that does not exist is deleted.
///
/// # Errors
/// If it has another mark, or Ironic does not delete it.
pub async fn remove(api: &Api, uuid: &str, run: &str) -> Result<(), String> {
    remove_counted(api, 0, uuid, run, now() + PATIENCE, &mut Cost::default()).await
}

pub(super) async fn remove_counted(
    api: &Api,
    endpoint: usize,
    uuid: &str,
    run: &str,
    deadline: Instant,
    cost: &mut Cost,
) -> Result<(), String> {
    let path = format!("/v1/nodes/{uuid}");
    match repeated(deadline, || mark(api, endpoint, uuid)).await {
        Ok(mark) if mark.as_deref() == Some(run) => {}
        Ok(mark) => {
            let of = mark
                .map_or_else(|| "no mark of a run".to_owned(), |mark| format!("the mark of run '{mark}'"));
            return Err(format!("the node has {of}, so it is left alone"));
        }
        Err(problem) if is_gone(&problem) => return Ok(()),
        Err(problem) => return Err(problem.to_string()),
    }
    let first = api.change(endpoint, Method::DELETE, &path, None, deadline, cost).await;
    let Err(problem) = first else { return Ok(()) };
    if is_gone(&problem) {
        return Ok(());
    }
    // Ironic deletes a node in the middle of its work, or after a failure, only in maintenance.
    let body = json!({"reason": "deleted by fauxmetal clean"});
    let maintenance = format!("{path}/maintenance");
    match api.change(endpoint, Method::PUT, &maintenance, Some(&body), deadline, cost).await {
        Err(problem) if is_gone(&problem) => return Ok(()),
        Err(problem) => return Err(problem.to_string()),
        Ok(_) => {}
    }
    match api.change(endpoint, Method::DELETE, &path, None, deadline, cost).await {
        Err(problem) if !is_gone(&problem) => Err(problem.to_string()),
        _ => Ok(()),
    }
}

fn is_gone(problem: &HttpProblem) -> bool {
    problem.status() == Some(http::StatusCode::NOT_FOUND)
}

/// Repeats a request without an effect while its problem can pass.
async fn repeated<T, F: Future<Output = Result<T, HttpProblem>>>(
    deadline: Instant,
    mut request: impl FnMut() -> F,
) -> Result<T, HttpProblem> {
    loop {
        match request().await {
            Err(problem) if problem.is_passing() && now() < deadline => {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            outcome => return outcome,
        }
    }
}
