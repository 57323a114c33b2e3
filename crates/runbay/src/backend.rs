//! Rows, queue and events: in this process, or at servers that several processes share.

use std::path::PathBuf;
use std::sync::Arc;

use runbay_engine::Engine;
use runbay_engine::RemotePrograms;
use runbay_events::EventBus;
use runbay_events::MemoryEventBus;
use runbay_events::MemoryEventBusLimits;
use runbay_events::RedisEventBus;
use runbay_events::RedisEventBusLimits;
use runbay_inputs::PassingOn;
use runbay_inputs::RemoteInputs;
use runbay_inputs::pass_on_inputs;
use runbay_model::WorkerId;
use runbay_queue::MemoryQueue;
use runbay_queue::Queue;
use runbay_queue::RedisQueue;
use runbay_redis::Address;
use runbay_redis::Prefix;
use runbay_redis::Redis;
use runbay_redis::Trouble;
use runbay_store::DatabaseSettings;
use runbay_store::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing::warn;

use crate::settings::AcceptanceSettings;
use crate::settings::BackendSettings;

/// Rows, queue and events.
pub(crate) struct Backend {
    pub(crate) store: Store,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) events: Arc<dyn EventBus>,
    pub(crate) redis: Option<SharedRedis>,
}

/// A Redis with the keys of one installation.
#[derive(Clone)]
pub(crate) struct SharedRedis {
    pub(crate) redis: Redis,
    pub(crate) prefix: Prefix,
}

/// What happens while Redis does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithoutQueue {
    /// Executions are accepted and wait until it does.
    Wait,
    /// The process does not start, and executions are refused.
    Refuse,
}

impl WithoutQueue {
    /// Returns the choice of the operator.
    pub(crate) fn of(acceptance: &AcceptanceSettings) -> Self {
        if acceptance.require_queue { Self::Refuse } else { Self::Wait }
    }
}

impl SharedRedis {
    /// Returns what reaches the programs that other processes run.
    pub(crate) fn programs(&self) -> Arc<dyn RemotePrograms> {
        Arc::new(RemoteInputs::new(self.redis.clone(), &self.prefix))
    }

    /// Passes the input of other processes on to the programs of this one, until `stop`.
    pub(crate) fn pass_on_inputs(&self, engine: &Engine, worker: WorkerId, stop: &CancellationToken) -> JoinHandle<()> {
        let Self { redis, prefix } = self.clone();
        tokio::spawn(pass_on_inputs(PassingOn { redis, prefix, engine: engine.clone(), worker }, stop.clone()))
    }
}

impl Backend {
    /// Opens the database, brings its tables up to date, and checks whether Redis can be used.
    ///
    /// `data_directory` is for SQLite only.
    pub(crate) async fn open(
        settings: &BackendSettings,
        data_directory: PathBuf,
        without_queue: WithoutQueue,
    ) -> anyhow::Result<Self> {
        let redis = match &settings.redis {
            Some(address) => Some(reach(address.clone(), &settings.redis_prefix, without_queue).await?),
            None => None,
        };
        let store = Store::open(&settings.database(data_directory)).await?;
        let (queue, events): (Arc<dyn Queue>, Arc<dyn EventBus>) = match redis.clone() {
            Some(SharedRedis { redis, prefix }) => (
                Arc::new(RedisQueue::new(redis.clone(), &prefix)),
                Arc::new(RedisEventBus::new(redis, &prefix, RedisEventBusLimits::default())),
            ),
            None => (Arc::new(MemoryQueue::new()), Arc::new(MemoryEventBus::new(MemoryEventBusLimits::default()))),
        };
        Ok(Self { store, queue, events, redis })
    }
}

impl BackendSettings {
    /// Returns the database to open; `data_directory` is for SQLite only.
    pub(crate) fn database(&self, data_directory: PathBuf) -> DatabaseSettings {
        DatabaseSettings {
            url: self.database.clone(),
            read_url: self.database_copy.clone(),
            data_directory,
            connections: self.database_connections,
        }
    }
}

/// Connects to Redis; fails when the trouble will not pass by itself.
async fn reach(address: Address, prefix: &Prefix, without_queue: WithoutQueue) -> anyhow::Result<SharedRedis> {
    let redis = Redis::open(address);
    match redis.check(prefix).await {
        Ok(checked) => {
            let version = checked.version.unwrap_or_default();
            info!(redis.address = %redis.address(), redis.version = version, "queue and events are in Redis");
            for advice in checked.advice {
                warn!(redis.address = %redis.address(), "{advice}");
            }
        }
        Err(error) if without_queue == WithoutQueue::Wait && may_pass(&error.trouble) => {
            warn!(%error, "executions wait until Redis can be used");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(SharedRedis { redis, prefix: prefix.clone() })
}

/// Returns whether the trouble may be over in a moment; a process that starts meanwhile is of use all the same.
fn may_pass(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Away(_) | Trouble::Silent | Trouble::Loading | Trouble::NotSaving | Trouble::Full)
}
