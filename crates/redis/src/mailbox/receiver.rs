//! Taking messages.

use std::time::Duration;

use redis::aio::MultiplexedConnection;

use super::mailboxes::Mailboxes;
use super::message::Message;
use super::presence::Presence;
use crate::Error;

/// How long one look for messages waits at the server.
const LOOK: Duration = Duration::from_millis(500);

/// Takes messages from mailboxes, one after the other.
pub struct Receiver {
    mailboxes: Mailboxes,
    /// The lists of waiting messages; the one that was served last is the last.
    waiting: Vec<String>,
    connection: Option<MultiplexedConnection>,
    /// Set when it receives alone.
    presence: Option<Presence>,
}

/// Why no message can be taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Somebody else receives alone there.
    #[error("another receiver has this mailbox")]
    Occupied,
    /// Redis does not work.
    #[error("messages cannot be taken")]
    Redis(#[from] Error),
}

impl Mailboxes {
    /// Makes a receiver for messages to [`Recipient::Any`](super::Recipient::Any) of these mailboxes, of which there is
    /// at least one. There may be other receivers.
    #[must_use]
    pub fn receive<'a>(&self, mailboxes: impl IntoIterator<Item = &'a str>) -> Receiver {
        let waiting = mailboxes.into_iter().map(|mailbox| self.keys.waiting(mailbox)).collect();
        Receiver { mailboxes: self.clone(), waiting, connection: None, presence: None }
    }

    /// Makes the one receiver of a mailbox, for messages to [`Recipient::One`](super::Recipient::One), until it is
    /// dropped.
    ///
    /// Must be called within a tokio runtime, in which a task keeps the mailbox for it.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`] when the mailbox has another receiver, or Redis does not work.
    pub async fn receive_alone(&self, mailbox: &str) -> Result<Receiver, ReceiveError> {
        let presence = Presence::begin(self, mailbox).await?.ok_or(ReceiveError::Occupied)?;
        Ok(Receiver { presence: Some(presence), ..self.receive([mailbox]) })
    }
}

impl Receiver {
    /// Takes the next message; none when none comes within half a second.
    ///
    /// CANCEL: a message that was taken meanwhile is lost, and its sender waits in vain.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`] when Redis does not work, or the mailbox has another receiver by now.
    pub async fn next(&mut self) -> Result<Option<Message>, ReceiveError> {
        if self.presence.as_ref().is_some_and(Presence::is_lost) {
            return Err(ReceiveError::Occupied);
        }
        let Some((list, id)) = self.look().await? else {
            return Ok(None);
        };
        if let Some(index) = self.waiting.iter().position(|waiting| *waiting == list) {
            self.waiting.rotate_left(index + 1);
        }
        let Ok(id) = id.parse() else {
            tracing::error!("a message has no id; it was dropped");
            return Ok(None);
        };
        let mut take = redis::cmd("GETDEL");
        take.arg(self.mailboxes.keys.message(id));
        // Without a body it has expired, or was taken back.
        let body = self.mailboxes.redis.query::<Option<Vec<u8>>>(&take).await?;
        Ok(body.map(|body| Message::new(&self.mailboxes, id, body)))
    }

    async fn look(&mut self) -> Result<Option<(String, String)>, Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.mailboxes.redis.dedicated().await?,
        };
        let popped = self.mailboxes.pop(&mut connection, &self.waiting, LOOK).await?;
        // Only a connection whose last command was answered is kept.
        self.connection = Some(connection);
        Ok(popped)
    }
}
