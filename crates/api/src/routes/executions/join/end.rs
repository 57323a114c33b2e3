//! The end of a conversation over a WebSocket.

use std::error::Error;
use std::time::Duration;

use axum::extract::ws::CloseFrame;
use axum::extract::ws::Message;
use axum::extract::ws::WebSocket;
use runbay_engine::SendError;
use tokio::task::yield_now;
use tokio::time::sleep;
use tokio::time::timeout;

/// How long the end of a conversation may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// The most frames that are read after the end, which a client may have sent before it knew.
const MOST_AFTER_END: usize = 256;

/// How long a client that sent no proper frame has to read why it is left. Nothing more can be read from it, and closing
/// a connection with unread bytes may take from it what it has not read itself.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Codes for frames after which nothing can be read: RFC 6455, section 7.4.
const BROKEN_FRAME: u16 = 1002;
const NO_TEXT: u16 = 1007;
const LONG_FRAME: u16 = 1009;

/// Why a conversation ends: RFC 6455, section 7.4, and codes of our own from 4000 on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    code: u16,
    reason: String,
}

impl End {
    pub(super) fn new(code: u16, reason: &str) -> Self {
        Self { code, reason: reason.to_owned() }
    }

    /// The client has gone, or closes.
    pub(super) fn gone() -> Self {
        Self::new(1000, "")
    }

    pub(super) fn of_broken(error: &axum::Error) -> Self {
        // The library tells what is wrong with a frame in words only.
        let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        if text.contains("too long") || text.contains("too big") || text.contains("too large") {
            return Self::new(LONG_FRAME, "frames have at most 64 KiB");
        }
        if text.starts_with("IO error") || text.contains("without closing") {
            return Self::gone();
        }
        if text.starts_with("UTF-8") {
            return Self::new(NO_TEXT, "frames are text in UTF-8");
        }
        Self::new(BROKEN_FRAME, "this is no WebSocket frame")
    }

    pub(super) fn of_unsent(error: &SendError) -> Self {
        tracing::debug!(%error, "input was not passed on");
        Self::new(1013, "the input could not be passed on: come back later")
    }

    /// Says why, and lets the client answer.
    pub(super) async fn tell(self, mut socket: WebSocket) {
        let Self { code, reason } = self;
        let is_broken = matches!(code, BROKEN_FRAME | NO_TEXT | LONG_FRAME);
        let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        let farewell = async {
            if socket.send(close).await.is_ok() {
                // What comes after the end is of no use, and a client that goes on sending is not listened to for long.
                for _ in 0..MOST_AFTER_END {
                    let Some(Ok(_)) = socket.recv().await else { break };
                    yield_now().await;
                }
                if is_broken {
                    sleep(LAST_WORDS).await;
                }
            }
        };
        drop(timeout(FAREWELL, farewell).await);
    }
}
