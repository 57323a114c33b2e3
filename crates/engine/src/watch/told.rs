//! What watchers are told.

use std::sync::Arc;

use runbay_events::OutputStream;
use runbay_model::Attempt;
use runbay_model::ExecutionReport;
use runbay_model::Status;
use runbay_model::TestResult;
use runbay_model::Timestamp;

/// An event as a watcher gets it.
#[derive(Debug)]
pub struct ToldEvent {
    /// Its number. Whoever comes back says the last one that it has.
    pub id: u64,
    /// What happened.
    pub told: Told,
}

/// What happened to an execution.
#[derive(Debug)]
pub enum Told {
    /// It moved in its life cycle.
    Status {
        /// Where it is now.
        status: Status,
        /// Its newest attempt.
        attempt: Attempt,
        /// When it got there.
        at: Timestamp,
    },
    /// Its program wrote something.
    Output {
        /// Where to.
        stream: OutputStream,
        /// What.
        data: Arc<[u8]>,
    },
    /// A test case has its verdict.
    Test {
        /// Its place in the request, counted from 0.
        index: usize,
        /// What came of it.
        result: Arc<TestResult>,
    },
    /// All output and all verdicts so far are void, and those that hold follow.
    Reset {
        /// The newest attempt.
        attempt: Attempt,
    },
    /// It has ended; nothing follows.
    Result(Box<ExecutionReport>),
    /// The watcher was so slow that events it should have are no longer kept; nothing follows. Whoever comes back gets a
    /// reset and the output from there.
    TooSlow,
}

impl Told {
    /// Returns about how many bytes of output it has.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Output { data, .. } => data.len(),
            Self::Test { result, .. } => result.text_bytes(),
            Self::Result(report) => report.output.as_ref().map_or(0, |output| {
                let tests = output.tests.iter().flatten().map(TestResult::text_bytes).sum::<usize>();
                let compile_output = output.compile_output.as_ref().map_or(0, Vec::len);
                output.stdout.len() + output.stderr.len() + compile_output + tests
            }),
            Self::Status { .. } | Self::Reset { .. } | Self::TooSlow => 0,
        }
    }
}

/// How much a client has of what its execution wrote.
#[derive(Debug, Default)]
pub(super) struct Received {
    stdout_bytes: usize,
    stderr_bytes: usize,
    tests: usize,
    is_unknown: bool,
}

impl Received {
    /// That of a client of which it is not known what it has.
    pub(super) fn unknown() -> Self {
        Self { is_unknown: true, ..Self::default() }
    }

    /// Adds what the client is told.
    pub(super) fn note(&mut self, told: &Told) {
        match told {
            Told::Output { stream: OutputStream::Stdout, data } => self.stdout_bytes += data.len(),
            Told::Output { stream: OutputStream::Stderr, data } => self.stderr_bytes += data.len(),
            Told::Test { .. } => self.tests += 1,
            Told::Status { .. } | Told::Reset { .. } | Told::Result(_) | Told::TooSlow => {}
        }
    }

    /// Returns whether the client has all that the program wrote.
    pub(super) fn is_all_of(&self, report: &ExecutionReport) -> bool {
        let (stdout, stderr, tests) = report.output.as_ref().map_or((0, 0, 0), |output| {
            (output.stdout.len(), output.stderr.len(), output.tests.as_ref().map_or(0, Vec::len))
        });
        !self.is_unknown && (self.stdout_bytes, self.stderr_bytes, self.tests) == (stdout, stderr, tests)
    }
}
