//! The clocks that stop a program.

use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::time::Instant;

use super::Clocks;
use super::Stop;
use super::control::Control;
use crate::cgroup;
use crate::wire::BayMessage;

/// The CPU meter is read no more often than this.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// Extensions of the wall clock shorter than this are not worth another look.
const SHORTEST_EXTENSION: Duration = Duration::from_millis(5);

/// How long pid 1 of the bay may take to say how long the program waited for a CPU.
const ANSWER_PATIENCE: Duration = Duration::from_millis(500);

/// How long pid 1 of the bay may take to end what the program left, and to pack what it made.
pub(super) const PACK_PATIENCE: Duration = Duration::from_secs(10);

/// What happens when time is up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// The program has to be stopped.
    Stop(Stop),
    /// The program ended in time, but what it made is not packed.
    NotPacked,
}

/// Wall clock and CPU meter of one running program.
pub(super) struct Clock {
    started: Instant,
    wall: Duration,
    wall_end: Instant,
    cpu: Option<CpuClock>,
    /// Leads to pid 1 of the bay.
    control: Control,
    /// Whether an answer of pid 1 is on its way.
    asked: bool,
    /// Whether pid 1 may say by itself that the program ended.
    listens: bool,
    /// Since the program ended, when it has to be packed.
    packed_by: Option<Instant>,
}

struct CpuClock {
    meter: OwnedFd,
    limit: Duration,
    next_look: Instant,
}

impl Clock {
    /// Starts at this moment; `keeps` tells whether the program's end is followed by packing.
    pub(super) fn start(clocks: &Clocks, meter: Option<OwnedFd>, control: Control, keeps: bool) -> Self {
        let started = Instant::now();
        let cpu = meter.map(|meter| CpuClock { meter, limit: clocks.cpu, next_look: started + soonest(clocks.cpu) });
        Self {
            started,
            wall: clocks.wall,
            wall_end: started + clocks.wall,
            cpu,
            control,
            asked: false,
            listens: keeps,
            packed_by: None,
        }
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Returns the stream on which more may have been said.
    pub(super) fn into_control(self) -> Control {
        self.control
    }

    /// Waits until time is up, and says which.
    ///
    /// CANCEL: nothing is lost: times are absolute, and an answer that was not waited for is read the next time.
    pub(super) async fn expiry(&mut self) -> Expiry {
        loop {
            // The program's clocks stand still from its end on.
            if let Some(packed_by) = self.packed_by {
                tokio::time::sleep_until(packed_by).await;
                return Expiry::NotPacked;
            }
            let next = self.cpu.as_ref().map_or(self.wall_end, |cpu| cpu.next_look.min(self.wall_end));
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.hear(), if self.listens => continue,
            }
            if Instant::now() >= self.wall_end && !self.extend().await {
                return Expiry::Stop(Stop::WallTime);
            }
            if self.packed_by.is_none() && self.cpu.as_mut().is_some_and(CpuClock::is_over) {
                return Expiry::Stop(Stop::CpuTime);
            }
        }
    }

    /// Waits for something that pid 1 says without being asked, or too late.
    async fn hear(&mut self) {
        match self.control.hear().await {
            Ok((BayMessage::Packing, _)) => self.packed_by = Some(Instant::now() + PACK_PATIENCE),
            Ok((BayMessage::CpuWait(_), _)) => self.asked = false,
            // The bay is dead or out of its senses; how it ended is told elsewhere.
            Ok((BayMessage::Started | BayMessage::Packed(_), _)) | Err(_) => self.listens = false,
        }
    }

    /// Adds what a busy host took from the program, at most as much as it had; false if that changes nothing.
    ///
    /// A thread waits for others of the program, too, and all of them for the program's own quota of one CPU: what the
    /// program has used of that, nobody took from it. True as well if the program has ended meanwhile.
    async fn extend(&mut self) -> bool {
        let waited = tokio::time::timeout(ANSWER_PATIENCE, self.cpu_wait()).await.ok().flatten().unwrap_or_default();
        if self.packed_by.is_some() {
            return true;
        }
        let unused = self.cpu.as_ref().map_or(Duration::MAX, |cpu| self.started.elapsed().saturating_sub(cpu.used()));
        let end = self.started + self.wall + waited.min(unused).min(self.wall);
        if end < self.wall_end + SHORTEST_EXTENSION {
            return false;
        }
        self.wall_end = end;
        true
    }

