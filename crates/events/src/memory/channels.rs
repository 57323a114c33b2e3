//! The channels of all executions, and which of them is forgotten first.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;

use runbay_model::ExecutionId;
use tokio::sync::Notify;

use super::channel::Channel;
use super::channel::Step;
use super::limits::MemoryEventBusLimits;
use crate::EventKind;
use crate::rank::Rank;
use crate::rank::first_but;

#[derive(Debug)]
pub(super) struct Channels {
    limits: MemoryEventBusLimits,
    by_execution: HashMap<ExecutionId, Channel>,
    /// The executions by rank; the first is forgotten first.
    order: BTreeSet<Rank>,
    bytes: usize,
    births: u64,
}

fn rank(execution: ExecutionId, channel: &Channel) -> Rank {
    Rank { goes_on: !channel.is_ended(), birth: channel.birth, execution }
}

impl Channels {
    pub(super) fn new(limits: MemoryEventBusLimits) -> Self {
        Self { limits, by_execution: HashMap::new(), order: BTreeSet::new(), bytes: 0, births: 0 }
    }

    pub(super) fn publish(&mut self, execution: ExecutionId, kind: EventKind) -> u64 {
        let MemoryEventBusLimits { events, bytes, .. } = self.limits;
        let channel = self.channel(execution);
        let rank_before = rank(execution, channel);
        let bytes_before = channel.bytes;
        let id = channel.push(kind, events, bytes);
        let rank_after = rank(execution, channel);
        let bytes_after = channel.bytes;
        self.bytes = self.bytes + bytes_after - bytes_before;
        if rank_before != rank_after {
            self.order.remove(&rank_before);
            self.order.insert(rank_after);
        }
        self.forget_beyond_limits(execution);
        id
    }

    /// Adds a subscriber; returns the birth of the channel and what wakes its subscribers.
    pub(super) fn join(&mut self, execution: ExecutionId) -> (u64, Arc<Notify>) {
        let channel = self.channel(execution);
        channel.subscribers += 1;
        let joined = (channel.birth, Arc::clone(&channel.changed));
        self.forget_beyond_limits(execution);
        joined
    }

    pub(super) fn leave(&mut self, execution: ExecutionId, birth: u64) {
        let Some(channel) = self.by_execution.get_mut(&execution).filter(|channel| channel.birth == birth) else {
            return;
        };
        channel.subscribers -= 1;
        // Nothing was ever published: somebody asked for an execution that this bus does not know.
        if channel.subscribers == 0 && channel.is_empty() {
            self.forget(execution);
        }
    }

    pub(super) fn step(&self, execution: ExecutionId, birth: u64, position: u64) -> Step {
        match self.by_execution.get(&execution) {
            Some(channel) if channel.birth == birth => channel.step(position),
            _ => Step::Over,
        }
    }

    fn channel(&mut self, execution: ExecutionId) -> &mut Channel {
        self.by_execution.entry(execution).or_insert_with(|| {
            self.births += 1;
            let channel = Channel::new(self.births);
            self.order.insert(rank(execution, &channel));
            channel
        })
    }

    fn forget_beyond_limits(&mut self, newest: ExecutionId) {
        while self.by_execution.len() > self.limits.executions || self.bytes > self.limits.total_bytes {
            let Some(first) = first_but(&self.order, newest) else {
                return;
            };
            self.forget(first);
        }
    }

    fn forget(&mut self, execution: ExecutionId) {
        if let Some(channel) = self.by_execution.remove(&execution) {
            self.order.remove(&rank(execution, &channel));
            self.bytes -= channel.bytes;
            channel.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
impl Channels {
    pub(super) fn bytes(&self) -> usize {
        let counted: usize = self.by_execution.values().map(|channel| channel.bytes).sum();
        assert_eq!(counted, self.bytes);
        counted
    }

    pub(super) fn len(&self) -> usize {
        assert_eq!(self.order.len(), self.by_execution.len());
        self.by_execution.len()
    }
}
