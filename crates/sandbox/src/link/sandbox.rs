//! The sandbox as the service knows it.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::oneshot;

use super::bay::Bay;
use super::bay::ForkerRequest;
use super::error::BayError;
use super::error::ConnectError;
use super::task::Link;
use crate::artefact::ArtefactRoom;
use crate::keeper::Keeper;
use crate::wire::BayLimits;
use crate::wire::Isolation;

/// Requests that may wait for the forker; who finds it full waits too.
const MAILBOX: usize = 256;

/// How long the forker may take to hand out a bay; more than it needs to be restarted.
const BAY_PATIENCE: Duration = Duration::from_secs(10);

/// Makes bays. Cheap to clone; the sandbox ends when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Sandbox {
    requests: mpsc::Sender<ForkerRequest>,
    isolation: Isolation,
    cgroups: String,
    artefact_room: ArtefactRoom,
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
        let artefact_room = ArtefactRoom::new();
        let link = Link::connect(keeper, requests.downgrade(), artefact_room.clone()).await?;
        let (isolation, cgroups) = link.facts();
        tokio::spawn(link.serve(mailbox));
        Ok(Self { requests, isolation, cgroups, artefact_room })
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

    /// Adds room for artefacts that the caller keeps, as a cache does. Without, all that are alive at one time may take
    /// 256 MiB together.
    pub fn add_artefact_room(&self, bytes: u64) {
        self.artefact_room.extend(bytes);
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
            self.requests.send(ForkerRequest::Make { limits, answer }).await.map_err(|_| BayError::NoForker)?;
            made.await.map_err(|_| BayError::NoForker)?
        };
        tokio::time::timeout(BAY_PATIENCE, ask).await.map_err(|_| BayError::NoForker)?
    }
}
