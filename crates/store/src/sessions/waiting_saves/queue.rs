//! The queue of saves.

use std::collections::HashMap;
use std::collections::VecDeque;

use runbay_model::SessionId;
use tokio::sync::oneshot;

use super::super::save::DueSave;
use super::super::save::Saved;
use crate::StoreError;

/// The most waiting saves of one session.
const MOST_OF_A_SESSION: usize = 64;

/// The most waiting saves. They hold at most 256 MiB of code.
const MOST: usize = 4_096;

/// The most sessions in one batch. They hold at most 4 MiB of code, and every server takes packets of 16 MiB.
const SESSIONS_OF_A_BATCH: usize = 64;

/// The number of saves at which a batch takes no more sessions.
const SAVES_OF_A_BATCH: usize = 256;

/// The most slow batches that step aside.
const MOST_ASIDE: usize = 4;

/// Saves that wait to be written. The caller takes a batch, writes it and calls `written`.
#[derive(Debug)]
pub(super) struct Queue {
    sessions: HashMap<SessionId, Line>,
    /// The sessions whose saves may be taken, in order.
    order: VecDeque<SessionId>,
    /// The number of waiting saves.
    waiting: usize,
    /// The number of batches that are being written, and the most that may be.
    batches: usize,
    most_batches: usize,
    /// The number of slow batches that are being written aside.
    aside: usize,
}

/// The waiting saves of one session, in order.
#[derive(Debug, Default)]
struct Line {
    saves: Vec<Waiting>,
    /// Whether some of its saves are being written, or its session is locked and paused.
    held: bool,
}

/// A save with its caller.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) due: DueSave,
    pub(super) caller: oneshot::Sender<Saved>,
}

/// Saves that are written together. Those of one session follow each other.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) sessions: Vec<SessionId>,
    pub(super) saves: Vec<Waiting>,
}

impl Queue {
    pub(super) fn new(most_batches: usize) -> Self {
        let (sessions, order) = (HashMap::new(), VecDeque::new());
        Self { sessions, order, waiting: 0, batches: 0, most_batches, aside: 0 }
    }

    /// Adds a save.
    pub(super) fn add(&mut self, waiting: Waiting) -> Result<(), StoreError> {
        let session = waiting.due.save.id;
        let others = self.sessions.get(&session).map_or(0, |line| line.saves.len());
        if others >= MOST_OF_A_SESSION || self.waiting >= MOST {
            return Err(StoreError::Busy);
        }
        let line = self.sessions.entry(session).or_default();
        if line.saves.is_empty() && !line.held {
            self.order.push_back(session);
        }
        line.saves.push(waiting);
        self.waiting += 1;
        Ok(())
    }

    /// Takes the next batch. Returns none when no save waits for one or no further batch may be written.
    pub(super) fn next(&mut self) -> Option<Batch> {
        if self.batches >= self.most_batches || self.order.is_empty() {
            return None;
        }
        let (mut sessions, mut saves) = (Vec::new(), Vec::new());
        while sessions.len() < SESSIONS_OF_A_BATCH
            && saves.len() < SAVES_OF_A_BATCH
            && let Some(session) = self.order.pop_front()
        {
            let line = self.sessions.entry(session).or_default();
            line.held = true;
            saves.append(&mut line.saves);
            sessions.push(session);
        }
        self.waiting -= saves.len();
        self.batches += 1;
        Some(Batch { sessions, saves })
    }

    /// Moves a slow batch aside, so that another one may be written.
    ///
    /// Returns false when no further batch may step aside.
    pub(super) const fn step_aside(&mut self) -> bool {
        let room = self.aside < MOST_ASIDE;
        if room {
            self.aside += 1;
            self.batches -= 1;
        }
        room
    }

    /// Ends a batch and returns its locked sessions. Their saves come first when the sessions are released.
    pub(super) fn written(
        &mut self,
        sessions: Vec<SessionId>,
        locked: Vec<Waiting>,
        was_aside: bool,
    ) -> Vec<SessionId> {
        match was_aside {
            true => self.aside -= 1,
            false => self.batches -= 1,
        }
        self.waiting += locked.len();
        let mut again: HashMap<_, Vec<_>> = HashMap::new();
        for waiting in locked {
            again.entry(waiting.due.save.id).or_default().push(waiting);
        }
        let (held, written) = sessions.into_iter().partition(|session| again.contains_key(session));
        for (session, saves) in again {
            self.sessions.entry(session).or_default().saves.splice(0..0, saves);
        }
        self.release(written);
        held
    }

