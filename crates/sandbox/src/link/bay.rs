//! One bay as the service knows it, and what is asked of the forker about it.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

use super::control::Control;
use super::error::BayError;
use super::error::LimitError;
use crate::artefact::ArtefactRoom;
use crate::wire::BAY_FDS;
use crate::wire::BayId;
use crate::wire::BayLimits;
use crate::wire::ProgramEnd;
use crate::wire::Usage;

/// How long the forker may take to be told that a bay has to die.
const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// How long the forker may take to change limits; more than it needs to be busy with other bays.
const LIMIT_PATIENCE: Duration = Duration::from_secs(10);

/// One bay, built or being built, which has not been told what to run.
///
/// Dropping it kills everything inside.
#[derive(Debug)]
pub struct Bay {
    /// The limits it was asked for with, or those that it has by now.
    pub(crate) limits: BayLimits,
    /// Leads to pid 1.
    pub(crate) control: Control,
    pub(crate) stdin: pipe::Sender,
    pub(crate) stdout: pipe::Receiver,
    pub(crate) stderr: pipe::Receiver,
    pub(crate) ended: oneshot::Receiver<(ProgramEnd, Usage)>,
    pub(crate) handle: BayHandle,
    /// Counts the bay's CPU time, see [`crate::cgroup::read_cpu_us`]; none without cgroups.
    pub(crate) meter: Option<OwnedFd>,
    /// For what the program makes.
    pub(crate) artefact_room: ArtefactRoom,
}

/// Asks the forker for what concerns one bay; kills the bay when it is dropped.
///
/// The bay sees for itself that its control stream is closed; that does not rely on this.
#[derive(Debug)]
pub(crate) struct BayHandle {
    bay: BayId,
    requests: mpsc::Sender<ForkerRequest>,
    armed: bool,
}

/// What is asked of the forker.
#[derive(Debug)]
pub(super) enum ForkerRequest {
    Make { limits: BayLimits, answer: oneshot::Sender<Result<Bay, BayError>> },
    Limit { bay: BayId, limits: BayLimits, answer: oneshot::Sender<Result<(), LimitError>> },
    CpuWait { bay: BayId, answer: oneshot::Sender<Option<Duration>> },
    Kill { bay: BayId },
}

impl Bay {
    /// Takes the fds in the order of [`BAY_FDS`].
    pub(super) fn new(
        fds: Vec<OwnedFd>,
        limits: BayLimits,
        ended: oneshot::Receiver<(ProgramEnd, Usage)>,
        handle: BayHandle,
        artefact_room: ArtefactRoom,
    ) -> io::Result<Self> {
        if fds.len() < BAY_FDS {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut fds = fds.into_iter();
        let mut next = || fds.next().ok_or(io::ErrorKind::InvalidData);
        let control = std::os::unix::net::UnixStream::from(next()?);
        control.set_nonblocking(true)?;
        Ok(Self {
            limits,
            control: Control::new(UnixStream::from_std(control)?),
            stdin: pipe::Sender::from_owned_fd(next()?)?,
            stdout: pipe::Receiver::from_owned_fd(next()?)?,
            stderr: pipe::Receiver::from_owned_fd(next()?)?,
            ended,
            handle,
            meter: fds.next(),
            artefact_room,
        })
    }
}

impl BayHandle {
    pub(super) fn new(bay: BayId, requests: mpsc::Sender<ForkerRequest>) -> Self {
        Self { bay, requests, armed: true }
    }

    /// Changes the limits of the bay if it is parked.
    ///
    /// CANCEL: they may be changed or not.
    pub(crate) async fn limit(&self, limits: BayLimits) -> Result<(), LimitError> {
        let (answer, limited) = oneshot::channel();
        let ask = async {
            let request = ForkerRequest::Limit { bay: self.bay, limits, answer };
            self.requests.send(request).await.map_err(|_| LimitError::NoForker)?;
            limited.await.map_err(|_| LimitError::NoForker)?
        };
        tokio::time::timeout(LIMIT_PATIENCE, ask).await.map_err(|_| LimitError::NoForker)?
    }

