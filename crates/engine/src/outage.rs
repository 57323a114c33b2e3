//! Logs an outage once at its beginning and once at its end.

use std::error::Error;
use std::fmt::Write;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

/// A part that may be unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Queue,
    Events,
}

/// The parts that are unavailable, as far as this process has noticed.
#[derive(Debug, Default)]
pub(crate) struct Outages {
    queue: Outage,
    events: Outage,
}

impl Outages {
    pub(crate) fn failed(&self, part: Part, error: &dyn Error) {
        match part {
            Part::Queue => self.queue.failed("the queue does not answer", error),
            Part::Events => self.events.failed("the event bus does not answer; watchers look at the rows", error),
        }
    }

    pub(crate) fn answered(&self, part: Part) {
        match part {
            Part::Queue => self.queue.ended("the queue answers again"),
            Part::Events => self.events.ended("the event bus answers again"),
        }
    }
}

/// A failure that is logged once, until something works again.
#[derive(Debug, Default)]
pub struct Outage(AtomicBool);

impl Outage {
    /// Logs a failure, unless it was logged since the last success.
    pub fn failed(&self, what: &str, error: &dyn Error) {
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::warn!(error = with_causes(error), "{what}; trying again");
        }
    }

    /// Logs a success after a failure.
    pub fn ended(&self, what: &str) {
        // Usually there was no failure, and a load costs less than a swap.
        if self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed) {
            tracing::info!("{what}");
        }
    }
}

/// Returns an error with all its causes in one line.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string cannot fail.
        _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