    /// Releases sessions, so that their next saves may be taken.
    pub(super) fn release(&mut self, sessions: Vec<SessionId>) {
        for session in sessions {
            let Some(line) = self.sessions.get_mut(&session) else { continue };
            line.held = false;
            if line.saves.is_empty() {
                self.sessions.remove(&session);
            } else {
                self.order.push_back(session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use runbay_model::TenantId;
    use runbay_model::Timestamp;
    use tokio::time::Instant;

    use super::super::SaveSession;
    use super::*;

    fn save(id: SessionId) -> Waiting {
        let at = Timestamp::from_micros(1);
        let save =
            SaveSession { tenant: TenantId::default(), id, language: None, code: None, expected_version: None, at };
        Waiting { due: DueSave { save, until: Instant::now() }, caller: oneshot::channel().0 }
    }

    /// Adds one save for each of `sessions`.
    fn add(queue: &mut Queue, sessions: &[SessionId]) {
        for session in sessions {
            queue.add(save(*session)).unwrap();
        }
    }

    /// Takes a batch and returns its sessions, one for each save.
    fn taken(queue: &mut Queue) -> Option<Vec<SessionId>> {
        Some(queue.next()?.saves.into_iter().map(|waiting| waiting.due.save.id).collect())
    }

    #[test]
    fn what_comes_while_a_batch_is_written_is_the_next_batch() {
        let [first, second, third] = [(); 3].map(|()| SessionId::random());
        let mut queue = Queue::new(1);
        assert_eq!(taken(&mut queue), None);
        add(&mut queue, &[first]);
        assert_eq!(taken(&mut queue).unwrap(), [first]);
        add(&mut queue, &[second, third, second]);
        assert_eq!(taken(&mut queue), None, "one at a time");
        assert!(queue.written(vec![first], Vec::new(), false).is_empty());
        assert_eq!(taken(&mut queue).unwrap(), [second, second, third]);
        queue.written(vec![second, third], Vec::new(), false);
        assert_eq!(taken(&mut queue), None);
        assert!(queue.sessions.is_empty() && queue.waiting == 0 && queue.batches == 0);
    }

    #[test]
    fn a_session_is_in_one_batch_at_a_time() {
        let [first, second] = [(); 2].map(|()| SessionId::random());
        let mut queue = Queue::new(4);
        add(&mut queue, &[first]);
        taken(&mut queue).unwrap();
        add(&mut queue, &[first, second]);
        assert_eq!(taken(&mut queue).unwrap(), [second]);
        assert_eq!(taken(&mut queue), None);
        queue.written(vec![first], Vec::new(), false);
        assert_eq!(taken(&mut queue).unwrap(), [first]);
    }

    #[test]
    fn a_locked_session_is_left_alone_until_it_is_released_and_keeps_its_order() {
        let [locked, other] = [(); 2].map(|()| SessionId::random());
        let mut queue = Queue::new(1);
        add(&mut queue, &[locked, other]);
        let batch = queue.next().unwrap();
        let expected = batch.saves[0].due.until;
        let again = batch.saves.into_iter().filter(|waiting| waiting.due.save.id == locked).collect();
        add(&mut queue, &[locked]);
        let held = queue.written(batch.sessions, again, false);
        assert_eq!(held, [locked]);
        add(&mut queue, &[other, locked]);
        assert_eq!(taken(&mut queue).unwrap(), [other]);
        queue.written(vec![other], Vec::new(), false);
        assert_eq!(taken(&mut queue), None);
        queue.release(held);
        let batch = queue.next().unwrap();
        assert_eq!((batch.saves.len(), batch.saves[0].due.until), (3, expected));
    }

    #[test]
    fn a_few_slow_batches_hold_up_nobody() {
        let mut queue = Queue::new(1);
        let sessions: Vec<_> = (0..=MOST_ASIDE).map(|_| SessionId::random()).collect();
        for session in &sessions {
            add(&mut queue, &[*session]);
            assert_eq!(taken(&mut queue).unwrap(), [*session]);
            assert_eq!(queue.step_aside(), *session != sessions[MOST_ASIDE]);
        }
        add(&mut queue, &[SessionId::random()]);
        assert_eq!(taken(&mut queue), None);
        queue.written(vec![sessions[0]], Vec::new(), true);
        assert!(queue.step_aside());
        assert!(taken(&mut queue).is_some());
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut queue = Queue::new(1);
        let session = SessionId::random();
        add(&mut queue, &[session; MOST_OF_A_SESSION]);
        assert!(matches!(queue.add(save(session)), Err(StoreError::Busy)));
        for _ in MOST_OF_A_SESSION..MOST {
            add(&mut queue, &[SessionId::random()]);
        }
        assert!(matches!(queue.add(save(SessionId::random())), Err(StoreError::Busy)));
        assert_eq!(taken(&mut queue).unwrap().len(), MOST_OF_A_SESSION + SESSIONS_OF_A_BATCH - 1);
        add(&mut queue, &[SessionId::random()]);
    }

    #[test]
    fn a_batch_has_few_saves_where_sessions_have_many() {
        let mut queue = Queue::new(1);
        for _ in 0..8 {
            add(&mut queue, &[SessionId::random(); MOST_OF_A_SESSION]);
        }
        assert_eq!(taken(&mut queue).unwrap().len(), SAVES_OF_A_BATCH);
    }
}
