//! How long nothing has come from a program or gone to it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

/// Between the moment when time is up and the one when that counts: what has been written by then is read meanwhile.
const SECOND_LOOK: Duration = Duration::from_millis(10);

/// Notes when something came from a program or went to it.
#[derive(Debug, Clone)]
pub(super) struct Activity {
    started: Instant,
    /// Time from then to the last note.
    last_ms: Arc<AtomicU64>,
}

impl Activity {
    /// Notes that something happens now.
    pub(super) fn note(&self) {
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.fetch_max(now_ms, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.started + Duration::from_millis(self.last_ms.load(Ordering::Relaxed))
    }
}

/// Strikes when nothing has happened for a while.
pub(super) struct IdleClock {
    activity: Activity,
    limit: Duration,
    /// Since when time has been up.
    up: Option<Instant>,
}

impl IdleClock {
    pub(super) fn start(started: Instant, limit: Duration) -> Self {
        Self { activity: Activity { started, last_ms: Arc::default() }, limit, up: None }
    }

    pub(super) fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Returns when it is worth while to look.
    pub(super) fn next_look(&self) -> Instant {
        let end = self.activity.last() + self.limit;
        self.up.map_or(end, |up| end.max(up + SECOND_LOOK))
    }

    /// Looks whether time is up, for the second time.
    pub(super) fn is_over(&mut self) -> bool {
        let now = Instant::now();
        if now < self.activity.last() + self.limit {
            self.up = None;
            return false;
        }
        now >= *self.up.get_or_insert(now) + SECOND_LOOK
    }
}
