//! Asking.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::Script;
use redis::aio::MultiplexedConnection;
use runbay_engine::CheckFault;
use runbay_engine::Checker;
use runbay_model::CheckReport;
use runbay_model::Diagnostic;
use runbay_model::LanguageId;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_redis::CALL_DEADLINE;
use runbay_redis::Error;
use runbay_redis::Prefix;
use runbay_redis::Redis;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use uuid::Uuid;

use crate::KEPT;
use crate::MAX_WAITING;
use crate::TURN;
use crate::WORK;
use crate::keys::Keys;
use crate::message::Reply;
use crate::message::Request;
use crate::millis;

/// Adds a request, unless too many wait; answers whether it did.
const ASK: &str = "
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('RPUSH', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
";

/// Has code checked by a worker that serves its language.
pub struct RemoteChecker {
    redis: Redis,
    keys: Keys,
    ask: Script,
    places: Arc<Semaphore>,
}

/// Why a worker gave no report.
#[derive(Debug, thiserror::Error)]
pub enum RemoteFault {
    /// There is no way to a worker.
    #[error("no worker can be asked")]
    Redis(#[from] Error),
    /// A worker has begun and says nothing more.
    #[error("the worker that checks the code does not answer")]
    Silent,
    /// A worker's checker did not work.
    #[error("the worker says: {0}")]
    Worker(String),
    /// What a worker says makes no sense to this version.
    #[error("what the worker says cannot be read")]
    Unreadable(#[source] serde_json::Error),
}

impl From<RemoteFault> for CheckFault {
    fn from(fault: RemoteFault) -> Self {
        Self::Failed(Box::new(fault))
    }
}

impl RemoteChecker {
    /// Makes a checker of the keys that begin with `prefix`.
    #[must_use]
    pub fn new(redis: Redis, prefix: &Prefix) -> Self {
        let places = Arc::new(Semaphore::new(MAX_WAITING));
        Self { redis, keys: Keys::new(prefix), ask: Script::new(ASK), places }
    }

    /// Adds a request; false when too many wait.
    async fn ask(&self, id: Uuid, language: &LanguageId, request: &Request) -> Result<bool, RemoteFault> {
        let request = serde_json::to_string(request).map_err(RemoteFault::Unreadable)?;
        let mut call = self.ask.prepare_invoke();
        call.key(self.keys.waiting(language)).key(self.keys.request(id));
        call.arg(MAX_WAITING).arg(request).arg(millis(TURN)).arg(id.to_string());
        Ok(self.redis.script::<i64>(&call).await? == 1)
    }

    /// Waits for the next reply; none when none comes in time.
    async fn reply(
        &self,
        connection: &mut MultiplexedConnection,
        id: Uuid,
        wait: Duration,
    ) -> Result<Option<Reply>, RemoteFault> {
        let mut command = redis::cmd("BLPOP");
        command.arg(self.keys.reply(id)).arg(wait.as_secs_f64());
        let popped: Option<(String, String)> =
            match timeout(wait + CALL_DEADLINE, command.query_async(connection)).await {
                Ok(popped) => popped.map_err(|error| self.redis.explain(&error))?,
                Err(_) => return Err(self.redis.silent().into()),
            };
        popped.map(|(_, reply)| serde_json::from_str(&reply).map_err(RemoteFault::Unreadable)).transpose()
    }
}

#[async_trait]
impl Checker for RemoteChecker {
    async fn check(
        &self,
        tenant: &TenantId,
        language: &LanguageId,
        sources: &Sources,
    ) -> Result<CheckReport, CheckFault> {
        let _place = self.places.try_acquire().map_err(|_| CheckFault::Busy)?;
        let id = Uuid::new_v4();
        let mut connection = self.redis.dedicated().await.map_err(RemoteFault::from)?;
        // CANCEL: from here on a dropped call tells whoever may have taken the request.
        let farewell = Farewell { redis: self.redis.clone(), keys: self.keys.clone(), id, is_due: true };
        if !self.ask(id, language, &Request::new(tenant, language, sources)).await? {
            return Err(CheckFault::Busy);
        }
        let first = self.reply(&mut connection, id, TURN).await?;
        let last = match first {
            Some(Reply::Begun) => self.reply(&mut connection, id, WORK).await?.ok_or(RemoteFault::Silent)?,
            Some(reply) => reply,
            None => return Err(CheckFault::Busy),
        };
        farewell.leave_out();
        match last {
            Reply::Report { diagnostics, message } => {
                Ok(CheckReport { diagnostics: diagnostics.into_iter().map(Diagnostic::from).collect(), message })
            }
            Reply::Busy => Err(CheckFault::Busy),
            Reply::Failed(cause) => Err(RemoteFault::Worker(cause).into()),
            Reply::Begun => Err(RemoteFault::Silent.into()),
        }
    }
}

/// Takes a request back when it is dropped.
struct Farewell {
    redis: Redis,
    keys: Keys,
    id: Uuid,
    is_due: bool,
}

impl Farewell {
    /// Drops it without a word.
    fn leave_out(mut self) {
        self.is_due = false;
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else { return };
        if !self.is_due {
            return;
        }
        let (redis, request, gone) = (self.redis.clone(), self.keys.request(self.id), self.keys.gone(self.id));
        runtime.spawn(async move {
            let mut pipeline = redis::pipe();
            pipeline.del(request).ignore();
            pipeline.rpush(&gone, 1).ignore();
            pipeline.cmd("PEXPIRE").arg(&gone).arg(millis(KEPT)).ignore();
            if let Err(error) = redis.pipeline::<()>(&pipeline).await {
                // It expires, and a check that has begun ends by itself.
                tracing::debug!(%error, "a check goes on although nobody waits for it");
            }
        });
    }
}
