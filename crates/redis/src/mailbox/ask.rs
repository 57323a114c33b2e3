//! Sending a message and waiting for its reply.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;
use redis::aio::MultiplexedConnection;
use tokio::time::Instant;
use uuid::Uuid;

use super::frame::Frame;
use super::mailboxes::Mailboxes;
use super::mailboxes::millis;
use super::withdrawal::Withdrawal;
use crate::Error;

static SEND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/send.lua")));

/// Who is to take a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient<'a> {
    /// Any receiver of this mailbox, one that comes later included.
    Any(&'a str),
    /// The one receiver of this mailbox, which has to be there already.
    One(&'a str),
}

/// Why a message has no reply.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Too many messages wait; the message was not sent.
    #[error("too many messages wait already: send it again later")]
    Full,
    /// The message is too large; it was not sent.
    #[error("the message has {bytes} bytes, at most {most} are allowed")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The longest that is allowed.
        most: usize,
    },
    /// The mailbox has no receiver; the message was not sent.
    #[error("nobody receives messages there")]
    Nobody,
    /// No receiver took the message in time; none will.
    #[error("nobody took the message in time")]
    NotTaken,
    /// A receiver took the message and shows no sign of life.
    #[error("the receiver of the message is gone")]
    Lost,
    /// A receiver worked on the message for longer than it may.
    #[error("the receiver of the message did not reply in time")]
    Late,
    /// What the receiver says makes no sense to this version.
    #[error("what the receiver says cannot be read")]
    Unreadable,
    /// Redis does not work; the message may have been taken.
    #[error("messages cannot be sent")]
    Redis(#[from] Error),
}

impl Recipient<'_> {
    fn mailbox(&self) -> &str {
        match self {
            Self::Any(mailbox) | Self::One(mailbox) => mailbox,
        }
    }
}

impl Mailboxes {
    /// Sends a message and waits for the reply.
    ///
    /// CANCEL: whoever works on the message is told to stop.
    ///
    /// # Errors
    ///
    /// [`AskError`] when there is no reply in time.
    pub async fn ask(&self, recipient: Recipient<'_>, body: &[u8]) -> Result<Vec<u8>, AskError> {
        let most = self.limits.bytes;
        if body.len() > most {
            return Err(AskError::TooLarge { bytes: body.len(), most });
        }
        let _permit = self.permits.try_acquire().map_err(|_| AskError::Full)?;
        // First, so that nobody works on a message whose reply cannot be read.
        let mut connection = self.redis.dedicated().await?;
        let id = Uuid::new_v4();
        let withdrawal = Withdrawal::new(self, recipient.mailbox(), id);
        match self.send(recipient, id, body).await {
            Ok(()) => {}
            Err(error @ (AskError::Full | AskError::Nobody)) => {
                withdrawal.leave_out();
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        let reply = self.reply(&mut connection, id).await?;
        withdrawal.leave_out();
        Ok(reply)
    }

    async fn send(&self, recipient: Recipient<'_>, id: Uuid, body: &[u8]) -> Result<(), AskError> {
        let mailbox = recipient.mailbox();
        let mut call = SEND.prepare_invoke();
        call.key(self.keys.waiting(mailbox)).key(self.keys.message(id)).key(self.keys.receiver(mailbox));
        call.arg(id.to_string()).arg(body).arg(self.limits.messages).arg(millis(self.limits.wait));
        call.arg(u8::from(matches!(recipient, Recipient::One(_))));
        match self.redis.script::<String>(&call).await?.as_str() {
            "sent" => Ok(()),
            "nobody" => Err(AskError::Nobody),
            _ => Err(AskError::Full),
        }
    }

    async fn reply(&self, connection: &mut MultiplexedConnection, id: Uuid) -> Result<Vec<u8>, AskError> {
        let mut frame = self.next_frame(connection, id, self.limits.wait).await?.ok_or(AskError::NotTaken)?;
        let silence = self.limits.silence;
        let deadline = Instant::now() + self.limits.work;
        loop {
            if let Frame::Reply(body) = frame {
                return Ok(body);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let missing = if left < silence { AskError::Late } else { AskError::Lost };
            frame = self.next_frame(connection, id, left.min(silence)).await?.ok_or(missing)?;
        }
    }

    async fn next_frame(
        &self,
        connection: &mut MultiplexedConnection,
        id: Uuid,
        wait: Duration,
    ) -> Result<Option<Frame>, AskError> {
        match self.pop::<Vec<u8>>(connection, &[self.keys.frames(id)], wait).await? {
            Some((_, bytes)) => Frame::decode(bytes).map(Some).ok_or(AskError::Unreadable),
            None => Ok(None),
        }
    }
}
