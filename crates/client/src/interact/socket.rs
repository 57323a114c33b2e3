//! One WebSocket.
//!
//! reqwest connects and asks for the upgrade, so that encryption, proxies, the key and problem documents are the same as
//! for other requests.

use std::fmt;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use futures_util::SinkExt;
use futures_util::StreamExt;
use reqwest::Method;
use reqwest::Response;
use reqwest::StatusCode;
use reqwest::Upgraded;
use reqwest::header::CONNECTION;
use reqwest::header::SEC_WEBSOCKET_ACCEPT;
use reqwest::header::SEC_WEBSOCKET_KEY;
use reqwest::header::SEC_WEBSOCKET_VERSION;
use reqwest::header::UPGRADE;
use runbay_model::ExecutionId;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::Frame;
use super::InteractError;
use crate::Client;
use crate::RequestError;
use crate::error::MOST_BYTES;
use crate::event::EXACT;
use crate::send::ANSWER;
use crate::send::open;

/// Codes with which a server ends a conversation for good. After others the client comes back.
const FINAL_CODES: &[u16] = &[1009, 4400, 4401, 4404];

/// A connection, and what is on its way.
pub(super) struct Socket {
    stream: WebSocketStream<Upgraded>,
    has_unsent: bool,
    has_sent: bool,
}

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum Closed {
    Broken,
    TooLarge,
    ByServer { code: u16, reason: String },
}

impl Socket {
    /// Asks for a connection that begins after event number `last_id`.
    pub(super) fn connect(
        client: &Client,
        execution: ExecutionId,
        last_id: Option<u64>,
    ) -> impl Future<Output = Result<Self, InteractError>> + Send + use<> {
        let key = generate_key();
        let mut request = client.execution(Method::GET, execution, &["ws"]).query(&[EXACT]);
        if let Some(id) = last_id {
            request = request.query(&[("last_event_id", id)]);
        }
        request = request
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key);
        async move {
            let response = timeout(ANSWER, open(request)).await.unwrap_or(Err(RequestError::Silent))?;
            if !is_accepted(&response, &key) {
                return Err(InteractError::NoWebSocket);
            }
            let upgraded = response.upgrade().await.map_err(RequestError::Connection)?;
            let limits = WebSocketConfig::default().max_message_size(Some(MOST_BYTES)).max_frame_size(Some(MOST_BYTES));
            let stream = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(limits)).await;
            Ok(Self { stream, has_unsent: false, has_sent: false })
        }
    }

    /// Returns whether any input was sent.
    pub(super) const fn has_sent(&self) -> bool {
        self.has_sent
    }

    /// Sends input as far as the connection takes it, and returns the next text of the server; none for a sign of life.
    ///
    /// Both at once, since neither side may wait for the other: a server stops reading while the program does.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        input: &mut mpsc::Receiver<Frame>,
    ) -> Poll<Result<Option<Utf8Bytes>, Closed>> {
        let has_failed = self.poll_send(context, input).is_ready();
        match self.poll_receive(context) {
            // What the server said last may say why.
            Poll::Pending if has_failed => Poll::Ready(Err(Closed::Broken)),
            received => received,
        }
    }

    /// Is ready only when the connection broke.
    fn poll_send(&mut self, context: &mut Context<'_>, input: &mut mpsc::Receiver<Frame>) -> Poll<Error> {
        loop {
            if self.has_unsent {
                if let Err(error) = ready!(self.stream.poll_flush_unpin(context)) {
                    return Poll::Ready(error);
                }
                self.has_unsent = false;
            }
            if let Err(error) = ready!(self.stream.poll_ready_unpin(context)) {
                return Poll::Ready(error);
            }
            let Some(frame) = ready!(input.poll_recv(context)) else {
                return Poll::Pending;
            };
            (self.has_unsent, self.has_sent) = (true, true);
            if let Err(error) = self.stream.start_send_unpin(Message::text(frame.to_json())) {
                return Poll::Ready(error);
            }
        }
    }

    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Utf8Bytes>, Closed>> {
        Poll::Ready(match ready!(self.stream.poll_next_unpin(context)) {
            Some(Ok(Message::Text(text))) => Ok(Some(text)),
            Some(Ok(Message::Close(frame))) => Err(Closed::of_frame(frame)),
            Some(Ok(_)) => Ok(None),
            Some(Err(Error::Capacity(_))) => Err(Closed::TooLarge),
            Some(Err(_)) | None => Err(Closed::Broken),
        })
    }
}

impl Closed {
    fn of_frame(frame: Option<CloseFrame>) -> Self {
        match frame {
            Some(frame) if FINAL_CODES.contains(&frame.code.into()) => {
                Self::ByServer { code: frame.code.into(), reason: frame.reason.to_string() }
            }
            _ => Self::Broken,
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("has_unsent", &self.has_unsent).finish_non_exhaustive()
    }
}

fn is_accepted(response: &Response, key: &str) -> bool {
    let accept = response.headers().get(SEC_WEBSOCKET_ACCEPT);
    response.status() == StatusCode::SWITCHING_PROTOCOLS
        && accept.is_some_and(|accept| accept.as_bytes() == derive_accept_key(key.as_bytes()).as_bytes())
}
