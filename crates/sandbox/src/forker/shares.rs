//! How much CPU time each bay may use while all of them together want more than there is.
//!
//! Weights alone are not enough: the kernel applies them on each core, so a program with one thread would get its share
//! of one core, and one with a thread on each core its share of all of them.

use std::num::NonZero;
use std::time::Duration;
use std::time::Instant;

use super::live_bay::LiveBay;
use crate::cgroup::CPU_PERIOD_US;
use crate::cgroup::CpuTimes;
use crate::cgroup::FULL_QUOTA_US;

/// How often the shares are computed while there are more running bays than cores.
const INTERVAL: Duration = Duration::from_micros(CPU_PERIOD_US as u64);

/// The part of all cores that is shared out, as a fraction. With all of it, a program with one thread would get its share
/// only if it had a core to itself the moment the others are done with theirs.
const SHARED_OUT: (u64, u64) = (9, 10);

/// The kernel refuses quotas below a millisecond.
const LEAST_QUOTA_US: u64 = 2_000;

/// A quota is changed only if it is wrong by more than this part: each change begins a period with a full quota.
const TOLERANCE: u32 = 16;

/// What all running bays have in common.
pub(super) struct Shares {
    cores: usize,
    quota_us: u32,
    measured: Option<Instant>,
}

/// The share of one bay, and what came of it.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) quota_us: u32,
    seen: CpuTimes,
    /// What was used since the shares were computed.
    used_us: u64,
    /// How long it was held back while it had less than a full CPU, in microseconds.
    lost_us: u64,
}

impl Shares {
    /// To be called while the paths of the host can still be reached.
    pub(super) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { cores, quota_us: FULL_QUOTA_US, measured: None }
    }

    /// Returns how long to wait for the next [`Self::share_out`]; none while there is nothing to do.
    pub(super) fn next_in(&self) -> Option<Duration> {
        self.measured.map(|measured| INTERVAL.saturating_sub(measured.elapsed()))
    }

    /// Gives the running bays their shares if it is time to; `running` are all of them.
    pub(super) fn share_out(&mut self, running: &mut [&mut LiveBay]) {
        let Some(measured) = self.measured else {
            if running.len() > self.cores {
                measure(running);
                self.measured = Some(Instant::now());
            }
            return;
        };
        let elapsed = measured.elapsed();
        if elapsed < INTERVAL {
            return;
        }
        let used: Vec<_> = measure(running).into_iter().map(|used_us| in_one_period(used_us, elapsed)).collect();
        let quota_us = fair_quota_us(used, self.cores);
        let is_full = quota_us == FULL_QUOTA_US;
        if is_full || self.quota_us.abs_diff(quota_us) > self.quota_us / TOLERANCE {
            self.quota_us = quota_us;
        }
        for bay in running.iter_mut() {
            bay.set_cpu_quota(self.quota_us);
        }
        self.measured = (!is_full || running.len() > self.cores).then(Instant::now);
    }
}

impl Share {
    /// That of a new bay.
    pub(super) const fn full() -> Self {
        Self { quota_us: FULL_QUOTA_US, seen: CpuTimes { used_us: 0, throttled_us: 0 }, used_us: 0, lost_us: 0 }
    }

    /// Books what happened since the last time.
    pub(super) fn book(&mut self, now: CpuTimes) {
        let before = std::mem::replace(&mut self.seen, now);
        if self.quota_us < FULL_QUOTA_US {
            self.lost_us += now.throttled_us.saturating_sub(before.throttled_us);
        }
        self.used_us += now.used_us.saturating_sub(before.used_us);
    }

    /// Returns how much CPU time was used since the last call, in microseconds.
    fn take_used_us(&mut self) -> u64 {
        std::mem::take(&mut self.used_us)
    }

    /// Returns how long the bay was held back for the sake of others, in microseconds.
    pub(super) fn lost_us(&self) -> u64 {
        self.lost_us
    }
}

