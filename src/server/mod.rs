//! The HTTPS server: accepts connections, terminates TLS, speaks HTTP/1.1 and passes complete requests to a face.
//!
//! Limits on connections, bytes and time apply to every client. A slow or dead client occupies its connection only.

mod accept;
mod access;
mod activity;
mod admission;
mod answer;
mod body;
mod connection;
mod date;
mod ending;
mod head;
mod hello;
mod listener;
mod memory;
mod opening;
#[cfg(test)]
mod opening_tests;
#[cfg(test)]
mod place_tests;
mod pool;
#[cfg(test)]
mod shape_tests;
mod shaping;
#[cfg(test)]
mod share_tests;
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

/// The accept loop of one listener. It returns how many connections it cut.
type Accepting = Pin<Box<dyn Future<Output = usize> + Send>>;

/// Listeners with their faces, and the limits that they share.
pub struct Server {
    admission: Arc<Admission>,
    stop: watch::Sender<bool>,
    accepting: Vec<Accepting>,
}

impl Server {
    pub fn new(limits: Limits) -> Server {
        Server {
            admission: Arc::new(Admission::new(limits)),
            stop: watch::Sender::new(false),
            accepting: Vec::new(),
        }
    }

    /// Serves `face` on `listener`, with request bodies of at most `body_bytes`. Clients are answered while the server
    /// [runs](Self::run).
    pub fn add<F: Face>(&mut self, listener: Listener, face: Arc<F>, body_bytes: usize) {
        let admission = Arc::clone(&self.admission);
        let shared = Arc::new(Shared { face, body_bytes, listener: admission.add_listener(), admission });
        self.accepting.push(Box::pin(accept::connections(listener, shared, self.stop.subscribe())));
    }

    /// A function that adds the server's metrics to a page. It can outlive the server.
    pub fn meter(&self) -> impl Fn(&mut Page) + Send + Sync + 'static {
        let admission = Arc::clone(&self.admission);
        move |page| admission.meter(page)
    }

    /// Serves until `shutdown` is ready, then stops gracefully: it accepts no new connections, closes idle ones and
    /// answers requests in flight with `connection: close`. Returns how many connections were still busy after
    /// [`Limits::drain`] and were cut.
    ///
    /// Dropping the future cuts all connections at once.
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
