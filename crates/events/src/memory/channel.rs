//! The events of one execution.

use std::collections::VecDeque;
use std::sync::Arc;

use runbay_model::Attempt;
use tokio::sync::Notify;

use crate::Event;
use crate::EventKind;

/// The newest events of one execution.
#[derive(Debug)]
pub(super) struct Channel {
    /// The birth of the channel, by which channels of the same execution are told apart.
    pub(super) birth: u64,
    pub(super) subscribers: usize,
    pub(super) bytes: usize,
    pub(super) changed: Arc<Notify>,
    kept: VecDeque<Event>,
    last_id: u64,
    attempt: Attempt,
    ended: bool,
}

/// What a subscription finds after its position.
#[derive(Debug)]
pub(super) enum Step {
    Event(Event),
    Wait,
    Over,
}

impl Channel {
    pub(super) fn new(birth: u64) -> Self {
        Self {
            birth,
            subscribers: 0,
            bytes: 0,
            changed: Arc::new(Notify::new()),
            kept: VecDeque::new(),
            last_id: 0,
            attempt: Attempt(0),
            ended: false,
        }
    }

    /// Adds an event, and drops the oldest ones beyond the limits, but never the newest.
    ///
    /// After the result nothing is added: a publisher that is so late was overtaken by the end.
    pub(super) fn push(&mut self, kind: EventKind, max_events: usize, max_bytes: usize) -> u64 {
        if self.ended {
            return self.last_id;
        }
        match kind {
            EventKind::Status { attempt, .. } | EventKind::Reset { attempt } => self.attempt = attempt,
            EventKind::Result => self.ended = true,
            EventKind::Output { .. } => {}
        }
        self.last_id += 1;
        self.bytes += kind.bytes();
        self.kept.push_back(Event { id: self.last_id, kind });
        while self.kept.len() > 1 && (self.kept.len() > max_events || self.bytes > max_bytes) {
            if let Some(oldest) = self.kept.pop_front() {
                self.bytes -= oldest.kind.bytes();
            }
        }
        self.changed.notify_waiters();
        self.last_id
    }

    pub(super) fn step(&self, position: u64) -> Step {
        let before_kept = self.last_id - self.kept.len() as u64;
        // A position beyond the end belongs to an earlier channel whose numbers are forgotten.
        if position < before_kept || position > self.last_id {
            return self.reset(before_kept);
        }
        match usize::try_from(position - before_kept).ok().and_then(|index| self.kept.get(index)) {
            Some(event) => Step::Event(event.clone()),
            // A subscription that comes again after the result gets the result once more.
            None if self.ended => Step::Over,
            None => Step::Wait,
        }
    }

    /// Returns the reset that moves a position to just before the kept events, so that all of them follow.
    fn reset(&self, before_kept: u64) -> Step {
        Step::Event(Event { id: before_kept, kind: EventKind::Reset { attempt: self.attempt } })
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn is_empty(&self) -> bool {
        self.last_id == 0
    }
}
