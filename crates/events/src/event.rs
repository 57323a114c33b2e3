//! Events of an execution.

use std::sync::Arc;

use runbay_model::Attempt;
use runbay_model::Status;
use runbay_model::Timestamp;

/// One thing that happened to an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number among the events of the execution: 1, 2, ...
    pub id: u64,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// It moved in its life cycle.
    Status {
        /// Where it is now.
        status: Status,
        /// Its newest attempt.
        attempt: Attempt,
        /// When it got there.
        at: Timestamp,
    },
    /// The program wrote something.
    Output {
        /// Where to.
        stream: OutputStream,
        /// What.
        data: Arc<[u8]>,
    },
    /// All output so far is void: a new attempt began, or the events that were asked for are no longer kept.
    Reset {
        /// The newest attempt.
        attempt: Attempt,
    },
    /// The execution has ended and its row holds the result; always the last event.
    Result,
}

/// Where a program writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl EventKind {
    /// Returns about how many bytes of memory the event takes.
    pub(crate) fn bytes(&self) -> usize {
        let data = match self {
            Self::Output { data, .. } => data.len(),
            _ => 0,
        };
        size_of::<Event>() + data
    }
}
