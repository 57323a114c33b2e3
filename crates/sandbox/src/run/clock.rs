//! What stops a program, and the clocks that do.

use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::time::Instant;

use crate::cgroup;
use crate::link::Control;
use crate::wire::BayMessage;
use crate::wire::ServiceMessage;

/// The CPU meter is read no more often than this.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// Extensions of the wall clock shorter than this are not worth another look.
const SHORTEST_EXTENSION: Duration = Duration::from_millis(5);

/// How long pid 1 of the bay may take to say how long the program waited for a CPU.
const ANSWER_PATIENCE: Duration = Duration::from_millis(500);

/// How long pid 1 of the bay may take to end what the program left, and to pack what it made.
pub(super) const PACK_PATIENCE: Duration = Duration::from_secs(10);

/// What is watched from outside while a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Time on the wall clock from the program's start; extended by the time that the program waited for a CPU of a
    /// busy host, at most by what it left unused of one CPU, and to twice.
    pub wall: Duration,
    /// CPU time of all processes together; needs cgroups.
    pub cpu: Duration,
    /// Bytes of standard output.
    pub stdout_bytes: usize,
    /// Bytes of standard error.
    pub stderr_bytes: usize,
}

/// Why a program was stopped from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It ran longer than [`Clocks::wall`].
    WallTime,
    /// It used more than [`Clocks::cpu`].
    CpuTime,
    /// It wrote more than [`Clocks::stdout_bytes`] or [`Clocks::stderr_bytes`].
    Output,
    /// Whoever started it wanted it to end.
    Requested,
}

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
    /// Until when an answer of pid 1 is waited for that is on its way.
    answer_by: Option<Instant>,
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
    pub(super) fn start(clocks: &Clocks, meter: Option<OwnedFd>, keeps: bool) -> Self {
        let started = Instant::now();
        let cpu = meter.map(|meter| CpuClock { meter, limit: clocks.cpu, next_look: started + soonest(clocks.cpu) });
        Self {
            started,
            wall: clocks.wall,
            wall_end: started + clocks.wall,
            cpu,
            answer_by: None,
            listens: keeps,
            packed_by: None,
        }
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Waits until time is up, and says which; `control` leads to pid 1 of the bay.
    ///
    /// CANCEL: nothing is lost: times are absolute, and an answer that was not waited for is read the next time.
    pub(super) async fn expiry(&mut self, control: &mut Control) -> Expiry {
        loop {
            // The program's clocks stand still from its end on.
            if let Some(packed_by) = self.packed_by {
                tokio::time::sleep_until(packed_by).await;
                return Expiry::NotPacked;
            }
            let next = self.cpu.as_ref().map_or(self.wall_end, |cpu| cpu.next_look.min(self.wall_end));
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                // An answer that is on its way is not this one's to take.
                message = control.hear(), if self.listens && self.answer_by.is_none() => {
                    self.note(message.ok().map(|(message, _)| message));
                    continue;
                }
            }
            if Instant::now() >= self.wall_end && !self.extend(control).await {
                return Expiry::Stop(Stop::WallTime);
            }
            if self.packed_by.is_none() && self.cpu.as_mut().is_some_and(CpuClock::is_over) {
                return Expiry::Stop(Stop::CpuTime);
            }
        }
    }

    /// Takes note of what pid 1 said without being asked; none if it can say nothing any more.
    fn note(&mut self, message: Option<BayMessage>) {
        match message {
            Some(BayMessage::Packing) => self.packed_by = Some(Instant::now() + PACK_PATIENCE),
            // The bay is dead or out of its senses; how it ended is told elsewhere.
            Some(_) | None => self.listens = false,
        }
    }

    /// Adds what a busy host took from the program, at most as much as it had; false if that changes nothing.
    ///
    /// A thread waits for others of the program, too, and all of them for the program's own quota of one CPU: what the
    /// program has used of that, nobody took from it. True as well if the program has ended meanwhile.
    async fn extend(&mut self, control: &mut Control) -> bool {
        let waited = self.cpu_wait(control).await.unwrap_or_default();
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

    /// Asks pid 1 how long the program waited for a CPU; none without an answer in time.
    ///
    /// The time is counted from the question, however often this is dropped and called again: a program that writes
    /// all the time must not win time by that.
    async fn cpu_wait(&mut self, control: &mut Control) -> Option<Duration> {
        let answer_by = match self.answer_by {
            Some(answer_by) => answer_by,
            None => {
                control.say(ServiceMessage::CpuWait).ok()?;
                *self.answer_by.insert(Instant::now() + ANSWER_PATIENCE)
            }
        };
        match tokio::time::timeout_at(answer_by, control.hear()).await.ok()?.ok()? {
            (BayMessage::CpuWait(microseconds), _) => {
                self.answer_by = None;
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

    /// A clock of one second, the service's end of the stream, and that of pid 1.
    fn clock() -> (Clock, Control, UnixStream) {
        clock_with(None)
    }

    fn clock_with(meter: Option<OwnedFd>) -> (Clock, Control, UnixStream) {
        let (service, bay) = UnixStream::pair().unwrap();
        let wall = Duration::from_secs(1);
        let clocks = Clocks { wall, cpu: 10 * wall, stdout_bytes: 0, stderr_bytes: 0 };
        (Clock::start(&clocks, meter, true), Control::new(service), bay)
    }

    /// Waits for the question how long the program waited; false when the service has hung up.
    async fn is_asked(bay: &mut UnixStream) -> bool {
        let mut question = [0; ServiceMessage::BYTES];
        bay.read_exact(&mut question).await.is_ok_and(|_| question == ServiceMessage::CpuWait.encode())
    }

    async fn say(bay: &mut UnixStream, message: BayMessage) {
        bay.write_all(&message.encode()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn wall_time_is_extended_by_the_wait_for_a_cpu() {
        let (mut clock, mut control, mut bay) = clock();
        let started = clock.started();
        let answer = async {
            for microseconds in [300_000, 300_000] {
                assert!(is_asked(&mut bay).await);
                say(&mut bay, BayMessage::CpuWait(microseconds)).await;
            }
        };
        let (expiry, ()) = tokio::join!(clock.expiry(&mut control), answer);
        assert_eq!(expiry, Expiry::Stop(Stop::WallTime));
        assert_eq!(started.elapsed().as_millis() / 100, 13);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_program_used_nobody_took_from_it() {
        for (used_us, tenths) in [(1_000_000, 10), (200_000, 16)] {
            let mut meter = tempfile::tempfile().unwrap();
            writeln!(meter, "usage_usec {used_us}").unwrap();
            let (mut clock, mut control, mut bay) = clock_with(Some(meter.into()));
            let started = clock.started();
            let answer = async {
                while is_asked(&mut bay).await {
                    say(&mut bay, BayMessage::CpuWait(600_000)).await;
                }
            };
            tokio::select! {
                expiry = clock.expiry(&mut control) => assert_eq!(expiry, Expiry::Stop(Stop::WallTime)),
                () = answer => panic!("the clock hangs up"),
            }
            assert_eq!(started.elapsed().as_millis() / 100, tenths, "{used_us}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pid_1_that_does_not_answer_wins_no_time_for_its_program() {
        let (mut clock, mut control, _bay) = clock();
        let started = clock.started();
        // As when chunks of output arrive all the time.
        let expiry = loop {
            let pause = Duration::from_millis(100);
            if let Ok(expiry) = tokio::time::timeout(pause, clock.expiry(&mut control)).await {
                break expiry;
            }
        };
        assert_eq!(expiry, Expiry::Stop(Stop::WallTime));
        assert_eq!(started.elapsed().as_millis() / 100, 15);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_was_not_waited_for_counts_and_nothing_is_asked_again() {
        // Which of the two things that are ready is looked at first is left to chance.
        for _ in 0..32 {
            let (mut clock, mut control, mut bay) = clock();
            tokio::select! {
                expiry = clock.expiry(&mut control) => panic!("{expiry:?}"),
                is_asked = is_asked(&mut bay) => assert!(is_asked),
            }
            say(&mut bay, BayMessage::CpuWait(0)).await;
            // Until it has come.
            tokio::task::yield_now().await;
            assert_eq!(clock.expiry(&mut control).await, Expiry::Stop(Stop::WallTime));
            assert_eq!(clock.started().elapsed().as_millis() / 100, 10);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bay_that_packs_has_time_of_its_own() {
        let (mut clock, mut control, mut bay) = clock();
        say(&mut bay, BayMessage::Packing).await;
        assert_eq!(clock.expiry(&mut control).await, Expiry::NotPacked);
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_in_the_place_of_an_answer_is_heard() {
        let (mut clock, mut control, mut bay) = clock();
        let end = async {
            assert!(is_asked(&mut bay).await);
            say(&mut bay, BayMessage::Packing).await;
        };
        let (expiry, ()) = tokio::join!(clock.expiry(&mut control), end);
        assert_eq!(expiry, Expiry::NotPacked);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_closed_stops_no_clock() {
        let (mut clock, mut control, bay) = clock();
        drop(bay);
        assert_eq!(clock.expiry(&mut control).await, Expiry::Stop(Stop::WallTime));
    }
}
