//! The accept loop of one listener. It owns its connections until the graceful stop ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use super::answer::{Context, Shared};
use super::listener::Listener;
use super::{connection, ending, opening};
use crate::face::{Face, Peer};
use crate::wire::Opening;

/// Accepts connections until `stop` is true, then drains. Returns how many connections were cut.
pub(super) async fn connections<F: Face>(
    mut listener: Listener,
    shared: Arc<Shared<F>>,
    mut stop: watch::Receiver<bool>,
) -> usize {
    let mut open = JoinSet::new();
    let stop_connections = stop.clone();
    loop {
        tokio::select! {
            biased;
            // An error means that the server was dropped.
            _ = stop.wait_for(|stop| *stop) => break,
            Some(ended) = open.join_next() => log_panic(ended),
            (stream, local, remote) = listener.accept() => {
                let owner = listener.owner(local);
                let accepts = |node: u32| shared.face.accepts_connections(node, listener.is_tls());
                let Some(node) = owner.filter(|node| node.is_none_or(accepts)) else {
                    shared.admission.count_reset();
                    ending::reset(stream);
                    continue;
                };
                let peer = Peer { local, remote, tls: listener.is_tls(), node, sni: None };
                let opening = shared.face.opening(&peer);
                if opening == Some(Opening::Reset) {
                    shared.admission.count_reset();
                    ending::reset(stream);
                    continue;
                }
                let Some(slot) = shared.admission.admit(shared.listener, &peer) else { continue };
                let context = Context::new(Arc::clone(&shared), peer, slot);
                let (tls, stop) = (listener.tls.clone(), stop_connections.clone());
                match opening {
                    None => open.spawn(connection::run(stream, tls, context, stop)),
                    Some(opening) => open.spawn(opening::run(opening, stream, tls, context, stop)),
                };
            }
        }
    }
    drop(listener);
    drain(open, shared.admission.limits.drain).await
}

/// Waits up to `limit` for the connections to end. Cuts the remaining ones and returns their number.
async fn drain(mut open: JoinSet<()>, limit: Duration) -> usize {
    let all_ended = async {
        while let Some(ended) = open.join_next().await {
            log_panic(ended);
        }
    };
    if timeout(limit, all_ended).await.is_ok() {
        return 0;
    }
    let cut = open.len();
    open.shutdown().await;
    cut
}

fn log_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection ended with a panic, which is a bug in fauxmetal");
    }
}
