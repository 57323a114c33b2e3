//! Input for a program as it is sent.

use serde::Serialize;
use tokio::sync::mpsc;

use crate::bytes::encode;

/// The most bytes of standard input in one frame.
const PIECE_BYTES: usize = 16 * 1024;

/// Sends input to a program. Clones send to the same one. Dropping it does not end the input, see [`Self::eof`].
#[derive(Debug, Clone)]
pub struct InputSender(mpsc::Sender<Frame>);

/// The conversation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the program takes no more input")]
pub struct InputClosed;

/// What is sent to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Frame {
    Stdin { data: String, encoding: &'static str },
    Eof,
    Signal { name: String },
    Resize { cols: u16, rows: u16 },
}

impl InputSender {
    pub(super) const fn new(sender: mpsc::Sender<Frame>) -> Self {
        Self(sender)
    }

    /// Writes to the standard input of the program. Waits while much of it is not sent.
    ///
    /// CANCEL: part of it may have been sent.
    ///
    /// # Errors
    ///
    /// [`InputClosed`] when the conversation is over.
    pub async fn stdin(&self, bytes: &[u8]) -> Result<(), InputClosed> {
        for piece in bytes.chunks(PIECE_BYTES) {
            self.send(Frame::Stdin { data: encode(piece), encoding: "base64" }).await?;
        }
        Ok(())
    }

    /// Ends the standard input of the program.
    ///
    /// # Errors
    ///
    /// [`InputClosed`] when the conversation is over.
    pub async fn eof(&self) -> Result<(), InputClosed> {
        self.send(Frame::Eof).await
    }

    /// Sends a signal such as `SIGINT` to the program, after the input before it.
    ///
    /// # Errors
    ///
    /// [`InputClosed`] when the conversation is over.
    pub async fn signal(&self, name: &str) -> Result<(), InputClosed> {
        self.send(Frame::Signal { name: name.to_owned() }).await
    }

    /// Gives the program's terminal another size, from 1 to 1000 each.
    ///
    /// # Errors
    ///
    /// [`InputClosed`] when the conversation is over.
    pub async fn resize(&self, cols: u16, rows: u16) -> Result<(), InputClosed> {
        self.send(Frame::Resize { cols, rows }).await
    }

    async fn send(&self, frame: Frame) -> Result<(), InputClosed> {
        self.0.send(frame).await.map_err(|_| InputClosed)
    }
}

impl Frame {
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn input_has_the_form_of_the_api() {
        let (sender, mut receiver) = mpsc::channel(8);
        let sender = InputSender::new(sender);
        sender.stdin(b"\xffa").await.unwrap();
        sender.eof().await.unwrap();
        sender.signal("SIGINT").await.unwrap();
        sender.resize(80, 24).await.unwrap();
        for json in [
            r#"{"type":"stdin","data":"/2E=","encoding":"base64"}"#,
            r#"{"type":"eof"}"#,
            r#"{"type":"signal","name":"SIGINT"}"#,
            r#"{"type":"resize","cols":80,"rows":24}"#,
        ] {
            assert_eq!(receiver.recv().await.unwrap().to_json(), json);
        }
        drop(receiver);
        assert_eq!(sender.eof().await, Err(InputClosed));
    }
}
