//! The task that owns the socket to the forker.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tracing::error;
use tracing::warn;

use super::bay::Bay;
use super::bay::BayHandle;
use super::bay::ForkerRequest;
use super::error::BayError;
use super::error::ConnectError;
use super::error::LimitError;
use super::forker_socket::PacketSocket;
use crate::artefact::ArtefactRoom;
use crate::keeper::Keeper;
use crate::packet::Packet;
use crate::wire::BayId;
use crate::wire::BayLimits;
use crate::wire::Isolation;
use crate::wire::ProgramEnd;
use crate::wire::Reply;
use crate::wire::Request;
use crate::wire::Usage;
use crate::wire::decode;
use crate::wire::encode;

/// How long a forker may take to start, cleaning up after a killed one included.
const START_PATIENCE: Duration = Duration::from_secs(15);

/// The connection to keeper and forker.
pub(super) struct Link {
    keeper: PacketSocket,
    // Held for its process only; the socket above is a copy of its.
    _keeper: Keeper,
    forker: PacketSocket,
    isolation: Isolation,
    cgroups: String,
    requests: mpsc::WeakSender<ForkerRequest>,
    artefact_room: ArtefactRoom,
    next_bay: u64,
    making: HashMap<BayId, Making>,
    limiting: HashMap<BayId, oneshot::Sender<Result<(), LimitError>>>,
    asking: HashMap<BayId, oneshot::Sender<Option<Duration>>>,
    alive: HashMap<BayId, oneshot::Sender<(ProgramEnd, Usage)>>,
}

/// A bay that the forker was asked for.
struct Making {
    limits: BayLimits,
    answer: oneshot::Sender<Result<Bay, BayError>>,
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
        artefact_room: ArtefactRoom,
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
            artefact_room,
            next_bay: 0,
            making: HashMap::new(),
            limiting: HashMap::new(),
            asking: HashMap::new(),
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
            self.making.clear();
            self.limiting.clear();
            self.asking.clear();
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
            ForkerRequest::Limit { bay, limits, answer } => {
                self.limiting.insert(bay, answer);
                Request::Limit { bay, limits }
            }
            ForkerRequest::CpuWait { bay, answer } => {
                self.asking.insert(bay, answer);
                Request::CpuWait { bay }
            }
            ForkerRequest::Make { limits, answer } => {
                let bay = BayId(self.next_bay);
                self.next_bay += 1;
                self.making.insert(bay, Making { limits, answer });
                Request::Make { bay, limits }
            }
        }
    }

    /// Acts on what the forker says. Who no longer waits for an answer does not get one.
    fn hear(&mut self, packet: Packet) -> io::Result<()> {
        let reply = decode(&packet.bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        match reply {
            Reply::Made { bay } => {
                if let (Some(making), Some(requests)) = (self.making.remove(&bay), self.requests.upgrade()) {
                    let (tell_end, ended) = oneshot::channel();
                    self.alive.insert(bay, tell_end);
                    let handle = BayHandle::new(bay, requests);
                    let made = Bay::new(packet.fds, making.limits, ended, handle, self.artefact_room.clone());
                    drop(making.answer.send(made.map_err(BayError::Pipes)));
                }
            }
            Reply::Refused { bay, error } => {
                if let Some(making) = self.making.remove(&bay) {
                    drop(making.answer.send(Err(error.into())));
                }
            }
            Reply::Limited { bay, refusal } => {
                if let Some(answer) = self.limiting.remove(&bay) {
                    drop(answer.send(refusal.map_or(Ok(()), |refusal| Err(refusal.into()))));
                }
            }
            Reply::CpuWait { bay, waited_us } => {
                if let Some(answer) = self.asking.remove(&bay) {
                    _ = answer.send(waited_us.map(Duration::from_micros));
                }
            }
            Reply::Ended { bay, end, usage } => {
                self.asking.remove(&bay);
                if let Some(tell_end) = self.alive.remove(&bay) {
                    _ = tell_end.send((end, usage));
                }
            }
            Reply::Ready { .. } | Reply::Unusable(_) => return Err(io::ErrorKind::InvalidData.into()),
        }
        Ok(())
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
