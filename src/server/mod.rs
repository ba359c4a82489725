//! Accepts connections, ends TLS, speaks HTTP/1.1 and hands whole requests to a face. Every client is bounded in
//! connections, bytes and time, so that a slow or dead one never holds more than its connection.

mod accept;
mod activity;
mod admission;
mod answer;
mod body;
mod connection;
mod listener;
#[cfg(test)]
mod place_tests;
#[cfg(test)]
mod tests;
mod watchdog;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

pub use listener::{BACKLOG, ListenError, Listener};

use crate::face::Face;
use crate::limit::Limits;
use crate::meter::Page;
use admission::Admission;
use answer::Shared;

/// One task per listener: it owns the connections it accepted and gives how many it had to cut.
type Accepting = Pin<Box<dyn Future<Output = usize> + Send>>;

/// Listeners with their faces, and the limits they share.
pub struct Server {
    admission: Arc<Admission>,
    stop: watch::Sender<bool>,
    accepting: Vec<Accepting>,
}

impl Server {
    /// A server without listeners.
    pub fn new(limits: Limits) -> Server {
        Server {
            admission: Arc::new(Admission::new(limits)),
            stop: watch::Sender::new(false),
            accepting: Vec::new(),
        }
    }

    /// Serves `face` on `listener`, with request bodies of at most `body_bytes`. Clients are answered once the server [runs](Self::run).
    pub fn add<F: Face>(&mut self, listener: Listener, face: Arc<F>, body_bytes: usize) {
        let shared = Arc::new(Shared { face, body_bytes, admission: Arc::clone(&self.admission) });
        self.accepting.push(Box::pin(accept::connections(listener, shared, self.stop.subscribe())));
    }

    /// What puts the server's figures on a page, for as long as anybody likes.
    pub fn meter(&self) -> impl Fn(&mut Page) + Send + Sync + 'static {
        let admission = Arc::clone(&self.admission);
        move |page| admission.meter(page)
    }

    /// Serves until `shutdown` is ready, then stops: nothing new is accepted, idle connections are closed, requests in
    /// flight are answered with `connection: close`. Returns how many connections were still busy after
    /// [`Limits::drain`] and were cut.
    ///
    /// Dropping the future cuts everything at once.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> usize {
        let mut listeners: JoinSet<usize> = self.accepting.into_iter().collect();
        shutdown.await;
        self.stop.send_replace(true);
        let mut cut = 0;
        while let Some(ended) = listeners.join_next().await {
            match ended {
                Ok(count) => cut += count,
                Err(error) => tracing::error!(%error, "a listener failed"),
            }
        }
        cut
    }
}
