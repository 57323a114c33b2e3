//! Running one program in a bay: feeding it, collecting its output, and stopping it when it goes too far.

mod capture;
mod clock;
mod control;

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;

use crate::artefact::Artefact;
use crate::artefact::ArtefactFault;
use crate::bay;
use crate::bay::Job;
use crate::bay::Unsendable;
use crate::link::Bay;
use crate::step::StepError;
use crate::wire::BayMessage;
use crate::wire::ProgramEnd;
use crate::wire::Usage;

use capture::Capture;
use clock::Clock;
use clock::Expiry;
use clock::PACK_PATIENCE;
use control::Control;

/// How long a bay may take from its clone to the start of its program.
const SETUP_PATIENCE: Duration = Duration::from_secs(10);

/// How long a killed bay is waited for: with thousands of processes it may take a busy host a while to end them all.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// How long the pipes are read after everything that could write to them is dead.
const DRAIN_PATIENCE: Duration = Duration::from_secs(1);

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
}

/// What came of running a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How it ended. [`ProgramEnd::Killed`] means that it did not end by itself.
    pub end: ProgramEnd,
    /// Why it was stopped, if it was; it may still have ended by itself right before.
    pub stop: Option<Stop>,
    /// Standard output: up to one byte more than the limit, which tells that there was more.
    pub stdout: Vec<u8>,
    /// Standard error, likewise.
    pub stderr: Vec<u8>,
    /// Time on the wall clock from start to end.
    pub wall: Duration,
    /// What it used.
    pub usage: Usage,
    /// What it handed over; none unless [`Job::keep`] was set and it ended with the exit code 0.
    pub artefact: Option<Result<Artefact, ArtefactFault>>,
}

impl Report {
    /// Reports a bay that ended before its program was started.
    fn without_output(end: ProgramEnd, usage: Usage) -> Self {
        let (stdout, stderr) = (Vec::new(), Vec::new());
        Self { end, stop: None, stdout, stderr, wall: Duration::ZERO, usage, artefact: None }
    }
}

