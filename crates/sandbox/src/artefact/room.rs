//! How much memory artefacts may take together.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::MAX_BYTES;

/// What there is room for besides what a cache keeps: two of the largest artefacts.
const BYTES: u64 = 2 * MAX_BYTES;

/// Artefacts up to this size are not counted, so that none waits because of large ones. Each program has one at a time.
const SMALL_BYTES: u64 = 4 * 1024 * 1024;

/// The unit in which room is counted.
const UNIT_BYTES: u64 = 64 * 1024;

/// How long an artefact waits for room. Others give theirs back once their program has started.
const PATIENCE: Duration = Duration::from_secs(30);

/// Room in the memory of this process for the artefacts that are alive at one time.
#[derive(Debug, Clone)]
pub(crate) struct ArtefactRoom(Arc<Semaphore>);

/// A part of the room, until it is dropped.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "held for what its drop does")] Option<OwnedSemaphorePermit>);

/// There was no room in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what other programs made took all the room for {} s", PATIENCE.as_secs())]
pub(crate) struct NoRoom;

impl ArtefactRoom {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(units(BYTES) as usize)))
    }

    /// Adds room for what somebody keeps for long.
    pub(crate) fn extend(&self, bytes: u64) {
        let most = Semaphore::MAX_PERMITS - self.0.available_permits();
        self.0.add_permits((units(bytes) as usize).min(most));
    }

    /// Waits for room, in the order of the calls.
    ///
    /// CANCEL: the turn is lost.
    pub(super) async fn take(&self, bytes: u64) -> Result<Place, NoRoom> {
        if bytes <= SMALL_BYTES {
            return Ok(Place::uncounted());
        }
        let permit = Arc::clone(&self.0).acquire_many_owned(units(bytes));
        let permit = timeout(PATIENCE, permit).await.map_err(|_| NoRoom)?;
        Ok(Place(Some(permit.expect("the room is never closed"))))
    }
}

impl Place {
    /// Returns the place of an artefact that takes no room of its own.
    pub(super) fn uncounted() -> Self {
        Self(None)
    }
}

/// Rounds up.
fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_has_no_room_waits_until_there_is_some() {
        let room = ArtefactRoom::new();
        let (first, second) = (room.take(MAX_BYTES).await.unwrap(), room.take(MAX_BYTES).await.unwrap());
        let third = tokio::spawn({
            let room = room.clone();
            async move { room.take(MAX_BYTES).await }
        });
        tokio::time::sleep(PATIENCE / 2).await;
        assert!(!third.is_finished());
        drop(first);
        assert!(third.await.unwrap().is_ok());
        drop(second);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_without_end_and_small_ones_not_at_all() {
        let room = ArtefactRoom::new();
        let _all = room.take(2 * MAX_BYTES).await.unwrap();
        assert_eq!(room.take(SMALL_BYTES + 1).await.unwrap_err(), NoRoom);
        assert!(room.take(SMALL_BYTES).await.is_ok());
        room.extend(SMALL_BYTES + UNIT_BYTES);
        assert!(room.take(SMALL_BYTES + 1).await.is_ok(), "what was added is room as well");
    }
}
