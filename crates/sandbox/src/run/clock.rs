//! What stops a program, and the clocks that do.

use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio::time::timeout_at;

use super::idle::Activity;
use super::idle::IdleClock;
use crate::cgroup;
use crate::link::BayHandle;
use crate::link::Control;
use crate::wire::BayMessage;

/// The CPU meter is read no more often than this.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// Extensions of the wall clock shorter than this are not worth another look.
const SHORTEST_EXTENSION: Duration = Duration::from_millis(5);

/// How long the forker may take to say how long the program waited for a CPU.
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
    /// Time in which the program writes nothing and is fed nothing, whatever it does meanwhile; none for no such limit.
    pub idle: Option<Duration>,
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
    /// It wrote nothing and was fed nothing for [`Clocks::idle`].
    Idle,
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
    idle: Option<IdleClock>,
    /// What the forker was asked and has not answered.
    question: Option<Question>,
    /// Whether pid 1 may say by itself that the program ended.
    listens: bool,
    /// Since the program ended, when it has to be packed.
    packed_by: Option<Instant>,
}

/// How long the program waited for a CPU.
struct Question {
    answer: oneshot::Receiver<Option<Duration>>,
    answer_by: Instant,
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
            idle: clocks.idle.map(|limit| IdleClock::start(started, limit)),
            question: None,
            listens: keeps,
            packed_by: None,
        }
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Returns what has to be noted of the program, if anything.
    pub(super) fn activity(&self) -> Option<&Activity> {
        self.idle.as_ref().map(IdleClock::activity)
    }

    /// Waits until time is up, and says which; `control` leads to pid 1 of the bay, `handle` to the forker.
    ///
    /// CANCEL: nothing is lost: times are absolute, and an answer that was not waited for is read the next time.
    pub(super) async fn expiry(&mut self, control: &mut Control, handle: &BayHandle) -> Expiry {
        loop {
            // The program's clocks stand still from its end on.
            if let Some(packed_by) = self.packed_by {
                tokio::time::sleep_until(packed_by).await;
                return Expiry::NotPacked;
            }
            let looks = [self.cpu.as_ref().map(|cpu| cpu.next_look), self.idle.as_ref().map(IdleClock::next_look)];
            let next = looks.into_iter().flatten().fold(self.wall_end, Instant::min);
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                message = control.hear(), if self.listens => {
                    self.note(message.ok().map(|(message, _)| message));
                    continue;
                }
            }
            if Instant::now() >= self.wall_end && !self.extend(control, handle).await {
                return Expiry::Stop(Stop::WallTime);
            }
            if self.packed_by.is_none() && self.cpu.as_mut().is_some_and(CpuClock::is_over) {
                return Expiry::Stop(Stop::CpuTime);
            }
            if self.packed_by.is_none() && self.idle.as_mut().is_some_and(IdleClock::is_over) {
                return Expiry::Stop(Stop::Idle);
            }
        }
    }

    /// Takes note of what pid 1 said; none if it can say nothing any more.
    fn note(&mut self, message: Option<BayMessage>) {
        match message {
            Some(BayMessage::Packing) => self.packed_by = Some(Instant::now() + PACK_PATIENCE),
            // The bay is dead or out of its senses; how it ended is told elsewhere.
            Some(_) | None => self.listens = false,
        }
    }

    /// Adds what a busy host took from the program, at most as much as it had; false if that changes nothing.
    ///
    /// What the program has used of one CPU, nobody took from it. True as well if the program has ended meanwhile.
    async fn extend(&mut self, control: &mut Control, handle: &BayHandle) -> bool {
        let waited = self.cpu_wait(control, handle).await;
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

    /// Asks the forker how long the program waited for a CPU, and listens to pid 1 meanwhile.
    ///
    /// Nobody answers on a host that is too busy for that, or that does not count it: the program gets all the time that
    /// there is to give, since it is not to blame.
    ///
    /// The time is counted from the question, however often this is dropped and called again: a program that writes
    /// all the time must not win time by that.
    async fn cpu_wait(&mut self, control: &mut Control, handle: &BayHandle) -> Duration {
        while self.packed_by.is_none() {
            let question = self.question.get_or_insert_with(|| Question::ask(handle));
            tokio::select! {
                answer = timeout_at(question.answer_by, &mut question.answer) => {
                    self.question = None;
                    return answer.ok().and_then(Result::ok).flatten().unwrap_or(Duration::MAX);
                }
                message = control.hear(), if self.listens => self.note(message.ok().map(|(message, _)| message)),
            }
        }
        Duration::ZERO
    }
}

