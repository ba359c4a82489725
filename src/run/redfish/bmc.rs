//! Requests to one BMC: login, repetition, and what they cost.

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::client::Client;
use super::session;
use crate::note::Note;
use crate::run::epoch::now;
use crate::run::http::{Http, HttpProblem, fraction, json};
use crate::run::machine::Machine;

/// The longest document, bytes.
const MAX_DOCUMENT: usize = 16 << 20;
/// The first and the longest wait before a request is repeated, if the BMC names none.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// The longest wait that a BMC can ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);
/// The time after which a request is not repeated any more.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why a request to a BMC has failed.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) problem: HttpProblem,
}

impl Problem {
    pub(super) fn status(&self) -> Option<StatusCode> {
        self.problem.status()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.method, Note::from(self.path.as_str()), self.problem)
    }
}

impl From<Problem> for String {
    fn from(problem: Problem) -> Self {
        problem.to_string()
    }
}

/// The purpose of a request, for the totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Work,
    /// It only waits for a state.
    Poll,
}

/// One BMC during an operation.
pub(super) struct Bmc<'a> {
    pub(super) client: &'a Client,
    pub(super) machine: &'a Machine,
    pub(super) item: u32,
    base: Url,
    /// The moment after which no request is repeated.
    deadline: Instant,
    pub(super) requests: u32,
    pub(super) retries: u32,
    /// The power states that the operation has seen.
    pub(super) states: Vec<(String, Instant)>,
    /// What the operation waits for, in case its time ends.
    pub(super) waits_for: String,
}

impl<'a> Bmc<'a> {
    /// # Errors
    /// If the address of the machine is no URL.
    pub(super) fn new(
        client: &'a Client,
        machine: &'a Machine,
        item: u32,
        deadline: Instant,
    ) -> Result<Self, String> {
        Ok(Self {
            client,
            machine,
            item,
            base: client.base(&machine.address)?,
            deadline,
            requests: 0,
            retries: 0,
            states: Vec::new(),
            waits_for: String::new(),
        })
    }

    /// The URL of the server, which names it in reports.
    pub(super) fn name(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Reads a document. Returns it with its length in bytes.
    ///
    /// # Errors
    /// If there is none at the path, or it is no JSON.
    pub(super) async fn get(&mut self, path: &str) -> Result<(Value, usize), Problem> {
        self.read(path, Purpose::Work).await
    }

    async fn read(&mut self, path: &str, purpose: Purpose) -> Result<(Value, usize), Problem> {
        let (_, body) = self.exchange(Method::GET, path, None, purpose).await?;
        let document =
            json(&body).map_err(|problem| Problem { method: Method::GET, path: path.to_owned(), problem })?;
        Ok((document, body.len()))
    }

    /// Sends a document, such as the parameters of an action.
    ///
    /// # Errors
    /// If the BMC refuses it.
    pub(super) async fn post(&mut self, path: &str, body: &Value) -> Result<(), Problem> {
        self.exchange(Method::POST, path, Some(body), Purpose::Work).await.map(drop)
    }

    /// Deletes a resource, as another client of a test does.
    ///
    /// # Errors
    /// If the BMC refuses it.
    #[cfg(test)]
    pub(super) async fn delete(&mut self, path: &str) -> Result<(), Problem> {
        self.exchange(Method::DELETE, path, None, Purpose::Work).await.map(drop)
    }

    /// Reads the machine, and notes its power state.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub(super) async fn system(&mut self) -> Result<Value, Problem> {
        let (system, _) = self.read(&self.machine.system.clone(), Purpose::Work).await?;
        self.note(&system);
        Ok(system)
    }

    /// Reads a document until something is true of it.
    ///
    /// # Errors
    /// As [`get`](Self::get). The caller ends the wait at the deadline of the operation.
    pub(super) async fn until(
        &mut self,
        path: &str,
        waits_for: &str,
        mut is_so: impl FnMut(&mut Self, &Value) -> bool + Send,
    ) -> Result<(), Problem> {
        loop {
            waits_for.clone_into(&mut self.waits_for);
            tokio::time::sleep(self.client.every).await;
            let started = now();
            let read = self.read(path, Purpose::Poll).await;
            self.client.count(|totals| {
                totals.polls += 1;
                totals.poll_seconds += started.elapsed().as_secs_f64();
            });
            let (document, _) = read?;
            if is_so(self, &document) {
                self.waits_for.clear();
                return Ok(());
            }
        }
    }

    /// Notes the power state of the machine, and returns it.
    pub(super) fn note(&mut self, system: &Value) -> String {
        let state = Note::from(system["PowerState"].as_str().unwrap_or("unknown")).to_string();
        self.client.seen.insert(self.item, state.as_str().into());
        if self.states.last().is_none_or(|(last, _)| *last != state) {
            self.states.push((state.clone(), now()));
        }
        state
    }

