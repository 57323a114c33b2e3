//! The clocks that stop a program.

use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::time::Instant;

use super::Clocks;
use super::Stop;
use crate::cgroup;

/// The CPU meter is read no more often than this.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// Wall clock and CPU meter of one running program.
pub(super) struct Clock {
    wall_end: Instant,
    cpu: Option<CpuClock>,
}

struct CpuClock {
    meter: OwnedFd,
    limit: Duration,
    next_look: Instant,
}

impl Clock {
    pub(super) fn start(clocks: &Clocks, meter: Option<OwnedFd>, now: Instant) -> Self {
        let cpu = meter.map(|meter| CpuClock { meter, limit: clocks.cpu, next_look: now + soonest(clocks.cpu) });
        Self { wall_end: now + clocks.wall, cpu }
    }

    /// Waits until time is up, and says which.
    ///
    /// CANCEL: nothing is lost, all times are absolute.
    pub(super) async fn strike(&mut self) -> Stop {
        loop {
            let next = self.cpu.as_ref().map_or(self.wall_end, |cpu| cpu.next_look.min(self.wall_end));
            tokio::time::sleep_until(next).await;
            if Instant::now() >= self.wall_end {
                return Stop::WallTime;
            }
            if self.cpu.as_mut().is_some_and(CpuClock::is_over) {
                return Stop::CpuTime;
            }
        }
    }
}

impl CpuClock {
    /// Reads the meter, and computes when it is worth while to look again.
    fn is_over(&mut self) -> bool {
        let used = cgroup::read_cpu_us(&self.meter).map_or(Duration::ZERO, Duration::from_micros);
        let left = self.limit.saturating_sub(used);
        self.next_look = Instant::now() + soonest(left);
        left.is_zero()
    }
}

/// Returns how long it takes at least to use `left`, with every core at work.
fn soonest(left: Duration) -> Duration {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    (left / u32::try_from(cores).unwrap_or(u32::MAX)).max(SHORTEST_WAIT)
}
