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
    /// The number of the newest event that is no longer kept.
    dropped_id: u64,
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
            dropped_id: 0,
            attempt: Attempt(0),
            ended: false,
        }
    }

    /// Adds an event, and drops the oldest ones beyond the limits, but never the newest.
    ///
    /// After the result nothing is added: a publisher that is so late was overtaken by the end.
    pub(super) fn push(&mut self, kind: EventKind, max_events: usize, max_bytes: usize) -> u64 {
        if self.ended || kind.is_void(self.attempt) {
            return self.last_id;
        }
        self.attempt = self.attempt.max(kind.attempt().unwrap_or(Attempt(0)));
        self.ended = kind == EventKind::Result;
        self.last_id = Event::next_id(self.last_id, self.attempt);
        self.bytes += kind.bytes();
        self.kept.push_back(Event { id: self.last_id, kind });
        while self.kept.len() > 1 && (self.kept.len() > max_events || self.bytes > max_bytes) {
            if let Some(oldest) = self.kept.pop_front() {
                self.dropped_id = oldest.id;
                self.bytes -= oldest.kind.bytes();
            }
        }
        self.changed.notify_waiters();
        self.last_id
    }

    pub(super) fn step(&self, position: u64) -> Step {
        // A position beyond the end belongs to an earlier channel whose numbers are forgotten.
        if position < self.dropped_id || position > self.last_id {
            return self.reset();
        }
        let index = self.kept.partition_point(|event| event.id <= position);
        match self.kept.get(index) {
            Some(event) => Step::Event(event.clone()),
            // A subscription that comes again after the result gets the result once more.
            None if self.ended => Step::Over,
            None => Step::Wait,
        }
    }

    /// Returns the reset that moves a position to just before the kept events, so that all of them follow.
    fn reset(&self) -> Step {
        Step::Event(Event { id: self.dropped_id, kind: EventKind::Reset { attempt: self.attempt } })
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn is_empty(&self) -> bool {
        self.last_id == 0
    }
}
