//! The task that owns the socket to the forker.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tracing::error;
use tracing::warn;

use super::Bay;
use super::BayError;
use super::ConnectError;
use super::Killer;
use super::forker_socket::PacketSocket;
use crate::keeper::Keeper;
use crate::packet::Packet;
use crate::wire::BAY_FDS;
use crate::wire::BayId;
use crate::wire::BayLimits;
use crate::wire::Isolation;
use crate::wire::ProgramEnd;
use crate::wire::Refusal;
use crate::wire::Reply;
use crate::wire::Request;
use crate::wire::Usage;
use crate::wire::decode;
use crate::wire::encode;

/// How long a forker may take to start, cleaning up after a killed one included.
const START_PATIENCE: Duration = Duration::from_secs(15);

/// What the rest of the service asks of the task.
#[derive(Debug)]
pub(super) enum ForkerRequest {
    Make { limits: BayLimits, answer: oneshot::Sender<Result<Bay, BayError>> },
    Kill { bay: BayId },
}

/// The connection to keeper and forker.
pub(super) struct Link {
    keeper: PacketSocket,
    // Held for its process only; the socket above is a copy of its.
    _keeper: Keeper,
    forker: PacketSocket,
    isolation: Isolation,
    cgroups: String,
    requests: mpsc::WeakSender<ForkerRequest>,
    next_bay: u64,
    asked: HashMap<BayId, oneshot::Sender<Result<Bay, BayError>>>,
    alive: HashMap<BayId, oneshot::Sender<(ProgramEnd, Usage)>>,
}

/// Why a forker is no longer served.
enum Over {
    /// It died.
    ForkerGone,
    /// Nobody uses the sandbox any more.
    ServiceDone,
}

impl Link {
    pub(super) async fn connect(
        keeper: Keeper,
        requests: mpsc::WeakSender<ForkerRequest>,
    ) -> Result<Self, ConnectError> {
        let socket = keeper.socket.try_clone().and_then(PacketSocket::new).map_err(ConnectError::Socket)?;
        let (forker, isolation, cgroups) = await_forker(&socket).await?;
        Ok(Self {
            keeper: socket,
            _keeper: keeper,
            forker,
            isolation,
            cgroups,
            requests,
            next_bay: 0,
            asked: HashMap::new(),
            alive: HashMap::new(),
        })
    }

    pub(super) fn facts(&self) -> (Isolation, String) {
        (self.isolation, self.cgroups.clone())
    }

    /// Serves the mailbox until all its senders are gone; outlives forkers, but not the keeper.
    pub(super) async fn serve(mut self, mut mailbox: mpsc::Receiver<ForkerRequest>) {
        while let Over::ForkerGone = self.serve_forker(&mut mailbox).await {
            // Dropping the senders tells everybody who waits.
            self.asked.clear();
            self.alive.clear();
            // One that lives but cannot be understood has to go, or the keeper would start no other.
            self.forker.close();
            warn!("the sandbox's forker process died; another one is started");
            match await_forker(&self.keeper).await {
                Ok((forker, isolation, _)) if isolation == self.isolation => self.forker = forker,
                Ok(_) => return error!("the sandbox lost its isolation level"),
                Err(cause) => {
                    let cause: &dyn std::error::Error = &cause;
                    return error!(error = cause, "the sandbox is lost");
                }
            }
        }
    }

    async fn serve_forker(&mut self, mailbox: &mut mpsc::Receiver<ForkerRequest>) -> Over {
        let mut outgoing: Option<Vec<u8>> = None;
        loop {
            // Hearing goes on while the forker's socket is full, so the two can never wait for each other.
            tokio::select! {
                command = mailbox.recv(), if outgoing.is_none() => match command {
                    None => return Over::ServiceDone,
                    Some(command) => outgoing = Some(encode(&self.request(command))),
                },
                sent = self.forker.send(outgoing.as_deref().unwrap_or_default()), if outgoing.is_some() => {
                    if sent.is_err() {
                        return Over::ForkerGone;
                    }
                    outgoing = None;
                }
                received = self.forker.receive() => match received {
                    Ok(Some(packet)) => {
                        if self.hear(packet).is_err() {
                            return Over::ForkerGone;
                        }
                    }
                    Ok(None) | Err(_) => return Over::ForkerGone,
                },
            }
        }
    }

