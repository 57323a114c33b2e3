//! The share of one bay in the CPU time of all cores, see [`super::shares`].

use crate::cgroup::CPU_PERIOD_US;
use crate::cgroup::FULL_QUOTA_US;

/// How many intervals count for what a bay used lately: in a single one, chance decides who runs.
const MEMORY: u64 = 8;

/// The share of one bay, and what came of it. All times are CPU times in microseconds.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) quota_us: u32,
    seen_us: u64,
    /// What it used in a period, on average.
    average_us: u64,
    /// What it could have used more, alone on the host, while it was one of those that wanted more than there was.
    lost_us: u64,
}

impl Share {
    /// That of a new bay.
    pub(super) const fn full() -> Self {
        Self { quota_us: FULL_QUOTA_US, seen_us: 0, average_us: 0, lost_us: 0 }
    }

    /// Returns what was used since the last call, of which all was used until now.
    pub(super) fn used_since_us(&mut self, now_us: u64) -> u64 {
        now_us.saturating_sub(std::mem::replace(&mut self.seen_us, now_us))
    }

    /// Adds what others took.
    pub(super) fn lose_us(&mut self, lost_us: u64) {
        self.lost_us += lost_us;
    }

    /// Returns how long the bay was held back by others, in microseconds.
    pub(super) fn lost_us(&self) -> u64 {
        self.lost_us
    }

    /// Returns how much is used in a period: just now or on average, whichever is more, as a bay that used little may
    /// only have got little.
    pub(super) fn used_lately_us(&mut self, used_us: u64, elapsed_us: u64) -> u64 {
        let now_us = used_us.saturating_mul(u64::from(CPU_PERIOD_US)) / elapsed_us.max(1);
        self.average_us = (self.average_us * (MEMORY - 1) + now_us) / MEMORY;
        self.average_us.max(now_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPU: u64 = CPU_PERIOD_US as u64;

    #[test]
    fn a_pause_is_not_forgotten_at_once_and_neither_is_work() {
        let mut share = Share::full();
        assert_eq!(share.used_lately_us(CPU, 2 * CPU), CPU / 2);
        let after_pause = share.used_lately_us(0, CPU);
        assert!(0 < after_pause && after_pause < CPU / 8, "{after_pause}");
        assert_eq!(share.used_lately_us(CPU, CPU), CPU);
    }
}
