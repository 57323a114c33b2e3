//! Releasing delayed entries when they are due.

use std::sync::Arc;
use std::time::Duration;

use runbay_redis::Redis;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::keys::Keys;
use super::scripts::Scripts;

/// How often every process looks for entries whose process has died.
const PERIOD: Duration = Duration::from_secs(1);

/// How many entries of one lane one call releases; other calls come in between.
const BATCH: usize = 100;

/// A task that releases entries; stops when dropped.
pub(super) struct Releaser {
    task: JoinHandle<()>,
    added: Arc<Notify>,
}

impl Releaser {
    pub(super) fn start(redis: Redis, keys: Keys, scripts: Scripts) -> Self {
        let added = Arc::new(Notify::new());
        let task = tokio::spawn(keep_releasing(redis, keys, scripts, Arc::clone(&added)));
        Self { task, added }
    }

    /// Tells the task that a new entry may be due before all others.
    pub(super) fn look(&self) {
        self.added.notify_one();
    }
}

impl Drop for Releaser {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep_releasing(redis: Redis, keys: Keys, scripts: Scripts, added: Arc<Notify>) {
    let mut call = scripts.release.key(keys.lanes());
    call.arg(keys.prefix()).arg(BATCH);
    loop {
        // The connection logs that Redis is away; what is due stays due.
        let due_in = match redis.script::<i64>(&call).await {
            Ok(milliseconds) => u64::try_from(milliseconds).map_or(PERIOD, Duration::from_millis),
            Err(_) => PERIOD,
        };
        tokio::select! {
            () = sleep(due_in.min(PERIOD)) => {}
            () = added.notified() => {}
        }
    }
}
