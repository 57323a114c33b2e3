//! Answering.

use std::sync::Arc;
use std::time::Duration;

use runbay_engine::Checker;
use runbay_model::LanguageId;
use runbay_redis::AnswerError;
use runbay_redis::Prefix;
use runbay_redis::ReceiveError;
use runbay_redis::Receiver;
use runbay_redis::Redis;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::mailboxes;
use crate::message::Reply;
use crate::message::Request;

/// How long to wait before asking a Redis again that did not answer.
const PAUSE: Duration = Duration::from_millis(500);

/// What a worker needs to answer checks.
pub struct Answering {
    /// The Redis with the requests.
    pub redis: Redis,
    /// What the names of its keys begin with.
    pub prefix: Prefix,
    /// Who checks the code.
    pub checker: Arc<dyn Checker>,
    /// The languages with a checker.
    pub languages: Vec<LanguageId>,
    /// How many checks are under way at one time.
    pub slots: usize,
}

/// Answers requests until `stop` is cancelled and what was begun has ended.
///
/// CANCEL: dropping the future lets what was begun go on to its end.
pub async fn answer_checks(answering: Answering, stop: CancellationToken) {
    let Answering { redis, prefix, checker, languages, slots } = answering;
    if languages.is_empty() {
        return;
    }
    let (mailboxes, tasks) = (mailboxes(redis, &prefix), TaskTracker::new());
    for _ in 0..slots {
        let receiver = mailboxes.receive(languages.iter().map(LanguageId::as_str));
        tasks.spawn(Slot { receiver, checker: Arc::clone(&checker) }.answer(stop.clone()));
    }
    tasks.close();
    tasks.wait().await;
}

/// Answers one request after the other.
struct Slot {
    receiver: Receiver,
    checker: Arc<dyn Checker>,
}

impl Slot {
    async fn answer(mut self, stop: CancellationToken) {
        // Not cancelled while it takes a request, which would be lost.
        while !stop.is_cancelled() {
            if let Err(error) = self.answer_next().await {
                tracing::debug!(error = &error as &dyn std::error::Error, "requests for checks cannot be read");
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        }
    }

    async fn answer_next(&mut self) -> Result<(), ReceiveError> {
        let Some(message) = self.receiver.next().await? else {
            return Ok(());
        };
        match message.answer(self.check(message.body())).await {
            Ok(()) => {}
            Err(AnswerError::Redis(error)) => return Err(error.into()),
            Err(error) => tracing::debug!(%error, "a check was given up"),
        }
        Ok(())
    }

    async fn check(&self, request: &[u8]) -> Vec<u8> {
        let reply = match Request::parse(request) {
            Ok((tenant, language, sources)) => self.checker.check(&tenant, &language, &sources).await.into(),
            Err(error) => Reply::Failed(format!("the request cannot be read: {error}")),
        };
        serde_json::to_vec(&reply).unwrap_or_default()
    }
}
