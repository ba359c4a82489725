//! The loop of one listener: it owns its connections, from the accept to the last byte of a graceful stop.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use super::answer::{Context, Shared};
use super::{Listener, connection};
use crate::face::{Face, Peer};

/// Accepts until told to stop, then drains. Returns how many connections were cut.
pub(super) async fn connections<F: Face>(
    mut listener: Listener,
    shared: Arc<Shared<F>>,
    mut stop: watch::Receiver<bool>,
) -> usize {
    let mut open = JoinSet::new();
    let told = stop.clone();
    loop {
        tokio::select! {
            biased;
            // An error means that the server itself is gone.
            _ = stop.wait_for(|stop| *stop) => break,
            Some(ended) = open.join_next() => note(ended),
            (stream, local, remote) = listener.accept() => {
                let whose = listener.whose(local).filter(|node| node.is_none_or(|n| shared.face.is_home(n)));
                let Some(node) = whose else {
                    shared.admission.nobody();
                    reset(stream);
                    continue;
                };
                let peer = Peer { local, remote, tls: listener.is_tls(), node, sni: None };
                let Some(seat) = shared.admission.admit(&peer) else { continue };
                let context = Context::new(Arc::clone(&shared), peer, seat);
                open.spawn(connection::run(stream, listener.tls.clone(), context, told.clone()));
            }
        }
    }
    drop(listener);
    drain(open, shared.admission.limits.drain).await
}

/// Ends a connection to nobody as a host without a listener does: with a reset, and nothing left to wait for.
fn reset(stream: TcpStream) {
    // If it cannot be set, the connection is closed in order instead.
    let _ = stream.set_zero_linger();
    drop(stream);
}

/// Waits for the connections to end by themselves, and cuts those that do not in time.
async fn drain(mut open: JoinSet<()>, limit: Duration) -> usize {
    let all_ended = async {
        while let Some(ended) = open.join_next().await {
            note(ended);
        }
    };
    if timeout(limit, all_ended).await.is_ok() {
        return 0;
    }
    let cut = open.len();
    open.shutdown().await;
    cut
}

fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection failed by a defect of the server");
    }
}
