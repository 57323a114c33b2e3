//! Sending.

use async_trait::async_trait;
use runbay_engine::InputRefused;
use runbay_engine::RemotePrograms;
use runbay_engine::Unreachable;
use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_model::LiveInput;
use runbay_model::WorkerId;
use runbay_redis::AskError;
use runbay_redis::Mailboxes;
use runbay_redis::Prefix;
use runbay_redis::Recipient;
use runbay_redis::Redis;

use crate::mailbox;
use crate::mailboxes;
use crate::message::Message;
use crate::message::Reply;

/// Sends input to the workers that run the programs; cheap to clone.
#[derive(Clone)]
pub struct RemoteInputs {
    mailboxes: Mailboxes,
}

/// Why a worker did not say what became of some input.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// See [`AskError`].
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The reply makes no sense to this version.
    #[error("the reply cannot be read")]
    Reply(#[from] serde_json::Error),
}

impl RemoteInputs {
    /// Sends over this Redis.
    #[must_use]
    pub fn new(redis: Redis, prefix: &Prefix) -> Self {
        Self { mailboxes: mailboxes(redis, prefix) }
    }

    async fn ask(&self, worker: WorkerId, message: &Message) -> Result<Reply, Unanswered> {
        let body = serde_json::to_vec(message)?;
        let reply = self.mailboxes.ask(Recipient::One(&mailbox(worker)), &body).await?;
        Ok(serde_json::from_slice(&reply)?)
    }
}

#[async_trait]
impl RemotePrograms for RemoteInputs {
    async fn send(
        &self,
        worker: WorkerId,
        execution: ExecutionId,
        attempt: Attempt,
        input: &LiveInput,
    ) -> Result<Result<(), InputRefused>, Unreachable> {
        match self.ask(worker, &Message::new(execution, attempt, input)).await {
            Ok(reply) => Ok(reply.into()),
            // It was not sent, and there may be room in a moment.
            Err(Unanswered::Ask(AskError::Full)) => Ok(Err(InputRefused::Later)),
            Err(error) => Err(Unreachable(error.into())),
        }
    }
}
