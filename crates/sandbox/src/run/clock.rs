//! The clocks that stop a program.

use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::time::Instant;

use super::Clocks;
use super::Stop;
use crate::bay;
use crate::cgroup;

/// The CPU meter is read no more often than this.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// Extensions of the wall clock shorter than this are not worth another look.
const SHORTEST_EXTENSION: Duration = Duration::from_millis(5);

/// How long pid 1 of the bay may take to say how long the program waited for a CPU.
const ANSWER_PATIENCE: Duration = Duration::from_millis(500);

/// Wall clock and CPU meter of one running program.
pub(super) struct Clock {
    started: Instant,
    wall: Duration,
    wall_end: Instant,
    cpu: Option<CpuClock>,
    /// Leads to pid 1 of the bay.
    control: UnixStream,
    /// Whether an answer of pid 1 is on its way.
    asked: bool,
}

struct CpuClock {
    meter: OwnedFd,
    limit: Duration,
    next_look: Instant,
}

impl Clock {
    pub(super) fn start(clocks: &Clocks, meter: Option<OwnedFd>, control: UnixStream) -> Self {
        let started = Instant::now();
        let cpu = meter.map(|meter| CpuClock { meter, limit: clocks.cpu, next_look: started + soonest(clocks.cpu) });
        Self { started, wall: clocks.wall, wall_end: started + clocks.wall, cpu, control, asked: false }
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Waits until time is up, and says which.
    ///
    /// CANCEL: nothing is lost: times are absolute, and an answer that was not waited for is read the next time.
    pub(super) async fn strike(&mut self) -> Stop {
        loop {
            let next = self.cpu.as_ref().map_or(self.wall_end, |cpu| cpu.next_look.min(self.wall_end));
            tokio::time::sleep_until(next).await;
            if Instant::now() >= self.wall_end && !self.extend().await {
                return Stop::WallTime;
            }
            if self.cpu.as_mut().is_some_and(CpuClock::is_over) {
                return Stop::CpuTime;
            }
        }
    }

    /// Adds what a busy host took from the program, at most as much as it had; false if that changes nothing.
    async fn extend(&mut self) -> bool {
        let waited = tokio::time::timeout(ANSWER_PATIENCE, self.cpu_wait()).await.ok().flatten().unwrap_or_default();
        let end = self.started + self.wall + waited.min(self.wall);
        if end < self.wall_end + SHORTEST_EXTENSION {
            return false;
        }
        self.wall_end = end;
        true
    }

    async fn cpu_wait(&mut self) -> Option<Duration> {
        if !self.asked {
            self.control.write_all(&[bay::CPU_WAIT_QUESTION]).await.ok()?;
            self.asked = true;
        }
        let microseconds = self.control.read_u64_le().await.ok()?;
        self.asked = false;
        Some(Duration::from_micros(microseconds))
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
