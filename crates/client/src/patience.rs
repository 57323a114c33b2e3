//! When to try again, and when to give up.

use std::time::Duration;

use tokio::time::Instant;
use tokio::time::sleep_until;

/// The rest after the first failure; it doubles with each further one.
const FIRST_REST: Duration = Duration::from_millis(100);

const LONGEST_REST: Duration = Duration::from_secs(5);

/// The longest wait that a server may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Counts the failures in a row.
#[derive(Debug)]
pub(crate) struct Patience {
    /// How many failures in a row are one too many.
    most: u32,
    failures: u32,
    resume_at: Option<Instant>,
}

impl Patience {
    /// A second and a half in all: somebody waits for a first answer.
    pub(crate) const fn for_requests() -> Self {
        Self { most: 5, failures: 0, resume_at: None }
    }

    /// A quarter of a minute in all: as long as a server may need to start again.
    pub(crate) const fn for_streams() -> Self {
        Self { most: 9, failures: 0, resume_at: None }
    }

    /// Notes that something went well.
    pub(crate) const fn renew(&mut self) {
        self.failures = 0;
        self.resume_at = None;
    }

    /// Notes a failure. Returns whether to try again.
    pub(crate) fn fail(&mut self, retry_after: Option<Duration>) -> bool {
        self.failures += 1;
        let asked = retry_after.unwrap_or_default();
        if self.failures >= self.most || asked > LONGEST_RETRY_AFTER {
            return false;
        }
        let rest = FIRST_REST.saturating_mul(1 << (self.failures - 1).min(10)).min(LONGEST_REST);
        // Clients that failed together do not come back together.
        let rest = rest.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.resume_at = Some(Instant::now() + rest.max(asked));
        true
    }

    /// Waits until it is time to try again.
    ///
    /// CANCEL: nothing is lost.
    pub(crate) async fn rest(&self) {
        if let Some(at) = self.resume_at {
            sleep_until(at).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn rests_grow_and_end() {
        let mut patience = Patience::for_streams();
        let begun = Instant::now();
        patience.rest().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let mut tries = 1;
        while patience.fail(None) {
            patience.rest().await;
            tries += 1;
        }
        assert_eq!(tries, 9);
        let took = begun.elapsed();
        assert!(took > Duration::from_secs(8) && took < Duration::from_secs(17), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_server_says_how_long() {
        let mut patience = Patience::for_requests();
        let begun = Instant::now();
        assert!(patience.fail(Some(Duration::from_secs(7))));
        patience.rest().await;
        assert!(begun.elapsed() >= Duration::from_secs(7) && begun.elapsed() < Duration::from_secs(8));
        assert!(!patience.fail(Some(Duration::from_secs(3600))), "nobody waits that long");
        patience.renew();
        assert!(patience.fail(None));
    }
}
