//! What is said of a program that was run.

use std::time::Duration;

use tracing::warn;

use super::clock::PACK_PATIENCE;
use super::clock::Stop;
use crate::artefact::Artefact;
use crate::artefact::ArtefactFault;
use crate::step::StepError;
use crate::wire::ProgramEnd;
use crate::wire::Usage;

/// How long a bay may take from its clone to the start of its program, or until it is parked.
pub(super) const SETUP_PATIENCE: Duration = Duration::from_secs(10);

/// How a program ended, without its output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// How it ended. [`ProgramEnd::Killed`] means that it did not end by itself.
    pub end: ProgramEnd,
    /// Why it was stopped, if it was; it may still have ended by itself right before.
    pub stop: Option<Stop>,
    /// Time on the wall clock from start to end.
    pub wall: Duration,
    /// What it used.
    pub usage: Usage,
    /// What it handed over; none unless [`crate::Job::keep`] was set and it ended with the exit code 0.
    pub artefact: Option<Result<Artefact, ArtefactFault>>,
}

/// What came of running a program: how it ended, and all that it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How it ended, see [`Ending::end`].
    pub end: ProgramEnd,
    /// Why it was stopped, see [`Ending::stop`].
    pub stop: Option<Stop>,
    /// Standard output: up to one byte more than the limit, which tells that there was more.
    pub stdout: Vec<u8>,
    /// Standard error, likewise.
    pub stderr: Vec<u8>,
    /// Time on the wall clock from start to end.
    pub wall: Duration,
    /// What it used.
    pub usage: Usage,
    /// What it handed over, see [`Ending::artefact`].
    pub artefact: Option<Result<Artefact, ArtefactFault>>,
}

impl Ending {
    /// Returns the report on a program that wrote this.
    pub(super) fn with_output(self, stdout: Vec<u8>, stderr: Vec<u8>) -> Report {
        let Self { end, stop, wall, usage, artefact } = self;
        Report { end, stop, stdout, stderr, wall, usage, artefact }
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
    /// The job asks for a terminal, and the bay was made without one.
    #[error("the bay has no terminal")]
    NoTerminal,
    /// The terminal of the program could not be taken over; the service may have too many open files.
    #[error("failed to take over the terminal of the program")]
    Terminal(#[source] std::io::Error),
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

/// Tells the ends that a program can have from the faults of host and service.
pub(super) fn judge_end(end: ProgramEnd, usage: &Usage, stop: Option<Stop>) -> Result<ProgramEnd, RunError> {
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
}
