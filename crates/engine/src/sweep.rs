//! Removing what is no longer needed, from time to time.

use std::time::Duration;

use runbay_model::Timestamp;
use runbay_store::ForgetExpiredKeys;
use runbay_store::WriteError;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::Engine;
use crate::Unavailable;

const PERIOD: Duration = Duration::from_secs(60);

/// How many rows go at a time: other writes come in between.
const BATCH: u64 = 200;

impl Engine {
    /// Sweeps every minute until `stop` is cancelled.
    pub async fn keep_swept(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            tokio::select! {
                // CANCEL: a batch that the database has taken is finished.
                () = stop.cancelled() => return,
                swept = self.sweep(Timestamp::now()) => match swept {
                    Ok(0) => {}
                    Ok(keys) => tracing::debug!(keys, "expired idempotency keys forgotten"),
                    Err(error) => tracing::warn!(error = ?error, "expired idempotency keys stay for now"),
                },
            }
        }
    }

    /// Forgets every key that has expired, and returns how many.
    pub(crate) async fn sweep(&self, at: Timestamp) -> Result<u64, Unavailable> {
        let mut swept = 0;
        loop {
            let batch = match self.store().write(ForgetExpiredKeys { limit: BATCH, at }).await {
                Ok(batch) => batch,
                Err(WriteError::Refused(never)) => match never {},
                Err(WriteError::Unavailable(error)) => return Err(error.into()),
            };
            swept += batch;
            if batch < BATCH {
                return Ok(swept);
            }
        }
    }
}