    /// Asks how long the program waited for a CPU of a busy host; nobody may answer.
    pub(crate) fn ask_cpu_wait(&self) -> oneshot::Receiver<Option<Duration>> {
        let (answer, waited) = oneshot::channel();
        // With a full mailbox the receiver sees that nobody answers.
        _ = self.requests.try_send(ForkerRequest::CpuWait { bay: self.bay, answer });
        waited
    }

    /// Kills everything in the bay; its end is told as usual.
    ///
    /// CANCEL: the forker may be told or not; telling it twice does no harm.
    pub(crate) async fn kill(&self) {
        // Without a forker, which is what a mailbox that stays full means, the bay is dead already.
        let told = self.requests.send(ForkerRequest::Kill { bay: self.bay });
        drop(tokio::time::timeout(KILL_PATIENCE, told).await);
    }

    /// Does so without waiting; returns whether the forker will hear of it.
    pub(crate) fn try_kill(&self) -> bool {
        self.requests.try_send(ForkerRequest::Kill { bay: self.bay }).is_ok()
    }

    /// Says that the bay has ended by now.
    pub(crate) fn disarm(&mut self) {
        self.armed = false;
    }
}

impl Drop for BayHandle {
    fn drop(&mut self) {
        if self.armed {
            // With a full mailbox it is left to the bay.
            _ = self.try_kill();
        }
    }
}

#[cfg(test)]
impl Bay {
    /// Makes a bay without any process: the caller plays its pid 1 and the forker.
    pub(crate) fn imitation() -> io::Result<Imitation> {
        let (service, control) = UnixStream::pair()?;
        let (told, ended) = oneshot::channel();
        let (requests, forker) = mpsc::channel(8);
        let handle = BayHandle { bay: BayId(0), requests, armed: true };
        let ((stdin, program_in), (program_out, stdout), (program_err, stderr)) =
            (pipe::pipe()?, pipe::pipe()?, pipe::pipe()?);
        let limits = BayLimits {
            memory_bytes: 1,
            processes: 1,
            cpu_time_ms: 1,
            open_files: 1,
            file_bytes: 1,
            disk_bytes: 1,
            inodes: 1,
            stack_bytes: 1,
            data_bytes: None,
            terminal: false,
        };
        let (control_end, artefact_room) = (Control::new(service), ArtefactRoom::new());
        let bay =
            Self { limits, control: control_end, stdin, stdout, stderr, ended, handle, meter: None, artefact_room };
        let program = (program_in, program_out, program_err);
        Ok(Imitation { bay, control, program, told, forker: ForkerImitation(forker) })
    }
}

/// A bay without any process, and the other ends of all that it holds.
#[cfg(test)]
pub(crate) struct Imitation {
    pub(crate) bay: Bay,
    pub(crate) control: UnixStream,
    /// Standard input, output and error of the program.
    pub(crate) program: (pipe::Receiver, pipe::Sender, pipe::Sender),
    pub(crate) told: oneshot::Sender<(ProgramEnd, Usage)>,
    pub(crate) forker: ForkerImitation,
}

/// The forker's end of what is asked of it.
#[cfg(test)]
pub(crate) struct ForkerImitation(mpsc::Receiver<ForkerRequest>);

#[cfg(test)]
impl ForkerImitation {
    /// Returns whether the forker was asked to kill the bay.
    pub(crate) fn is_killed(&mut self) -> bool {
        matches!(self.0.try_recv(), Ok(ForkerRequest::Kill { .. }))
    }

    /// Waits for the question how long the program waited for a CPU; none if something else is asked.
    pub(crate) async fn is_asked(&mut self) -> Option<oneshot::Sender<Option<Duration>>> {
        match self.0.recv().await? {
            ForkerRequest::CpuWait { answer, .. } => Some(answer),
            _ => None,
        }
    }
}
