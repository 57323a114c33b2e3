//! The service's side: asks the forker for bays and hears how they ended.

mod forker_socket;
mod task;

use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

use crate::keeper::Keeper;
use crate::step::StepError;
use crate::wire::BayId;
use crate::wire::BayLimits;
use crate::wire::Isolation;
use crate::wire::ProgramEnd;
use crate::wire::Usage;

/// Requests that may wait for the forker; who finds it full waits too.
const MAILBOX: usize = 256;

/// How long the forker may take to hand out a bay; more than it needs to be restarted.
const BAY_PATIENCE: Duration = Duration::from_secs(10);

/// How long the forker may take to be told that a bay has to die.
const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// Makes bays. Cheap to clone; the sandbox ends when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Sandbox {
    requests: mpsc::Sender<task::ForkerRequest>,
    isolation: Isolation,
    cgroups: String,
}

/// One bay, built or being built, which has not run anything yet.
///
/// Dropping it kills everything inside.
#[derive(Debug)]
pub struct Bay {
    pub(crate) control: UnixStream,
    pub(crate) stdin: pipe::Sender,
    pub(crate) stdout: pipe::Receiver,
    pub(crate) stderr: pipe::Receiver,
    pub(crate) ended: oneshot::Receiver<(ProgramEnd, Usage)>,
    pub(crate) killer: Killer,
    /// Counts the bay's CPU time, see [`crate::cgroup::read_cpu_us`]; none without cgroups.
    pub(crate) meter: Option<OwnedFd>,
}

/// Kills one bay, also when it is dropped.
///
/// The bay sees for itself that its control stream is closed; this does not rely on it.
#[derive(Debug)]
pub(crate) struct Killer {
    bay: BayId,
    requests: mpsc::Sender<task::ForkerRequest>,
    armed: bool,
}

/// A sandbox that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kernel refused something that every bay needs.
    #[error("this host cannot build sandboxes")]
    Unusable(#[source] StepError),
    /// Keeper or forker died or said nothing in time.
    #[error("the sandbox's forker process did not start")]
    NoForker,
    /// A socket to them failed.
    #[error("failed to speak to the sandbox's processes")]
    Socket(#[source] std::io::Error),
}

/// A bay that could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BayError {
    /// As many bays as configured are alive.
    #[error("all {0} bays are in use")]
    NoFreeBay(u32),
    /// The kernel refused a step of making it.
    #[error(transparent)]
    Step(StepError),
    /// Its pipes could not be taken over; the service may have too many open files.
    #[error("failed to take over the bay's pipes")]
    Pipes(#[source] std::io::Error),
    /// The forker died or did not answer in time; there may be another one soon.
    #[error("the sandbox's forker process does not answer")]
    NoForker,
}

impl Sandbox {
    /// Waits for the first forker of `keeper` and takes up work with it.
    ///
    /// The task that speaks to the forker ends with the last clone of the sandbox.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when bays cannot be built on this host.
    pub async fn connect(keeper: Keeper) -> Result<Self, ConnectError> {
        let (requests, mailbox) = mpsc::channel(MAILBOX);
        let link = task::Link::connect(keeper, requests.downgrade()).await?;
        let (isolation, cgroups) = link.facts();
        tokio::spawn(link.serve(mailbox));
        Ok(Self { requests, isolation, cgroups })
    }

    /// Returns how strongly bays are separated.
    #[must_use]
    pub fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// Returns which kind of cgroups is used, for people.
    #[must_use]
    pub fn cgroups(&self) -> &str {
        &self.cgroups
    }

    /// Returns when no bay can be made any more, because the keeper died or isolation was lost.
    ///
    /// The service then has no rights to start another keeper; it has to end and be started anew.
    pub async fn lost(&self) {
        self.requests.closed().await;
    }

    /// Makes a bay.
    ///
    /// CANCEL: a bay that nobody waits for any more is destroyed.
    ///
    /// # Errors
    ///
    /// [`BayError`], within ten seconds.
    pub async fn bay(&self, limits: BayLimits) -> Result<Bay, BayError> {
        let (answer, made) = oneshot::channel();
        let ask = async {
            self.requests.send(task::ForkerRequest::Make { limits, answer }).await.map_err(|_| BayError::NoForker)?;
            made.await.map_err(|_| BayError::NoForker)?
        };
        tokio::time::timeout(BAY_PATIENCE, ask).await.map_err(|_| BayError::NoForker)?
    }
}

impl Killer {
    /// Kills everything in the bay; its end is told as usual.
    pub(crate) async fn kill(&self) {
        // Without a forker, which is what a mailbox that stays full means, the bay is dead already.
        let told = self.requests.send(task::ForkerRequest::Kill { bay: self.bay });
        drop(tokio::time::timeout(KILL_PATIENCE, told).await);
    }

    /// Says that the bay has ended by now.
    pub(crate) fn disarm(&mut self) {
        self.armed = false;
    }
}

impl Drop for Killer {
    fn drop(&mut self) {
        if self.armed {
            // With a full mailbox it is left to the bay.
            drop(self.requests.try_send(task::ForkerRequest::Kill { bay: self.bay }));
        }
    }
}

#[cfg(test)]
impl Bay {
    /// Makes a bay without any process: the caller plays its pid 1 and the forker.
    pub(crate) fn imitation() -> std::io::Result<Imitation> {
        let (service, control) = UnixStream::pair()?;
        let (told, ended) = oneshot::channel();
        let (requests, forker) = mpsc::channel(MAILBOX);
        let killer = Killer { bay: BayId(0), requests, armed: true };
        let ((stdin, program_in), (program_out, stdout), (program_err, stderr)) =
            (pipe::pipe()?, pipe::pipe()?, pipe::pipe()?);
        let bay = Self { control: service, stdin, stdout, stderr, ended, killer, meter: None };
        Ok(Imitation { bay, control, _streams: (program_in, program_out, program_err), _told: told, _forker: forker })
    }
}

/// A bay without any process, and the other ends of all that it holds.
#[cfg(test)]
pub(crate) struct Imitation {
    pub(crate) bay: Bay,
    pub(crate) control: UnixStream,
    _streams: (pipe::Receiver, pipe::Sender, pipe::Sender),
    _told: oneshot::Sender<(ProgramEnd, Usage)>,
    _forker: mpsc::Receiver<task::ForkerRequest>,
}