impl Question {
    fn ask(handle: &BayHandle) -> Self {
        Self { answer: handle.ask_cpu_wait(), answer_by: Instant::now() + ANSWER_PATIENCE }
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

    use tokio::io::AsyncWriteExt;
    use tokio::net::UnixStream;

    use super::*;
    use crate::link::Bay;
    use crate::link::ForkerImitation;

    /// A clock of one second, and all that it looks at.
    struct Fixture {
        clock: Clock,
        control: Control,
        handle: BayHandle,
        pid_1: UnixStream,
        forker: ForkerImitation,
    }

    impl Fixture {
        fn new(meter: Option<OwnedFd>) -> Self {
            Self::with_idle(meter, None)
        }

        fn with_idle(meter: Option<OwnedFd>, idle: Option<Duration>) -> Self {
            let imitation = Bay::imitation().unwrap();
            let wall = Duration::from_secs(1);
            let clocks = Clocks { wall, cpu: 10 * wall, idle, stdout_bytes: 0, stderr_bytes: 0 };
            let Bay { control, handle, .. } = imitation.bay;
            let clock = Clock::start(&clocks, meter, true);
            Self { clock, control, handle, pid_1: imitation.control, forker: imitation.forker }
        }

        /// Waits until time is up while the forker says `waited` whenever it is asked; returns how many tenths of a second
        /// that took.
        async fn tenths(&mut self, waited: Option<Duration>) -> (Expiry, u128) {
            let started = self.clock.started();
            let answers = async {
                while let Some(answer) = self.forker.is_asked().await {
                    _ = answer.send(waited);
                }
            };
            tokio::select! {
                expiry = self.clock.expiry(&mut self.control, &self.handle) => (expiry, started.elapsed().as_millis() / 100),
                () = answers => panic!("the forker is asked something else"),
            }
        }

        async fn say(&mut self, message: BayMessage) {
            self.pid_1.write_all(&message.encode()).await.unwrap();
        }
    }

    const STOP: Expiry = Expiry::Stop(Stop::WallTime);

    #[tokio::test(start_paused = true)]
    async fn wall_time_is_extended_by_the_wait_for_a_cpu_and_at_most_doubled() {
        for (waited_ms, tenths) in [(0, 10), (300, 13), (5_000, 20)] {
            let waited = Some(Duration::from_millis(waited_ms));
            assert_eq!(Fixture::new(None).tenths(waited).await, (STOP, tenths));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_program_used_nobody_took_from_it() {
        for (used_us, tenths) in [(1_000_000, 10), (200_000, 16)] {
            let mut meter = tempfile::tempfile().unwrap();
            writeln!(meter, "usage_usec {used_us}").unwrap();
            let mut fixture = Fixture::new(Some(meter.into()));
            assert_eq!(fixture.tenths(Some(Duration::from_millis(600))).await, (STOP, tenths), "{used_us}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_nobody_knows_is_no_wait_of_zero() {
        assert_eq!(Fixture::new(None).tenths(None).await, (STOP, 20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_forker_that_does_not_answer_is_not_waited_for_for_ever() {
        let mut fixture = Fixture::new(None);
        let started = fixture.clock.started();
        // As when chunks of output arrive all the time.
        let expiry = loop {
            let pause = Duration::from_millis(100);
            let expiry = fixture.clock.expiry(&mut fixture.control, &fixture.handle);
            if let Ok(expiry) = tokio::time::timeout(pause, expiry).await {
                break expiry;
            }
        };
        assert_eq!(expiry, STOP);
        // At the end it is asked once more.
        assert_eq!(started.elapsed().as_millis() / 100, 25);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_was_not_waited_for_counts_and_nothing_is_asked_again() {
        let mut fixture = Fixture::new(None);
        let answer = tokio::select! {
            expiry = fixture.clock.expiry(&mut fixture.control, &fixture.handle) => panic!("{expiry:?}"),
            answer = fixture.forker.is_asked() => answer.unwrap(),
        };
        answer.send(Some(Duration::ZERO)).unwrap();
        assert_eq!(fixture.clock.expiry(&mut fixture.control, &fixture.handle).await, STOP);
        assert_eq!(fixture.clock.started().elapsed().as_millis() / 100, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_is_idle_from_what_was_noted_last() {
        let idle = Duration::from_millis(300);
        let mut fixture = Fixture::with_idle(None, Some(idle));
        let activity = fixture.clock.activity().unwrap().clone();
        let started = fixture.clock.started();
        for _ in 0..2 {
            let pause = tokio::time::timeout(
                Duration::from_millis(200),
                fixture.clock.expiry(&mut fixture.control, &fixture.handle),
            );
            assert!(pause.await.is_err());
            activity.note();
        }
        let expiry = fixture.clock.expiry(&mut fixture.control, &fixture.handle).await;
        assert_eq!((expiry, started.elapsed().as_millis() / 100), (Expiry::Stop(Stop::Idle), 7));
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_at_the_last_moment_counts() {
        let idle = Duration::from_millis(300);
        let mut fixture = Fixture::with_idle(None, Some(idle));
        let activity = fixture.clock.activity().unwrap().clone();
        let late = async {
            tokio::time::sleep(idle + Duration::from_millis(5)).await;
            activity.note();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            expiry = fixture.clock.expiry(&mut fixture.control, &fixture.handle) => assert_eq!(expiry, Expiry::Stop(Stop::Idle)),
            () = late => {}
        }
        assert_eq!(fixture.clock.started().elapsed().as_millis() / 100, 6);
    }

    #[tokio::test(start_paused = true)]
    async fn a_bay_that_packs_has_time_of_its_own() {
        let mut fixture = Fixture::new(None);
        fixture.say(BayMessage::Packing).await;
        assert_eq!(fixture.tenths(None).await.0, Expiry::NotPacked);
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_while_the_forker_is_asked_is_heard() {
        let mut fixture = Fixture::new(None);
        // Kept, so that an answer may still come.
        let _asked = tokio::select! {
            expiry = fixture.clock.expiry(&mut fixture.control, &fixture.handle) => panic!("{expiry:?}"),
            asked = fixture.forker.is_asked() => asked.unwrap(),
        };
        fixture.say(BayMessage::Packing).await;
        assert_eq!(fixture.clock.expiry(&mut fixture.control, &fixture.handle).await, Expiry::NotPacked);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_closed_stops_no_clock() {
        let mut fixture = Fixture::new(None);
        let (_, other) = UnixStream::pair().unwrap();
        drop(std::mem::replace(&mut fixture.pid_1, other));
        assert_eq!(fixture.tenths(Some(Duration::ZERO)).await, (STOP, 10));
    }
}
