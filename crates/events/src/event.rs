//! Events of an execution.

use std::sync::Arc;

use runbay_model::Attempt;
use runbay_model::OutputStream;
use runbay_model::Status;
use runbay_model::TestResult;
use runbay_model::Timestamp;

/// One thing that happened to an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number among the events of the execution: 1, 2, ... Those of each further attempt begin at a multiple of
    /// [`Event::NUMBERS_OF_AN_ATTEMPT`], so no number is given twice, whatever the bus forgot meanwhile.
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
        /// In which attempt; what an earlier one than the newest wrote is not added.
        attempt: Attempt,
        /// Where to.
        stream: OutputStream,
        /// What. It ends with a whole character, unless it is the last or what is written is not UTF-8.
        data: Arc<[u8]>,
    },
    /// A test case has its verdict.
    Test {
        /// In which attempt; those of an earlier one than the newest are not added.
        attempt: Attempt,
        /// Its place in the request, counted from 0.
        index: usize,
        /// What came of it.
        result: Arc<TestResult>,
    },
    /// All output so far is void: a new attempt began, or the events that were asked for are no longer kept.
    Reset {
        /// The newest attempt.
        attempt: Attempt,
    },
    /// The execution has ended and its row holds the result; always the last event.
    Result,
}

impl Event {
    /// How many events an attempt may have; more than any bus keeps.
    pub const NUMBERS_OF_AN_ATTEMPT: u64 = 1_000_000;

    /// Returns the number of the first event of an attempt, if nothing was told of the execution before.
    #[must_use]
    pub fn first_id(attempt: Attempt) -> u64 {
        Self::next_id(0, attempt)
    }

    /// Returns the number of the first event of those that are made from the row, once an execution has ended with this
    /// attempt. It is larger than that of any event on a bus.
    #[must_use]
    pub fn first_id_from_row(attempt: Attempt) -> u64 {
        u64::from(attempt.0.max(1)) * Self::NUMBERS_OF_AN_ATTEMPT + 1
    }

    /// Returns the number of the event after number `last` that begins or continues this attempt.
    pub(crate) fn next_id(last: u64, attempt: Attempt) -> u64 {
        let before = u64::from(attempt.0.saturating_sub(1)) * Self::NUMBERS_OF_AN_ATTEMPT;
        last.max(before) + 1
    }
}

impl EventKind {
    /// Returns the attempt that the event belongs to; none for the result, which is that of the newest.
    pub(crate) fn attempt(&self) -> Option<Attempt> {
        match self {
            Self::Status { attempt, .. }
            | Self::Output { attempt, .. }
            | Self::Test { attempt, .. }
            | Self::Reset { attempt } => Some(*attempt),
            Self::Result => None,
        }
    }

    /// Returns whether the event comes too late where `newest` is the newest attempt: a worker that lost its attempt
    /// may go on for a while.
    pub(crate) fn is_void(&self, newest: Attempt) -> bool {
        match self {
            Self::Output { attempt, .. } | Self::Test { attempt, .. } => *attempt < newest,
            Self::Status { .. } | Self::Reset { .. } | Self::Result => false,
        }
    }

    /// Returns about how many bytes of memory the event takes.
    pub(crate) fn bytes(&self) -> usize {
        let data = match self {
            Self::Output { data, .. } => data.len(),
            Self::Test { result, .. } => size_of::<TestResult>() + result.text_bytes(),
            Self::Status { .. } | Self::Reset { .. } | Self::Result => 0,
        };
        size_of::<Event>() + data
    }
}
