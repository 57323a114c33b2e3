//! Answering.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use runbay_engine::CheckFault;
use runbay_engine::Checker;
use runbay_model::LanguageId;
use runbay_redis::CALL_DEADLINE;
use runbay_redis::Error;
use runbay_redis::Prefix;
use runbay_redis::Redis;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::KEPT;
use crate::WORK;
use crate::keys::Keys;
use crate::message::Reply;
use crate::message::Request;
use crate::millis;

/// How long one question for requests waits at the server, and with it the end of a worker that is told to stop.
const WAIT: Duration = Duration::from_millis(500);

/// How long to wait before asking a Redis again that did not answer.
const PAUSE: Duration = Duration::from_millis(500);

/// What a worker needs to answer checks.
pub struct Answering {
    /// Where requests and replies are.
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
    let (keys, tasks) = (Keys::new(&prefix), TaskTracker::new());
    for _ in 0..slots {
        let waiting = languages.iter().map(|language| keys.waiting(language)).collect();
        let slot = Slot { redis: redis.clone(), keys: keys.clone(), checker: Arc::clone(&checker), waiting };
        tasks.spawn(slot.answer(stop.clone()));
    }
    tasks.close();
    tasks.wait().await;
}

/// Answers one request after the other.
struct Slot {
    redis: Redis,
    keys: Keys,
    checker: Arc<dyn Checker>,
    /// The lists of requests; the one that was served last is the last.
    waiting: Vec<String>,
}

impl Slot {
    async fn answer(mut self, stop: CancellationToken) {
        let mut connection = None;
        // Not cancelled in the middle of a question: what was taken then would be lost.
        while !stop.is_cancelled() {
            if let Err(error) = self.answer_next(&mut connection).await {
                connection = None;
                tracing::debug!(%error, "requests for checks cannot be read");
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        }
    }

    async fn answer_next(&mut self, connection: &mut Option<MultiplexedConnection>) -> Result<(), Error> {
        let questions = match connection {
            Some(connection) => connection,
            None => connection.insert(self.redis.dedicated().await?),
        };
        let Some((list, id)) = pop(&self.redis, questions, &self.waiting, WAIT).await? else {
            return Ok(());
        };
        if let Some(index) = self.waiting.iter().position(|waiting| *waiting == list) {
            self.waiting.rotate_left(index + 1);
        }
        let Ok(id) = id.parse() else {
            tracing::error!("a request for a check has no id; it was dropped");
            return Ok(());
        };
        let mut take = redis::cmd("GETDEL");
        // It has expired, or its client went away.
        let Some(text) = self.redis.query::<Option<String>>(take.arg(self.keys.request(id))).await? else {
            return Ok(());
        };
        self.reply(id, &Reply::Begun).await?;
        let gone = [self.keys.gone(id)];
        let reply = tokio::select! {
            reply = self.check(&text) => reply,
            // The connection is of no use afterwards, as its answer to this may still come.
            gone = pop(&self.redis, questions, &gone, WORK) => {
                *connection = None;
                return gone.map(drop);
            }
        };
        *connection = None;
        self.reply(id, &reply).await
    }

    async fn check(&self, text: &str) -> Reply {
        let request = match serde_json::from_str::<Request>(text) {
            Ok(request) => request,
            Err(error) => return Reply::Failed(format!("the request cannot be read: {error}")),
        };
        let sources = match request.sources() {
            Ok(sources) => sources,
            Err(error) => return Reply::Failed(format!("the request cannot be read: {error}")),
        };
        let (tenant, language) = (request.tenant(), request.language());
        let checking = timeout(WORK, self.checker.check(&tenant, &language, &sources));
        checking.await.unwrap_or_else(|elapsed| Err(CheckFault::Failed(Box::new(elapsed)))).into()
    }

    async fn reply(&self, id: Uuid, reply: &Reply) -> Result<(), Error> {
        let text = serde_json::to_string(reply).unwrap_or_default();
        let key = self.keys.reply(id);
        let mut pipeline = redis::pipe();
        pipeline.rpush(&key, text).ignore();
        pipeline.cmd("PEXPIRE").arg(&key).arg(millis(KEPT)).ignore();
        self.redis.pipeline(&pipeline).await
    }
}

/// Waits for an entry of one of these lists and takes it.
async fn pop(
    redis: &Redis,
    connection: &mut MultiplexedConnection,
    lists: &[String],
    wait: Duration,
) -> Result<Option<(String, String)>, Error> {
    let mut command = redis::cmd("BLPOP");
    command.arg(lists).arg(wait.as_secs_f64());
    match timeout(wait + CALL_DEADLINE, command.query_async(connection)).await {
        Ok(popped) => popped.map_err(|error| redis.explain(&error)),
        Err(_) => Err(redis.silent()),
    }
}
