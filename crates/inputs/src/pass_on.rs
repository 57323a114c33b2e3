//! Passing on.

use std::time::Duration;

use runbay_engine::Engine;
use runbay_engine::InputRefused;
use runbay_model::WorkerId;
use runbay_redis::AnswerError;
use runbay_redis::Prefix;
use runbay_redis::ReceiveError;
use runbay_redis::Receiver;
use runbay_redis::Redis;
use tokio_util::sync::CancellationToken;

use crate::mailbox;
use crate::mailboxes;
use crate::message::Message;
use crate::message::Reply;

/// How long to wait before asking a Redis again that did not answer.
const PAUSE: Duration = Duration::from_millis(500);

/// What a worker needs to pass input on.
pub struct PassingOn {
    /// The Redis with the messages.
    pub redis: Redis,
    /// What the names of its keys begin with.
    pub prefix: Prefix,
    /// Knows the programs of this process.
    pub engine: Engine,
    /// The worker of this process.
    pub worker: WorkerId,
}

/// Passes input on to the programs of this process until `stop` is cancelled.
///
/// CANCEL: a message that was taken meanwhile is lost, and its sender is told so.
pub async fn pass_on_inputs(passing_on: PassingOn, stop: CancellationToken) {
    let PassingOn { redis, prefix, engine, worker } = passing_on;
    let mailboxes = mailboxes(redis, &prefix);
    let mut receiver = None;
    while !stop.is_cancelled() {
        let passed_on = match &mut receiver {
            Some(receiver) => pass_on_next(receiver, &engine).await,
            None => mailboxes.receive_alone(&mailbox(worker)).await.map(|made| receiver = Some(made)),
        };
        if let Err(error) = passed_on {
            tracing::debug!(error = &error as &dyn std::error::Error, "input for programs cannot be read");
            // Redis may have forgotten whose mailbox it is.
            receiver = None;
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
}

async fn pass_on_next(receiver: &mut Receiver, engine: &Engine) -> Result<(), ReceiveError> {
    let Some(message) = receiver.next().await? else {
        return Ok(());
    };
    let sent = match Message::parse(message.body()) {
        Some((execution, attempt, input)) => engine.send_here(execution, attempt, &input),
        None => Err(InputRefused::Never),
    };
    let reply = serde_json::to_vec(&Reply::from(sent)).unwrap_or_default();
    match message.answer(std::future::ready(reply)).await {
        Ok(()) => Ok(()),
        Err(AnswerError::Redis(error)) => Err(error.into()),
        Err(error) => {
            tracing::debug!(%error, "nobody waits for what became of some input");
            Ok(())
        }
    }
}
