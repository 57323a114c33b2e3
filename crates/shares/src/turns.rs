//! Slots for which clients wait in turn.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::Client;
use crate::Share;

/// Slots for which clients wait in turn: the next free slot is for the client that was served longest ago. It is cheap
/// to clone.
///
/// An ordinary client never has all slots, unless there is only one.
#[derive(Debug, Clone)]
pub struct Turns {
    state: Arc<Mutex<State>>,
    waiting_for_each_slot: usize,
}

/// The right to use a slot; it is free again when this is dropped.
#[derive(Debug)]
pub struct Turn {
    state: Arc<Mutex<State>>,
    client: Client,
}

/// Why a client gets no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTurn {
    /// As many wait as may, or the client has waited for as long as it would.
    Busy,
    /// As many of the client's own wait as may.
    Share {
        /// How many of its own wait.
        waiting: usize,
        /// How many may wait in all.
        max: usize,
    },
}

#[derive(Debug)]
struct State {
    slots: usize,
    taken: usize,
    taken_by: HashMap<Client, usize>,
    waiting: usize,
    /// Who waits; the client whose turn is next comes first.
    queues: VecDeque<(Client, VecDeque<oneshot::Sender<Turn>>)>,
}

impl Turns {
    /// Makes so many slots, and lets so many more wait for each of them.
    #[must_use]
    pub fn new(slots: usize, waiting_for_each_slot: usize) -> Self {
        let state =
            State { slots: slots.max(1), taken: 0, taken_by: HashMap::new(), waiting: 0, queues: VecDeque::new() };
        Self { state: Arc::new(Mutex::new(state)), waiting_for_each_slot }
    }

    /// Changes how many slots there are. Those that are taken stay taken.
    pub fn set_slots(&self, slots: usize) {
        lock(&self.state).slots = slots.max(1);
        hand_out(&self.state);
    }

    /// Waits for a slot.
    ///
    /// CANCEL: a dropped call gives up its place.
    ///
    /// # Errors
    ///
    /// [`NoTurn`] when too many wait already, or none is free within `patience`.
    pub async fn take(&self, client: Client, patience: Duration) -> Result<Turn, NoTurn> {
        let turn = self.wait_in_line(client)?;
        hand_out(&self.state);
        timeout(patience, turn).await.ok().and_then(Result::ok).ok_or(NoTurn::Busy)
    }

    fn wait_in_line(&self, client: Client) -> Result<oneshot::Receiver<Turn>, NoTurn> {
        let mut state = lock(&self.state);
        state.forget_those_who_left();
        let max = state.slots.saturating_mul(self.waiting_for_each_slot.saturating_add(1));
        let present = state.waiting + state.taken;
        let own = state.queues.iter().find(|(other, _)| *other == client).map_or(0, |(_, queue)| queue.len());
        if present >= max {
            return Err(NoTurn::Busy);
        }
        let has_slot = state.may_take(client);
        let held = own + state.taken_by.get(&client).copied().unwrap_or_default();
        let [held, free] = [held, max - present].map(|count| u64::try_from(count).unwrap_or(u64::MAX));
        let is_first = own == 0 && has_slot;
        if !is_first && !client.share().allows(held, 1, free) {
            return Err(NoTurn::Share { waiting: own, max });
        }
        let (sender, receiver) = oneshot::channel();
        state.waiting += 1;
        match state.queues.iter_mut().find(|(other, _)| *other == client) {
            Some((_, queue)) => queue.push_back(sender),
            None => state.queues.push_back((client, VecDeque::from([sender]))),
        }
        Ok(receiver)
    }
}

impl State {
    fn may_take(&self, client: Client) -> bool {
        let free = self.slots.saturating_sub(self.taken);
        let has_all_but_one = self.taken_by.get(&client).is_some_and(|taken| taken + 1 >= self.slots);
        free > 0 && (client.share() == Share::Bulk || !has_all_but_one)
    }

    /// Takes the next who waits out of the line, if a slot is free for it.
    fn next(&mut self) -> Option<(Client, oneshot::Sender<Turn>)> {
        self.forget_those_who_left();
        let index = (0..self.queues.len()).find(|index| self.may_take(self.queues[*index].0))?;
        let (client, mut queue) = self.queues.remove(index)?;
        let sender = queue.pop_front()?;
        if !queue.is_empty() {
            self.queues.push_back((client, queue));
        }
        self.waiting -= 1;
        self.taken += 1;
        *self.taken_by.entry(client).or_default() += 1;
        Some((client, sender))
    }

    fn forget_those_who_left(&mut self) {
        for (_, queue) in &mut self.queues {
            queue.retain(|sender| !sender.is_closed());
        }
        self.queues.retain(|(_, queue)| !queue.is_empty());
        self.waiting = self.queues.iter().map(|(_, queue)| queue.len()).sum();
    }
}

/// Gives free slots to those whose turn it is.
fn hand_out(state: &Arc<Mutex<State>>) {
    loop {
        let Some((client, sender)) = lock(state).next() else { return };
        // Who has left meanwhile does not take it, and the slot is free again when this drops it. The lock is not held.
        drop(sender.send(Turn { state: Arc::clone(state), client }));
    }
}

/// Locks the state; nothing panics while it is locked, so poison means nothing.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.taken -= 1;
        if let Some(taken) = state.taken_by.get_mut(&self.client) {
            *taken -= 1;
            if *taken == 0 {
                state.taken_by.remove(&self.client);
            }
        }
        drop(state);
        hand_out(&self.state);
    }
}

#[cfg(test)]
mod tests;