fn measure(running: &mut [&mut LiveBay]) -> Vec<u64> {
    running.iter_mut().map(|bay| bay.book_cpu().take_used_us()).collect()
}

fn in_one_period(used_us: u64, elapsed: Duration) -> u64 {
    let elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX).max(1);
    used_us.saturating_mul(u64::from(CPU_PERIOD_US)) / elapsed_us
}

/// Returns the quota with which all bays together use no more than what is shared out, by what each of them used in
/// the last period.
///
/// Bays that use little keep what they use, and the others share the rest. Who uses less than half of an equal share may
/// have got no more, but leaves enough to be given more the next time.
fn fair_quota_us(mut used_us: Vec<u64>, cores: usize) -> u32 {
    if used_us.len() <= cores {
        return FULL_QUOTA_US;
    }
    used_us.sort_unstable();
    let mut left_us = cores as u64 * u64::from(CPU_PERIOD_US) * SHARED_OUT.0 / SHARED_OUT.1;
    for (bays_left, used_us) in (1..=used_us.len() as u64).rev().zip(used_us) {
        let share_us = left_us / bays_left;
        if used_us >= share_us / 2 {
            let quota_us = share_us.clamp(LEAST_QUOTA_US, FULL_QUOTA_US.into());
            return u32::try_from(quota_us).unwrap_or(FULL_QUOTA_US);
        }
        left_us -= used_us;
    }
    FULL_QUOTA_US
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CPU: u64 = CPU_PERIOD_US as u64;

    #[test]
    fn bays_with_a_core_each_have_all_of_it() {
        assert_eq!(fair_quota_us(vec![CPU; 2], 2), FULL_QUOTA_US);
        assert_eq!(fair_quota_us(vec![], 2), FULL_QUOTA_US);
    }

    #[test]
    fn busy_bays_share_nine_tenths() {
        assert_eq!(fair_quota_us(vec![CPU; 9], 2), 20_000);
        assert_eq!(fair_quota_us(vec![CPU / 5; 9], 2), 20_000, "it stays as it is");
        assert_eq!(fair_quota_us(vec![CPU; 3], 2), 60_000);
    }

    #[test]
    fn bays_that_wait_take_nothing_from_busy_ones() {
        let with = |busy: &[u64]| [&[0; 8], busy].concat();
        assert_eq!(fair_quota_us(with(&[]), 2), FULL_QUOTA_US);
        assert_eq!(fair_quota_us(with(&[CPU]), 2), FULL_QUOTA_US);
        assert_eq!(fair_quota_us(with(&[CPU, CPU, CPU]), 2), 60_000);
    }

    #[test]
    fn a_bay_that_got_little_has_room_for_more() {
        let quota_us = u64::from(fair_quota_us([vec![CPU / 20], vec![CPU; 8]].concat(), 2));
        assert!(8 * quota_us <= 2 * CPU * 9 / 10 - CPU / 20, "{quota_us}");
    }

    #[test]
    fn a_quota_is_never_too_small_for_the_kernel() {
        assert_eq!(fair_quota_us(vec![CPU; 5_000], 1), 2_000);
    }

    #[test]
    fn only_what_others_took_is_lost() {
        let mut share = Share::full();
        share.book(CpuTimes { used_us: 10, throttled_us: 100 });
        assert_eq!(share.lost_us(), 0, "it could use a whole CPU");
        share.quota_us = FULL_QUOTA_US / 2;
        share.book(CpuTimes { used_us: 30, throttled_us: 400 });
        assert_eq!(share.lost_us(), 300);
        assert_eq!((share.take_used_us(), share.take_used_us()), (30, 0));
    }

    proptest! {
        #[test]
        fn what_is_used_next_fits(used_us in prop::collection::vec(0..=CPU, 3..40)) {
            let quota_us = u64::from(fair_quota_us(used_us.clone(), 2));
            let next: u64 = used_us.iter().map(|used_us| (*used_us).min(quota_us)).sum();
            prop_assert!(next <= 2 * CPU * 9 / 10, "{next}");
        }
    }
}
