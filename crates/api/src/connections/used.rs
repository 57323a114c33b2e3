//! A request that is being answered on a connection.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use axum::body::Body;
use axum::body::Bytes;
use axum::body::HttpBody;
use axum::response::Response;
use hyper::body::Frame;
use hyper::body::SizeHint;

use super::Connections;

/// A request that is being answered; its connection is not idle until this is dropped.
#[derive(Debug)]
pub(crate) struct Used {
    connections: Connections,
    number: u64,
}

impl Used {
    pub(super) fn new(connections: Connections, number: u64) -> Self {
        connections.lock().begin(number);
        Self { connections, number }
    }

    /// Keeps the connection in use until all of the answer was handed over to be sent.
    pub(crate) fn until_sent(self, answer: Response) -> Response {
        answer.map(|body| Body::new(Sent { body, _used: self }))
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        self.connections.lock().end(self.number);
    }
}

struct Sent {
    body: Body,
    _used: Used,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