    async fn cpu_wait(&mut self) -> Option<Duration> {
        if !self.asked {
            self.control.ask_cpu_wait().await.ok()?;
            self.asked = true;
        }
        match self.control.hear().await.ok()? {
            (BayMessage::CpuWait(microseconds), _) => {
                self.asked = false;
                Some(Duration::from_micros(microseconds))
            }
            (BayMessage::Packing, _) => {
                self.packed_by = Some(Instant::now() + PACK_PATIENCE);
                None
            }
            _ => None,
        }
    }
}

impl CpuClock {
    fn used(&self) -> Duration {
        cgroup::read_cpu_us(&self.meter).map_or(Duration::ZERO, Duration::from_micros)
    }

    /// Reads the meter, and computes when it is worth while to look again.
    fn is_over(&mut self) -> bool {
        let left = self.limit.saturating_sub(self.used());
        self.next_look = Instant::now() + soonest(left);
        left.is_zero()
    }
}

/// Returns how long it takes at least to use `left`, with every core at work.
fn soonest(left: Duration) -> Duration {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    (left / u32::try_from(cores).unwrap_or(u32::MAX)).max(SHORTEST_WAIT)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    use tokio::net::UnixStream;

    use super::*;

    /// A clock of one second, and the end of pid 1.
    fn clock() -> (Clock, UnixStream) {
        clock_with(None)
    }

    fn clock_with(meter: Option<OwnedFd>) -> (Clock, UnixStream) {
        let (service, bay) = UnixStream::pair().unwrap();
        let wall = Duration::from_secs(1);
        let clocks = Clocks { wall, cpu: 10 * wall, stdout_bytes: 0, stderr_bytes: 0 };
        (Clock::start(&clocks, meter, Control::new(service), true), bay)
    }

    async fn say(bay: &mut UnixStream, message: BayMessage) {
        bay.write_all(&message.encode()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn wall_time_is_extended_by_the_wait_for_a_cpu() {
        let (mut clock, mut bay) = clock();
        let started = clock.started();
        let answer = async {
            for microseconds in [300_000, 300_000] {
                bay.read_u8().await.unwrap();
                say(&mut bay, BayMessage::CpuWait(microseconds)).await;
            }
        };
        let (expiry, ()) = tokio::join!(clock.expiry(), answer);
        assert_eq!(expiry, Expiry::Stop(Stop::WallTime));
        assert_eq!(started.elapsed().as_millis() / 100, 13);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_program_used_nobody_took_from_it() {
        for (used_us, tenths) in [(1_000_000, 10), (200_000, 16)] {
            let mut meter = tempfile::tempfile().unwrap();
            writeln!(meter, "usage_usec {used_us}").unwrap();
            let (mut clock, mut bay) = clock_with(Some(meter.into()));
            let started = clock.started();
            let answer = async {
                while bay.read_u8().await.is_ok() {
                    say(&mut bay, BayMessage::CpuWait(600_000)).await;
                }
            };
            tokio::select! {
                expiry = clock.expiry() => assert_eq!(expiry, Expiry::Stop(Stop::WallTime)),
                () = answer => panic!("the clock hangs up"),
            }
            assert_eq!(started.elapsed().as_millis() / 100, tenths, "{used_us}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bay_that_packs_has_time_of_its_own() {
        let (mut clock, mut bay) = clock();
        say(&mut bay, BayMessage::Packing).await;
        assert_eq!(clock.expiry().await, Expiry::NotPacked);
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_in_the_place_of_an_answer_is_heard() {
        let (mut clock, mut bay) = clock();
        let end = async {
            bay.read_u8().await.unwrap();
            say(&mut bay, BayMessage::Packing).await;
        };
        let (expiry, ()) = tokio::join!(clock.expiry(), end);
        assert_eq!(expiry, Expiry::NotPacked);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_closed_stops_no_clock() {
        let (mut clock, bay) = clock();
        drop(bay);
        assert_eq!(clock.expiry().await, Expiry::Stop(Stop::WallTime));
    }
}