    /// Sends a request for a login or its end, with no login but a token.
    ///
    /// # Errors
    /// If the BMC refuses it, or does not answer.
    pub(super) async fn exchange_plain(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        token: Option<&http::HeaderValue>,
    ) -> Result<(HeaderMap, Vec<u8>), Problem> {
        self.repeated(&method, path, body, Login::Token(token), Purpose::Work).await
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        purpose: Purpose,
    ) -> Result<(HeaderMap, Vec<u8>), Problem> {
        let Some(sessions) = &self.client.sessions else {
            return self.repeated(&method, path, body, Login::Basic, purpose).await;
        };
        let token = session::token(sessions, self, None).await?;
        let outcome = self.repeated(&method, path, body, Login::Token(Some(&token)), purpose).await;
        match outcome {
            // The session has expired, or the BMC has restarted. The request was not done.
            Err(problem) if problem.status() == Some(StatusCode::UNAUTHORIZED) => {
                let token = session::token(sessions, self, Some(&token)).await?;
                self.retries += 1;
                self.repeated(&method, path, body, Login::Token(Some(&token)), purpose).await
            }
            outcome => outcome,
        }
    }

    /// Sends a request, and repeats it while its problem passes. A request that may have changed something is repeated only if the
    /// BMC says that it was not done.
    async fn repeated(
        &mut self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        login: Login<'_>,
        purpose: Purpose,
    ) -> Result<(HeaderMap, Vec<u8>), Problem> {
        let failed = |problem| Problem { method: method.clone(), path: path.to_owned(), problem };
        let url = self.url(path).map_err(failed)?;
        let text = body.map(serde_json::to_vec).transpose();
        let text = text.map_err(|error| failed(HttpProblem::Unreadable(error.to_string())))?;
        let mut wait = FIRST_WAIT;
        let deadline = self.deadline.min(now() + PATIENCE);
        loop {
            let mut request = self.client.http.request(method.clone(), url.clone());
            request = request.header(ACCEPT, "application/json").header("odata-version", "4.0");
            request = match login {
                Login::Basic => request.basic_auth(&self.machine.username, Some(&self.machine.password)),
                Login::Token(Some(token)) => request.header("x-auth-token", token),
                Login::Token(None) => request,
            };
            if let Some(text) = &text {
                request = request.header(CONTENT_TYPE, "application/json").body(text.clone());
            }
            let is_wait = purpose == Purpose::Poll && !self.waits_for.is_empty();
            if !is_wait {
                self.waits_for = format!("the answer to {method} {}", Note::from(path));
            }
            let outcome = {
                // The semaphore is never closed.
                let _place = self.client.room.acquire().await;
                self.requests += 1;
                self.client.count(|totals| match purpose {
                    Purpose::Work => totals.requests += 1,
                    Purpose::Poll => totals.poll_requests += 1,
                });
                Http::send(request, MAX_DOCUMENT).await
            };
            let problem = match outcome {
                Ok(answer) => return Ok(answer),
                Err(problem) => problem,
            };
            let Some(asked) = passing(method, &problem) else { return Err(failed(problem)) };
            let pause = asked.unwrap_or_else(|| {
                // BMCs that were refused at the same time come back at different ones.
                wait.mul_f64(0.5 + fraction(self.client.turn.fetch_add(1, Ordering::Relaxed)))
            });
            if now() + pause >= deadline {
                return Err(failed(problem));
            }
            tokio::time::sleep(pause).await;
            wait = (wait * 2).min(LONGEST_WAIT);
            self.retries += 1;
        }
    }

    /// The URL of a path of the BMC. A URI of another server is refused, because the login would go there.
    pub(super) fn url(&self, path: &str) -> Result<Url, HttpProblem> {
        let url = self.base.join(path).ok().filter(|url| url.origin() == self.base.origin());
        url.ok_or_else(|| HttpProblem::Unreadable("the URI is none of this BMC".to_owned()))
    }
}

#[derive(Clone, Copy)]
enum Login<'a> {
    Basic,
    Token(Option<&'a http::HeaderValue>),
}

/// Whether the same request can succeed later, and the pause that the BMC asks for. `None`: it cannot, or it may have been done.
fn passing(method: &Method, problem: &HttpProblem) -> Option<Option<Duration>> {
    let is_read = *method == Method::GET;
    match problem {
        HttpProblem::NoAnswer(_) => is_read.then_some(None),
        HttpProblem::Unreadable(_) => None,
        HttpProblem::Status { status, retry_after, .. } => {
            let is_busy = matches!(status.as_u16(), 429 | 503);
            // Without Retry-After, 503 can also come from a proxy that has lost the answer to a change.
            let can_pass = is_busy && (is_read || retry_after.is_some());
            can_pass.then_some(retry_after.map(|time| time.min(LONGEST_RETRY_AFTER)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_repeated_only_if_the_bmc_says_that_it_was_not_done() {
        let status = |code, retry_after| HttpProblem::Status {
            status: StatusCode::from_u16(code).unwrap(),
            text: String::new(),
            retry_after,
        };
        let (get, post, second) = (Method::GET, Method::POST, Duration::from_secs(1));
        let lost = HttpProblem::NoAnswer("reset".to_owned());
        assert_eq!(passing(&get, &lost), Some(None));
        assert_eq!(passing(&post, &lost), None);
        assert_eq!(passing(&get, &status(503, None)), Some(None));
        assert_eq!(passing(&post, &status(503, None)), None);
        assert_eq!(passing(&post, &status(503, Some(second))), Some(Some(second)));
        assert_eq!(passing(&post, &status(429, Some(100_000 * second))), Some(Some(LONGEST_RETRY_AFTER)));
        for code in [400, 401, 404, 500, 502] {
            assert_eq!(passing(&get, &status(code, Some(second))), None, "{code}");
        }
        assert_eq!(passing(&get, &HttpProblem::Unreadable(String::new())), None);
    }
}