/// A program of which nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The bay could not be built, or the program not be executed.
    #[error("failed to start the program in its bay")]
    NotStarted(#[source] StepError),
    /// The bay was not ready in time.
    #[error("the bay was not ready within {} s", SETUP_PATIENCE.as_secs())]
    NotReady,
    /// The job is larger than any request may be.
    #[error("the job is too large for a bay")]
    JobTooLarge,
    /// A name in the job is not UTF-8.
    #[error("a file name of the job is not UTF-8")]
    JobName,
    /// The forker died, and the bay with it.
    #[error("the sandbox's forker process died during the run")]
    ForkerLost,
    /// The bay died although nobody killed it.
    #[error("the bay died during the run")]
    BayLost,
    /// What the program made was not packed in time.
    #[error("what the program made was not packed within {} s", PACK_PATIENCE.as_secs())]
    NotPacked,
    /// What was packed could not be taken over; the service may have too little memory or too many open files.
    #[error("failed to take over what the program made")]
    Artefact(#[source] std::io::Error),
}

/// Runs `job` in `bay` with `stdin` as its whole input.
///
/// CANCEL: dropping the future kills the program.
///
/// # Errors
///
/// [`RunError`] for faults of host or service; whatever the program does is a [`Report`].
pub async fn run(bay: Bay, job: &Job, stdin: &[u8], clocks: &Clocks) -> Result<Report, RunError> {
    let frame = bay::frame(job).map_err(|why| match why {
        Unsendable::TooLarge => RunError::JobTooLarge,
        Unsendable::Name => RunError::JobName,
    })?;
    let Bay { control, stdin: input, stdout, stderr, mut ended, mut killer, meter } = bay;
    let mut control = Control::new(control);
    let starting = start(&mut control, &mut ended, &frame, job);
    let early_end = tokio::time::timeout(SETUP_PATIENCE, starting).await.map_err(|_| RunError::NotReady)??;
    if let Some((end, usage)) = early_end {
        killer.disarm();
        return Ok(Report::without_output(judge_end(end, &usage, None)?, usage));
    }

    let mut clock = Clock::start(clocks, meter, control, job.keep.is_some());
    let started = clock.started();
    let mut stdout = Capture::new(stdout, clocks.stdout_bytes);
    let mut stderr = Capture::new(stderr, clocks.stderr_bytes);
    let feeding = feed(input, stdin);
    tokio::pin!(feeding);
    let mut fed = false;
    let mut stop: Option<(Stop, Instant)> = None;
    let (end, usage) = loop {
        let patience = stop.map_or(started, |(_, at)| at + KILL_PATIENCE);
        let reason = tokio::select! {
            end = &mut ended => break end.map_err(|_| RunError::ForkerLost)?,
            () = &mut feeding, if !fed => {
                fed = true;
                continue;
            }
            () = stdout.overflow(), if stop.is_none() => Stop::Output,
            () = stderr.overflow(), if stop.is_none() => Stop::Output,
            expiry = clock.expiry(), if stop.is_none() => match expiry {
                Expiry::Stop(reason) => reason,
                Expiry::NotPacked => return Err(RunError::NotPacked),
            },
            () = tokio::time::sleep_until(patience), if stop.is_some() => {
                // The verdict stands whenever the bay's last process ends; its slot is not used again before that.
                warn!("a bay did not die within {} s of being killed", KILL_PATIENCE.as_secs());
                break (ProgramEnd::Killed, Usage::default());
            }
        };
        stop = Some((reason, Instant::now()));
        killer.kill().await;
    };
    killer.disarm();
    let stopped = stop.map_or_else(Instant::now, |(_, at)| at);
    let wall = usage.wall_us.map_or(stopped - started, Duration::from_micros);
    let stop = stop.map(|(reason, _)| reason);
    let end = judge_end(end, &usage, stop)?;
    let artefact = match (&job.keep, end) {
        (Some(_), ProgramEnd::Exited(0)) => Some(take_over(clock.into_control()).await?),
        _ => None,
    };

    // Nothing is left that could write, so both pipes end; the deadline is for what cannot happen.
    let drained = async { tokio::join!(stdout.drain(), stderr.drain()) };
    drop(tokio::time::timeout(DRAIN_PATIENCE, drained).await);
    Ok(Report { end, stop, stdout: stdout.into_bytes(), stderr: stderr.into_bytes(), wall, usage, artefact })
}

/// Hands the job over and waits until its program is about to be executed; returns how the bay ended if it is not.
async fn start(
    control: &mut Control,
    ended: &mut oneshot::Receiver<(ProgramEnd, Usage)>,
    frame: &[u8],
    job: &Job,
) -> Result<Option<(ProgramEnd, Usage)>, RunError> {
    let hand_over = async {
        control.hand_over(frame, job.unpack.as_ref()).await?;
        control.hear().await
    };
    match hand_over.await {
        Ok((BayMessage::Started, _)) => Ok(None),
        // The bay gave up; the forker knows why.
        _ => ended.await.map(Some).map_err(|_| RunError::ForkerLost),
    }
}

/// Tells the ends that a program can have from the faults of host and service.
fn judge_end(end: ProgramEnd, usage: &Usage, stop: Option<Stop>) -> Result<ProgramEnd, RunError> {
    // Whatever the program did after that, or did not, is no verdict on it.
    if usage.foreign_memory_kills > 0 {
        warn!("the kernel killed processes of a bay because the host, or a group above the bays, ran out of memory");
        return Err(RunError::BayLost);
    }
    match end {
        // Whether pid 1 or the program hits the limit first, it is the same limit.
        ProgramEnd::NotStarted(_) if usage.memory_kills > 0 => Ok(ProgramEnd::Killed),
        ProgramEnd::NotStarted(error) => Err(RunError::NotStarted(error)),
        ProgramEnd::Killed if stop.is_none() && usage.memory_kills == 0 => Err(RunError::BayLost),
        end => Ok(end),
    }
}

/// Takes over what pid 1 has packed before it told of the program's end.
async fn take_over(mut control: Control) -> Result<Result<Artefact, ArtefactFault>, RunError> {
    let take = async {
        loop {
            match control.hear().await? {
                (BayMessage::Packed(Ok(())), Some(packed)) => return Ok(Ok(Artefact::copy(packed).await?)),
                (BayMessage::Packed(Ok(())), None) => return Err(std::io::ErrorKind::InvalidData.into()),
                (BayMessage::Packed(Err(fault)), _) => return Ok(Err(fault)),
                _ => {}
            }
        }
    };
    tokio::time::timeout(PACK_PATIENCE, take).await.map_err(|_| RunError::NotPacked)?.map_err(RunError::Artefact)
}

/// Writes the whole input, then closes it.
async fn feed(mut input: pipe::Sender, stdin: &[u8]) {
    // A program that does not read its input to the end is none the worse for it.
    drop(input.write_all(stdin).await);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_not_judged_by_what_the_host_did_to_it() {
        let kills =
            |memory_kills, foreign_memory_kills| Usage { memory_kills, foreign_memory_kills, ..Usage::default() };
        for end in [ProgramEnd::Killed, ProgramEnd::Signalled(9), ProgramEnd::Exited(1)] {
            assert_eq!(judge_end(end, &kills(1, 0), None).unwrap(), end);
            assert!(matches!(judge_end(end, &kills(0, 1), None), Err(RunError::BayLost)), "{end:?}");
            assert!(matches!(judge_end(end, &kills(0, 1), Some(Stop::WallTime)), Err(RunError::BayLost)), "{end:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bay_that_does_not_die_does_not_take_the_verdict_along() {
        let mut imitation = Bay::imitation().unwrap();
        imitation.control.write_all(&BayMessage::Started.encode()).await.unwrap();
        let second = Duration::from_secs(1);
        let clocks = Clocks { wall: second, cpu: second, stdout_bytes: 0, stderr_bytes: 0 };
        let started = Instant::now();
        let report = run(imitation.bay, &Job::default(), b"", &clocks).await.unwrap();
        assert_eq!((report.end, report.stop), (ProgramEnd::Killed, Some(Stop::WallTime)));
        assert!(report.wall < 2 * second, "{:?}", report.wall);
        assert!(started.elapsed() >= KILL_PATIENCE);
    }
}
