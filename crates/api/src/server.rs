//! The server loop: accepts connections, serves them and lets them end.

use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::admission::OnSpareConnection;
use crate::client_address::ClientAddress;
use crate::clients::Clients;
use crate::connections::Connections;
use crate::connections::Kept;
use crate::connections::Open;
use crate::router::router;
use crate::state::Api;
use crate::write_deadline::WriteDeadline;

/// The largest head of a request in bytes, and the most bytes that a connection buffers of a body.
const BUFFER_BYTES: usize = 64 * 1024;

/// The time that a client has for the head of a request; an idle connection is closed after the same time.
const HEAD: Duration = Duration::from_secs(60);

/// The time that requests have to end once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// The pause after an accept that failed for want of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The time that a connection which gives way has to end.
const GIVING_WAY: Duration = Duration::from_millis(250);

/// The time between two condensations of histograms, which bound their memory when nobody reads `/metrics`.
const UPKEEP: Duration = Duration::from_secs(5);

/// Serves the API until `shutdown` is cancelled and the requests that came before have ended.
///
/// The token should be the one in [`ApiParts::shutdown`](crate::ApiParts), so that long polls end with it. It waits
/// ten seconds at most for what has not ended by then.
///
/// CANCEL: without the future nobody is accepted; connections that are open end when `shutdown` is cancelled.
pub async fn serve(listener: TcpListener, api: Api, shutdown: CancellationToken) {
    let server = Server {
        router: router(api.clone()),
        clients: Arc::clone(api.clients()),
        connections: Connections::at_most(api.max_connections()),
        tasks: TaskTracker::new(),
        shutdown: shutdown.clone(),
    };
    tokio::select! {
        () = server.accept_from(&listener) => {}
        () = keep_metrics_small(&api) => {}
        () = shutdown.cancelled() => {}
    }
    // From here on the kernel refuses new clients.
    drop(listener);
    server.tasks.close();
    if timeout(DRAIN, server.tasks.wait()).await.is_err() {
        tracing::warn!(connections = server.tasks.len(), "connections dropped: their requests did not end in time");
    }
}

async fn keep_metrics_small(api: &Api) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        api.metrics().run_upkeep();
    }
}

struct Server {
    router: Router,
    clients: Arc<Clients>,
    connections: Connections,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Server {
    async fn accept_from(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.spawn(stream, peer.ip().to_canonical()),
                Err(error) if is_about_one_client(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "connections cannot be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn spawn(&self, stream: TcpStream, peer: IpAddr) {
        let open = self.connections.open(self.clients.of_peer(peer));
        self.tasks.spawn(serve_connection(stream, peer, open, self.router.clone(), self.shutdown.clone()));
    }
}

async fn serve_connection(stream: TcpStream, peer: IpAddr, open: Open, router: Router, shutdown: CancellationToken) {
    // Answers are small and written whole, so waiting for more to send only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "connection without TCP_NODELAY");
    }
    let open = Arc::new(open);
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(ClientAddress(peer));
        request.extensions_mut().insert(Kept(Arc::clone(&open)));
        if open.is_spare() {
            request.extensions_mut().insert(OnSpareConnection);
        }
        let (used, router) = (open.used(), router.clone());
        async move { router.oneshot(request).await.map(|answer| used.until_sent(answer)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(BUFFER_BYTES)
        .max_header_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(WriteDeadline::new(stream)), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = open.displaced() => {
            // The end of an answer may still be on its way.
            connection.as_mut().graceful_shutdown();
            timeout(GIVING_WAY, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = result {
        // Clients go away all the time, so only somebody who looks for a reason wants to know.
        tracing::debug!(%error, "connection ended early");
    }
}

fn is_about_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