    fn request(&mut self, command: ForkerRequest) -> Request {
        match command {
            ForkerRequest::Kill { bay } => Request::Kill { bay },
            ForkerRequest::Make { limits, answer } => {
                let bay = BayId(self.next_bay);
                self.next_bay += 1;
                self.asked.insert(bay, answer);
                Request::Make { bay, limits }
            }
        }
    }

    /// Acts on what the forker says. Who no longer waits for an answer does not get one.
    fn hear(&mut self, packet: Packet) -> io::Result<()> {
        let reply = decode(&packet.bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        match reply {
            Reply::Made { bay } => {
                if let (Some(answer), Some(requests)) = (self.asked.remove(&bay), self.requests.upgrade()) {
                    let (tell_end, ended) = oneshot::channel();
                    self.alive.insert(bay, tell_end);
                    let killer = Killer { bay, requests, armed: true };
                    drop(answer.send(Bay::new(packet.fds, ended, killer).map_err(BayError::Pipes)));
                }
            }
            Reply::Refused { bay, error } => {
                if let Some(answer) = self.asked.remove(&bay) {
                    drop(answer.send(Err(error.into())));
                }
            }
            Reply::Ended { bay, end, usage } => {
                if let Some(tell_end) = self.alive.remove(&bay) {
                    _ = tell_end.send((end, usage));
                }
            }
            Reply::Ready { .. } | Reply::Unusable(_) => return Err(io::ErrorKind::InvalidData.into()),
        }
        Ok(())
    }
}

impl From<Refusal> for BayError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoFreeBay(count) => Self::NoFreeBay(count),
            Refusal::Step(error) => Self::Step(error),
        }
    }
}

impl Bay {
    /// Takes the fds in the order of [`BAY_FDS`].
    fn new(fds: Vec<OwnedFd>, ended: oneshot::Receiver<(ProgramEnd, Usage)>, killer: Killer) -> io::Result<Self> {
        if fds.len() < BAY_FDS {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut fds = fds.into_iter();
        let mut next = || fds.next().ok_or(io::ErrorKind::InvalidData);
        let control = std::os::unix::net::UnixStream::from(next()?);
        control.set_nonblocking(true)?;
        Ok(Self {
            control: UnixStream::from_std(control)?,
            stdin: pipe::Sender::from_owned_fd(next()?)?,
            stdout: pipe::Receiver::from_owned_fd(next()?)?,
            stderr: pipe::Receiver::from_owned_fd(next()?)?,
            ended,
            killer,
            meter: fds.next(),
        })
    }
}

/// Receives the socket of the next forker and its first message.
async fn await_forker(keeper: &PacketSocket) -> Result<(PacketSocket, Isolation, String), ConnectError> {
    let hear = async {
        let packet = keeper.receive().await.map_err(ConnectError::Socket)?;
        let socket = packet.and_then(|packet| packet.fds.into_iter().next()).ok_or(ConnectError::NoForker)?;
        let forker = PacketSocket::new(socket).map_err(ConnectError::Socket)?;
        let first = forker.receive().await.map_err(ConnectError::Socket)?.ok_or(ConnectError::NoForker)?;
        match decode(&first.bytes) {
            Ok(Reply::Ready { isolation, cgroups }) => Ok((forker, isolation, cgroups)),
            Ok(Reply::Unusable(error)) => Err(ConnectError::Unusable(error)),
            _ => Err(ConnectError::NoForker),
        }
    };
    tokio::time::timeout(START_PATIENCE, hear).await.map_err(|_| ConnectError::NoForker)?
}
