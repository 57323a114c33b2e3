//! Saves that wait for each other.
//!
//! While some are on their way to the disk, the next ones gather and are then written together, of one session and of
//! several. The sessions are spread over a few lanes, each with one task as long as there is something to write, so
//! that the saves of a session keep their order.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use runbay_model::SessionId;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio::time::timeout_at;

use super::SaveSession;
use super::save::Saved;
use crate::Store;
use crate::Unavailable;
use crate::deadline::CALL;
use crate::panics::caught;

/// The most saves of one session that wait.
const MOST_WAITING: usize = 64;

/// The most sessions of one lane whose saves wait.
const MOST_SESSIONS: usize = 4_096;

/// The most sessions that are written together: 4 MiB of code, where every server takes packets of 16.
const BATCH: usize = 64;

/// The saves that wait until the ones before them are written; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct WaitingSaves {
    lanes: Arc<[Mutex<Lane>]>,
    spread: RandomState,
}

#[derive(Debug, Default)]
struct Lane {
    /// Whether a task writes its saves.
    busy: bool,
    /// Sessions whose saves wait, the first one first.
    order: VecDeque<SessionId>,
    waiting: HashMap<SessionId, Vec<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    save: SaveSession,
    /// When its caller gives up; written later it might undo what the same user has saved through another process.
    until: Instant,
    caller: oneshot::Sender<Saved>,
}

impl WaitingSaves {
    /// Lets at most this many batches be written at the same time.
    pub(crate) fn new(lanes: usize) -> Self {
        Self { lanes: (0..lanes).map(|_| Mutex::default()).collect(), spread: RandomState::new() }
    }

    /// Lets a save wait and returns what came of it.
    pub(super) async fn save(&self, store: &Store, save: SaveSession) -> Saved {
        let number = self.lane_of(save.id);
        let (caller, answer) = oneshot::channel();
        let until = Instant::now() + CALL;
        if self.lane(number).add(Waiting { save, until, caller })? {
            tokio::spawn(self.clone().write_all(store.clone(), number));
        }
        match timeout_at(until, answer).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(Unavailable::Closed.into())),
            Err(_) => Err(Unavailable::Silent.into()),
        }
    }

    /// Writes what waits in a lane, until nothing does.
    async fn write_all(self, store: Store, number: usize) {
        while let Some(waiting) = self.take(number) {
            let now = Instant::now();
            let waiting = waiting.into_iter().filter(|waiting| waiting.until > now);
            let (saves, callers): (Vec<_>, Vec<_>) = waiting.map(|waiting| (waiting.save, waiting.caller)).unzip();
            match caught(store.save_all(saves)).await {
                Ok(answers) => callers.into_iter().zip(answers).for_each(|(caller, answer)| send(caller, answer)),
                Err(panic) => callers.into_iter().for_each(|caller| send(caller, Err(panic.clone().into()))),
            }
        }
    }

    fn take(&self, number: usize) -> Option<Vec<Waiting>> {
        self.lane(number).take()
    }

    fn lane_of(&self, session: SessionId) -> usize {
        let hash = self.spread.hash_one(session);
        usize::try_from(hash % self.lanes.len() as u64).unwrap_or(0)
    }

    /// Nothing that can panic happens while it is locked.
    fn lane(&self, number: usize) -> MutexGuard<'_, Lane> {
        self.lanes[number].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    /// Lets a save wait; returns whether a task has to be started that writes it.
    fn add(&mut self, waiting: Waiting) -> Result<bool, Unavailable> {
        let session = waiting.save.id;
        let others = self.waiting.get(&session).map_or(0, Vec::len);
        if others >= MOST_WAITING || self.order.len() >= MOST_SESSIONS {
            return Err(Unavailable::Busy);
        }
        if others == 0 {
            self.order.push_back(session);
        }
        self.waiting.entry(session).or_default().push(waiting);
        Ok(!std::mem::replace(&mut self.busy, true))
    }

    /// Takes the saves that come next, those of one session one after the other; with nothing left, the lane is idle.
    fn take(&mut self) -> Option<Vec<Waiting>> {
        let sessions = batch(self.order.len());
        if sessions == 0 {
            *self = Self::default();
            return None;
        }
        let sessions = self.order.drain(..sessions);
        Some(sessions.filter_map(|session| self.waiting.remove(&session)).flatten().collect())
    }
}

/// Returns how many of the waiting sessions are written together: a power of two, as each number is a statement of its
/// own that has to be prepared and kept.
fn batch(waiting: usize) -> usize {
    match waiting.min(BATCH).checked_ilog2() {
        Some(exponent) => 1 << exponent,
        None => 0,
    }
}

fn send(caller: oneshot::Sender<Saved>, answer: Saved) {
    if caller.send(answer).is_err() {
        tracing::trace!("the caller of a save went away");
    }
}

#[cfg(test)]
mod tests {
    use runbay_model::TenantId;
    use runbay_model::Timestamp;

    use super::*;

    fn save(id: SessionId) -> Waiting {
        let at = Timestamp::from_micros(1);
        let save =
            SaveSession { tenant: TenantId::default(), id, language: None, code: None, expected_version: None, at };
        Waiting { save, until: Instant::now() + CALL, caller: oneshot::channel().0 }
    }

    fn taken(lane: &mut Lane) -> Option<Vec<SessionId>> {
        Some(lane.take()?.into_iter().map(|waiting| waiting.save.id).collect())
    }

    #[test]
    fn sessions_take_turns_and_keep_their_saves_together() {
        let [first, second, third] = [(); 3].map(|()| SessionId::random());
        let mut lane = Lane::default();
        assert!(lane.add(save(first)).unwrap(), "a task begins");
        assert!(!lane.add(save(second)).unwrap() && !lane.add(save(first)).unwrap() && !lane.add(save(third)).unwrap());
        assert_eq!(taken(&mut lane), Some(vec![first, first, second]));
        assert!(!lane.add(save(first)).unwrap(), "the task has not ended");
        assert_eq!(taken(&mut lane), Some(vec![third, first]));
        assert_eq!(taken(&mut lane), None);
        assert!(lane.add(save(first)).unwrap(), "the task has ended");
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut lane = Lane::default();
        let session = SessionId::random();
        for _ in 0..MOST_WAITING {
            lane.add(save(session)).unwrap();
        }
        assert!(matches!(lane.add(save(session)), Err(Unavailable::Busy)));
        for _ in 1..MOST_SESSIONS {
            lane.add(save(SessionId::random())).unwrap();
        }
        assert!(matches!(lane.add(save(SessionId::random())), Err(Unavailable::Busy)));
        assert_eq!(taken(&mut lane).unwrap().len(), MOST_WAITING + BATCH - 1);
    }
}
