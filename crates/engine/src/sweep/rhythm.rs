//! The rhythm of repeated work.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::Outage;
use crate::Unavailable;

/// Rounds that repeat until they are told to stop. All clones together warn once of an outage.
#[derive(Clone)]
pub(super) struct Rhythm {
    period: Duration,
    stop: CancellationToken,
    outage: Arc<Outage>,
    began: bool,
}

impl Rhythm {
    pub(super) fn new(period: Duration, stop: &CancellationToken) -> Self {
        Self { period, stop: stop.clone(), outage: Arc::default(), began: false }
    }

    /// Waits for the next round. The first one comes at once. Returns false when there are no more.
    pub(super) async fn tick(&mut self) -> bool {
        let pause = if self.began { about(self.period) } else { Duration::ZERO };
        self.began = true;
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            () = sleep(pause) => true,
        }
    }

    /// Does the work of one round.
    pub(super) async fn carry_out(&self, sweep: impl Future<Output = Result<(), Unavailable>>) {
        tokio::select! {
            biased;
            // CANCEL: the database completes a write that it has taken. The next sweep finds what should have followed
            // it.
            () = self.stop.cancelled() => {}
            swept = sweep => match swept {
                Ok(()) => self.outage.ended("sweeping goes on"),
                Err(error) => self.outage.failed("what was lost or is old stays for now", &error),
            },
        }
    }
}

/// Returns between three and five quarters of a period, so that processes that started together do not stay together.
fn about(period: Duration) -> Duration {
    period.mul_f64(0.75 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_turn_comes_at_once_and_the_others_after_about_a_period() {
        let (period, stop) = (Duration::from_secs(2), CancellationToken::new());
        let mut rhythm = Rhythm::new(period, &stop);
        let start = Instant::now();
        assert!(rhythm.tick().await);
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..20 {
            let start = Instant::now();
            assert!(rhythm.tick().await);
            let waited = start.elapsed();
            assert!(waited >= period * 3 / 4 && waited <= period * 5 / 4 + Duration::from_millis(1), "{waited:?}");
        }
        stop.cancel();
        assert!(!rhythm.tick().await);
    }
}
