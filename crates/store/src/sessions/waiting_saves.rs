//! Saves of one session that wait for each other.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use runbay_model::SessionId;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::SaveSession;
use super::save::Saved;
use crate::Store;
use crate::Unavailable;
use crate::deadline::CALL;
use crate::panics::caught;

/// The most saves of one session that wait.
const MOST_WAITING: usize = 64;

/// The saves that wait until the ones before them are written, by session; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct WaitingSaves {
    /// A session is in it for as long as a task writes its saves.
    sessions: Arc<Mutex<HashMap<SessionId, Vec<Waiting>>>>,
}

#[derive(Debug)]
struct Waiting {
    save: SaveSession,
    caller: oneshot::Sender<Saved>,
}

impl WaitingSaves {
    /// Lets a save wait and returns what came of it.
    pub(super) async fn save(&self, store: &Store, save: SaveSession) -> Saved {
        let session = save.id;
        let (caller, answer) = oneshot::channel();
        let waiting = Waiting { save, caller };
        match self.sessions().entry(session) {
            Entry::Occupied(busy) if busy.get().len() >= MOST_WAITING => return Err(Unavailable::Busy.into()),
            Entry::Occupied(mut busy) => busy.get_mut().push(waiting),
            Entry::Vacant(idle) => {
                idle.insert(vec![waiting]);
                tokio::spawn(self.clone().write_all(store.clone(), session));
            }
        }
        match timeout(CALL, answer).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(Unavailable::Closed.into())),
            Err(_) => Err(Unavailable::Silent.into()),
        }
    }

    /// Writes what waits for a session, until nothing does.
    async fn write_all(self, store: Store, session: SessionId) {
        while let Some(waiting) = self.take(session) {
            let (saves, callers): (Vec<_>, Vec<_>) =
                waiting.into_iter().map(|waiting| (waiting.save, waiting.caller)).unzip();
            match caught(store.save_all(saves)).await {
                Ok(answers) => callers.into_iter().zip(answers).for_each(|(caller, answer)| send(caller, answer)),
                Err(panic) => callers.into_iter().for_each(|caller| send(caller, Err(panic.clone().into()))),
            }
        }
    }

    /// Takes what waits; with nothing left, the session is idle again.
    fn take(&self, session: SessionId) -> Option<Vec<Waiting>> {
        let mut sessions = self.sessions();
        let waiting = std::mem::take(sessions.get_mut(&session)?);
        if waiting.is_empty() {
            sessions.remove(&session);
            return None;
        }
        Some(waiting)
    }

    /// Nothing that can panic happens while it is locked.
    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, Vec<Waiting>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn send(caller: oneshot::Sender<Saved>, answer: Saved) {
    if caller.send(answer).is_err() {
        tracing::trace!("the caller of a save went away");
    }
}
