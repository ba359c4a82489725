//! How a request becomes a task: its payload without secrets, and the answers of its monitor.

use bytes::Bytes;
use http::Request;
use serde_json::{Map, Value};

use super::answer::{Accepted, Answer};
use super::certificate_change::requested;
use super::document::Document;
use super::error::Problem;
use super::resource::{Outcome, Progress};
use super::root::Root;
use super::row::Target;
use super::service::Redfish;
use crate::node::Node;
use crate::node::bmc::tasks::{Payload, Start};
use crate::node::command::{self, Command, Refusal};
use crate::note::shown_uri;
use crate::time::SimTime;

/// The root at which a client asks for a change of a node.
#[derive(Clone, Copy)]
pub(super) struct AskedAt {
    /// The service root belongs to the node.
    pub(super) own_root: bool,
    pub(super) now: SimTime,
}

impl Redfish {
    /// Applies a command to a node. `payload` is the request, for a command whose work becomes a task.
    pub(super) fn apply(
        &self,
        node: &mut Node,
        mut command: Command,
        at: AskedAt,
        payload: impl FnOnce() -> Option<Payload>,
    ) -> Result<Outcome, Problem> {
        if let Some(start) = command.start_mut() {
            let settings = (!at.own_root).then(|| self.task_settings.get());
            *start = Start { most: self.tasks_per_bmc, settings, payload: payload() };
        }
        if let Command::Telemetry(change) = &mut command
            && let Some(most) = change.most_mut()
        {
            *most = self.reports_per_bmc;
        }
        let outcome = node.apply(command, at.now).inspect_err(|refusal| match refusal {
            Refusal::TooManyTasks => self.tasks_refused.one(),
            Refusal::TooManyReports => self.reports_refused.one(),
            _ => {}
        })?;
        Ok(match outcome {
            command::Outcome::Created(number) => {
                Outcome::Created { id: number.to_string(), token: None, message: None }
            }
            command::Outcome::CreatedAs(id) => {
                let id = if at.own_root { id.into() } else { format!("{}-{id}", node.spec().uuid()) };
                Outcome::Created { id, token: None, message: None }
            }
            command::Outcome::Accepted(number) => {
                let uuid = if at.own_root { String::new() } else { format!("{}-", node.spec().uuid()) };
                Outcome::Accepted(format!("/redfish/v1/TaskService/TaskMonitors/{uuid}{number}"))
            }
            command::Outcome::Requested(why, csr) => {
                let uuid = node.spec().uuid().to_string();
                let id = if at.own_root { &node.profile().ids.manager } else { &uuid };
                Outcome::Told(requested(why, &csr, &format!("/redfish/v1/Managers/{id}")))
            }
            command::Outcome::Done | command::Outcome::Ipa(_) => Outcome::Done,
        })
    }
}

impl Redfish {
    /// The answer to a change that takes time: the task as its monitor shows it.
    pub(super) fn accepted(&self, root: &mut Root<'_>, monitor: String) -> Answer {
        let task = match self.read_any(root, None, &monitor) {
            Some(Answer::Accepted(accepted)) => return Answer::Accepted(accepted),
            // The work has taken no time.
            Some(Answer::Document(document, target)) => Some((document, target)),
            _ => None,
        };
        Answer::Accepted(Accepted { monitor, task, can_be_cancelled: false })
    }
}

/// The answer of the task monitor at a URI.
pub(super) fn progress(
    progress: Progress,
    uri: &str,
    task: impl FnOnce() -> (Document, Target),
) -> Result<Answer, Problem> {
    Ok(match progress {
        Progress::Gone => return Err(Problem::not_found(uri)),
        Progress::Underway { can_be_cancelled } => {
            Answer::Accepted(Accepted { monitor: uri.to_owned(), task: Some(task()), can_be_cancelled })
        }
        Progress::Ended => {
            let (document, target) = task();
            Answer::Document(document, target)
        }
        Progress::Created(uri) => Answer::CreatedAt(uri),
        Progress::Deleted => Answer::Done,
    })
}

/// The payload of a task. `None` hides it, because the body is too long.
pub(super) fn payload(uri: &str, request: &Request<Bytes>) -> Option<Payload> {
    let mut json = serde_json::from_slice(request.body()).unwrap_or(Value::Object(Map::new()));
    hide_secrets(&mut json);
    let json = json.to_string();
    (json.len() <= Payload::MAX_JSON).then(|| Payload {
        uri: uri.into(),
        method: request.method().as_str().into(),
        json: json.into(),
    })
}

/// Removes values that only the client and the BMC may know: those of properties whose names say so, and passwords in URIs.
fn hide_secrets(json: &mut Value) {
    const NAMES: [&str; 5] = ["password", "secret", "token", "credential", "key"];
    match json {
        Value::Object(map) => {
            map.retain(|name, _| {
                let name = name.to_ascii_lowercase();
                !NAMES.iter().any(|secret| name.contains(secret))
            });
            map.values_mut().for_each(hide_secrets);
        }
        Value::Array(items) => items.iter_mut().for_each(hide_secrets),
        Value::String(text) if text.contains("://") => *text = shown_uri(text).into_owned(),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload_of(body: &str) -> Option<Payload> {
        payload("/x", &Request::post("/x").body(Bytes::copy_from_slice(body.as_bytes())).unwrap())
    }

    #[test]
    fn a_payload_has_no_secrets() {
        let body =
            r#"{"ImageURI": "http://u:pw@a/b", "Password": "pw", "In": [{"AuthToken": "pw", "Id": "1"}]}"#;
        let json = payload_of(body).unwrap().json;
        assert_eq!(&*json, r#"{"ImageURI":"http://u@a/b","In":[{"Id":"1"}]}"#);
        assert!(payload_of(&format!(r#"{{"A": "{}"}}"#, "x".repeat(Payload::MAX_JSON))).is_none());
        assert_eq!(&*payload_of("").unwrap().json, "{}");
    }
}
