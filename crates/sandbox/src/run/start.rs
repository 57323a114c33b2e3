//! Starting a program in a bay, at once or in two steps.

use std::io;
use std::os::fd::OwnedFd;

use tokio::time::timeout;

use super::clock::Clocks;
use super::report::RunError;
use super::report::SETUP_PATIENCE;
use super::report::judge_end;
use super::running::Running;
use super::stdin::Stdin;
use crate::artefact::Artefact;
use crate::bay;
use crate::bay::Invocation;
use crate::bay::Job;
use crate::bay::Runtime;
use crate::bay::Unsendable;
use crate::link::Bay;
use crate::link::LimitError;
use crate::wire::BayLimits;
use crate::wire::BayMessage;
use crate::wire::ProgramEnd;
use crate::wire::Usage;

impl Bay {
    /// Starts a program.
    ///
    /// CANCEL: dropping the future kills the bay.
    ///
    /// # Errors
    ///
    /// [`RunError`] within ten seconds. A bay without memory for its program is none: what is returned has ended then.
    pub async fn start(self, invocation: &Invocation, clocks: &Clocks) -> Result<(Running, Stdin), RunError> {
        let Invocation { runtime, job } = invocation;
        let frame = bay::first_frame(runtime, Some(job))?;
        start(self, &frame, job, clocks).await
    }

    /// Makes the bay ready for a job that comes later, by then as confined as with a program in it.
    ///
    /// CANCEL: dropping the future kills the bay.
    ///
    /// # Errors
    ///
    /// [`RunError`] within ten seconds.
    pub async fn park(mut self, runtime: &Runtime) -> Result<ParkedBay, RunError> {
        let frame = bay::first_frame(runtime, None)?;
        match hand_over(&mut self, &frame, None, BayMessage::Parked).await? {
            HandedOver::Taken(_) => Ok(ParkedBay { bay: Some(self) }),
            // With too little memory to be built it is dead as well.
            HandedOver::Ended(end, usage) => judge_end(end, &usage, None).and(Err(RunError::BayLost)),
        }
    }
}

/// A bay that is built, confined, and waits for its job.
///
/// It waits as long as it is kept. Dropping it kills the bay.
#[derive(Debug)]
pub struct ParkedBay {
    /// None once its limits are not known.
    bay: Option<Bay>,
}

impl ParkedBay {
    /// Returns the limits that the bay has; none once a change of them failed half-way.
    #[must_use]
    pub fn limits(&self) -> Option<&BayLimits> {
        self.bay.as_ref().map(|bay| &bay.limits)
    }

    /// Changes the limits. Those of the cgroup hold at once, those of each process from the program's start on.
    ///
    /// CANCEL: dropping the future kills the bay, whose limits nobody knows.
    ///
    /// # Errors
    ///
    /// [`LimitError`] within ten seconds. After [`LimitError::Fixed`] the bay is as before, after others it is dead.
    pub async fn limit(&mut self, limits: BayLimits) -> Result<(), LimitError> {
        let mut bay = self.bay.take().ok_or(LimitError::NotParked)?;
        let result = bay.handle.limit(limits).await;
        match result {
            Ok(()) => bay.limits = limits,
            Err(LimitError::Fixed(_)) => {}
            Err(_) => return result,
        }
        self.bay = Some(bay);
        result
    }

    /// Starts a program.
    ///
    /// CANCEL: dropping the future kills the bay.
    ///
    /// # Errors
    ///
    /// Like [`Bay::start`]; [`RunError::BayLost`] for a bay that died while it was parked.
    pub async fn start(self, job: &Job, clocks: &Clocks) -> Result<(Running, Stdin), RunError> {
        let bay = self.bay.ok_or(RunError::BayLost)?;
        let frame = bay::parked_frame(&bay.limits, job)?;
        start(bay, &frame, job, clocks).await
    }
}

async fn start(mut bay: Bay, frame: &[u8], job: &Job, clocks: &Clocks) -> Result<(Running, Stdin), RunError> {
    if job.terminal.is_some() && !bay.limits.terminal {
        return Err(RunError::NoTerminal);
    }
    match hand_over(&mut bay, frame, job.unpack.as_ref(), BayMessage::Started).await? {
        HandedOver::Taken(None) if job.terminal.is_some() => Err(RunError::Terminal(io::ErrorKind::InvalidData.into())),
        HandedOver::Taken(terminal) => Running::new(bay, clocks, job.keep.is_some(), terminal),
        HandedOver::Ended(end, usage) => {
            judge_end(end, &usage, None)?;
            Running::ended(bay, clocks, (end, usage))
        }
    }
}

/// What became of something that was handed over.
enum HandedOver {
    /// Pid 1 has it; the fd came with its answer.
    Taken(Option<OwnedFd>),
    /// The bay ended before.
    Ended(ProgramEnd, Usage),
}

/// Sends a frame and waits until pid 1 says `expected`; the bay may end before that.
async fn hand_over(
    bay: &mut Bay,
    frame: &[u8],
    unpack: Option<&Artefact>,
    expected: BayMessage,
) -> Result<HandedOver, RunError> {
    let hand_over = async {
        let said = match bay.control.hand_over(frame, unpack).await {
            Ok(()) => bay.control.hear().await,
            Err(error) => Err(error),
        };
        match said {
            Ok((message, fd)) if message == expected => Ok(HandedOver::Taken(fd)),
            // The bay gave up; the forker knows why.
            _ => {
                let (end, usage) = (&mut bay.ended).await.map_err(|_| RunError::ForkerLost)?;
                bay.handle.disarm();
                Ok(HandedOver::Ended(end, usage))
            }
        }
    };
    timeout(SETUP_PATIENCE, hand_over).await.map_err(|_| RunError::NotReady)?
}

impl From<Unsendable> for RunError {
    fn from(why: Unsendable) -> Self {
        match why {
            Unsendable::TooLarge => Self::JobTooLarge,
            Unsendable::Name => Self::JobName,
        }
    }
}
