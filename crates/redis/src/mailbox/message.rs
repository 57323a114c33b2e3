//! A message that was taken.

use std::future::Future;

use tokio::time::timeout;
use uuid::Uuid;

use super::frame::Frame;
use super::mailboxes::BEATS;
use super::mailboxes::KEPT;
use super::mailboxes::Mailboxes;
use super::mailboxes::millis;
use crate::Error;

/// A message that one receiver took; nobody else gets it.
pub struct Message {
    mailboxes: Mailboxes,
    id: Uuid,
    body: Vec<u8>,
}

/// Why a message was not answered.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The sender waits no longer.
    #[error("the sender of the message is gone")]
    Gone,
    /// The work took too long.
    #[error("the answer to a message was not ready in time")]
    Late,
    /// The answer is too large.
    #[error("the answer to a message has {0} bytes, which is too much")]
    TooLarge(usize),
    /// Redis does not work.
    #[error("a message cannot be answered")]
    Redis(#[from] Error),
}

impl Message {
    pub(super) fn new(mailboxes: &Mailboxes, id: Uuid, body: Vec<u8>) -> Self {
        Self { mailboxes: mailboxes.clone(), id, body }
    }

    /// Returns what the sender wrote.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Tells the sender that somebody works on the message, and sends what `work` returns.
    ///
    /// CANCEL: `work` is dropped, and the sender notices after a few seconds.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] when the sender goes away, the time is over or Redis does not work; `work` is dropped then.
    pub async fn answer(&self, work: impl Future<Output = Vec<u8>>) -> Result<(), AnswerError> {
        self.push(Frame::Working).await?;
        let reply = tokio::select! {
            worked = timeout(self.mailboxes.limits.work, work) => worked.map_err(|_| AnswerError::Late)?,
            error = self.sender_is_gone() => return Err(error),
        };
        if reply.len() > self.mailboxes.limits.bytes {
            return Err(AnswerError::TooLarge(reply.len()));
        }
        self.push(Frame::Reply(reply)).await?;
        Ok(())
    }

    /// Says again and again that somebody works on the message, until the sender is gone.
    async fn sender_is_gone(&self) -> AnswerError {
        match self.beat().await {
            Ok(()) => AnswerError::Gone,
            Err(error) => AnswerError::Redis(error),
        }
    }

    async fn beat(&self) -> Result<(), Error> {
        let mut connection = self.mailboxes.redis.dedicated().await?;
        let beat = self.mailboxes.limits.beat();
        let gone = [self.mailboxes.keys.gone(self.id)];
        while self.mailboxes.pop::<Vec<u8>>(&mut connection, &gone, beat).await?.is_none() {
            // A sender that is alive reads frames as they come.
            if self.push(Frame::Working).await? > BEATS {
                break;
            }
        }
        Ok(())
    }

    /// Adds a frame for the sender, and returns how many it has not read.
    async fn push(&self, frame: Frame) -> Result<u32, Error> {
        let key = self.mailboxes.keys.frames(self.id);
        let mut pipeline = redis::pipe();
        pipeline.rpush(&key, frame.encode());
        pipeline.cmd("PEXPIRE").arg(&key).arg(millis(KEPT)).ignore();
        let (unread,) = self.mailboxes.redis.pipeline(&pipeline).await?;
        Ok(unread)
    }
}
