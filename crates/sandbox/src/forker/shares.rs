//! How much CPU time each bay may use while all of them together want more than there is.
//!
//! Weights alone are not enough: the kernel applies them on each core, so a program with one thread would get its share
//! of one core, and one with a thread on each core its share of all of them.

use std::num::NonZero;
use std::time::Duration;
use std::time::Instant;

use super::live_bay::LiveBay;
use crate::cgroup::CPU_PERIOD_US;
use crate::cgroup::FULL_QUOTA_US;

/// How often the shares are computed while there are more running bays than cores.
const INTERVAL: Duration = Duration::from_millis(100);

/// The part of all cores that is shared out, as a fraction. With all of it, a program with one thread would get its share
/// only if it had a core to itself the moment the others are done with theirs.
const SHARED_OUT: (u64, u64) = (17, 20);

/// Who uses at least this part of an equal share wants more: one that is held back by others gets little.
const BUSY_PART: u64 = 4;

/// The kernel refuses quotas below a millisecond.
const LEAST_QUOTA_US: u64 = 1_000;

/// A quota is changed only if it is wrong by more than this part: each change begins a period with a full quota.
const TOLERANCE: u32 = 8;

/// What all running bays have in common.
pub(super) struct Shares {
    cores: usize,
    quota_us: u32,
    /// When they were measured last; none while there is nothing to share out.
    measured: Option<Instant>,
}

/// What is fair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fair {
    quota_us: u32,
    /// Who uses as much as this wants more than there is; none if there is enough for all.
    busy_us: Option<u64>,
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
                _ = measure(running);
                self.measured = Some(Instant::now());
            }
            return;
        };
        let elapsed = measured.elapsed();
        if elapsed < INTERVAL {
            return;
        }
        let elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let used_us = measure(running);
        let lately = |(bay, used_us): (&mut &mut LiveBay, &u64)| bay.share().used_lately_us(*used_us, elapsed_us);
        let lately_us: Vec<_> = running.iter_mut().zip(&used_us).map(lately).collect();
        let fair = Fair::among(lately_us.clone(), self.cores);
        let is_full = fair.quota_us == FULL_QUOTA_US;
        if is_full || self.quota_us.abs_diff(fair.quota_us) > self.quota_us / TOLERANCE {
            self.quota_us = fair.quota_us;
        }
        for ((bay, used_us), lately_us) in running.iter_mut().zip(used_us).zip(lately_us) {
            if fair.busy_us.is_some_and(|busy_us| lately_us >= busy_us) {
                bay.share().lose_us(elapsed_us.saturating_sub(used_us));
            }
            bay.set_cpu_quota(self.quota_us);
        }
        self.measured = (!is_full || running.len() > self.cores).then(Instant::now);
    }
}

/// Returns what each bay used since the last time.
fn measure(running: &mut [&mut LiveBay]) -> Vec<u64> {
    let used = |bay: &mut &mut LiveBay| {
        let now_us = bay.cpu_used_us().unwrap_or_default();
        bay.share().used_since_us(now_us)
    };
    running.iter_mut().map(used).collect()
}

impl Fair {
    const ENOUGH_FOR_ALL: Self = Self { quota_us: FULL_QUOTA_US, busy_us: None };

    /// Returns what is fair among bays that used this much in a period: a quota with which all of them together use no
    /// more than what is shared out.
    ///
    /// Bays that use little keep what they use, and the others share the rest.
    fn among(mut used_us: Vec<u64>, cores: usize) -> Self {
        if used_us.len() <= cores {
            return Self::ENOUGH_FOR_ALL;
        }
        let shared_out_us = cores as u64 * u64::from(CPU_PERIOD_US) * SHARED_OUT.0 / SHARED_OUT.1;
        let total_us: u64 = used_us.iter().sum();
        let mean_us = total_us / used_us.len() as u64;
        // Where others on the host leave too little for equal shares, nobody looks busy, and yet all may be.
        let is_crowded = total_us >= shared_out_us / 2;
        used_us.sort_unstable();
        let mut left_us = shared_out_us;
        for (bays_left, used_us) in (1..=used_us.len() as u64).rev().zip(used_us) {
            let share_us = left_us / bays_left;
            if used_us >= share_us / BUSY_PART || is_crowded && used_us >= mean_us / BUSY_PART {
                let quota_us = share_us.clamp(LEAST_QUOTA_US, FULL_QUOTA_US.into());
                let quota_us = u32::try_from(quota_us).unwrap_or(FULL_QUOTA_US);
                return Self { quota_us, busy_us: (quota_us < FULL_QUOTA_US).then_some(used_us) };
            }
            left_us -= used_us;
        }
        Self::ENOUGH_FOR_ALL
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CPU: u64 = CPU_PERIOD_US as u64;

    fn quota_us(used_us: Vec<u64>, cores: usize) -> u32 {
        Fair::among(used_us, cores).quota_us
    }

    #[test]
    fn bays_with_a_core_each_have_all_of_it() {
        assert_eq!(quota_us(vec![CPU; 2], 2), FULL_QUOTA_US);
        assert_eq!(quota_us(vec![], 2), FULL_QUOTA_US);
    }

    #[test]
    fn busy_bays_share_most_of_it() {
        assert_eq!(quota_us(vec![CPU; 9], 2), 4_722);
        assert_eq!(quota_us(vec![4_722; 9], 2), 4_722, "it stays as it is");
        assert_eq!(quota_us([vec![2_000], vec![5_500; 8]].concat(), 2), 4_722, "also for one that got less");
        assert_eq!(quota_us(vec![CPU; 3], 2), 14_166);
    }

    #[test]
    fn bays_that_wait_take_nothing_from_busy_ones() {
        let with = |busy: &[u64]| [&[0; 8], busy].concat();
        assert_eq!(quota_us(with(&[]), 2), FULL_QUOTA_US);
        assert_eq!(quota_us(with(&[CPU]), 2), FULL_QUOTA_US);
        assert_eq!(quota_us(with(&[CPU, CPU, CPU]), 2), 14_166);
    }

    #[test]
    fn a_bay_that_got_little_has_room_for_more() {
        let quota_us = u64::from(quota_us([vec![CPU / 20], vec![CPU; 8]].concat(), 2));
        assert!(8 * quota_us <= 2 * CPU * 17 / 20 - CPU / 20, "{quota_us}");
    }

    #[test]
    fn a_load_beside_the_bays_does_not_hide_that_they_are_busy() {
        assert_eq!(quota_us(vec![CPU / 9; 9], 2), 4_722);
        assert_eq!(quota_us([vec![CPU / 50], vec![CPU / 9; 8]].concat(), 2), 5_250);
    }

    #[test]
    fn a_quota_is_never_too_small_for_the_kernel() {
        assert_eq!(quota_us(vec![CPU; 5_000], 1), 1_000);
    }

    #[test]
    fn who_is_busy_is_known_only_where_there_is_too_little() {
        assert_eq!(Fair::among([vec![100], vec![CPU; 3]].concat(), 2).busy_us, Some(CPU));
        assert_eq!(Fair::among([vec![100], vec![CPU; 1]].concat(), 1).busy_us, Some(CPU));
        assert_eq!(Fair::among(vec![100; 9], 2).busy_us, None);
    }

    proptest! {
        #[test]
        fn what_is_used_next_fits(used_us in prop::collection::vec(0..=CPU, 3..40)) {
            let quota_us = u64::from(quota_us(used_us.clone(), 2));
            let next: u64 = used_us.iter().map(|used_us| (*used_us).min(quota_us)).sum();
            prop_assert!(next <= 2 * CPU * 17 / 20, "{next}");
        }
    }
}
