//! What an execution runs, and what comes of it.

use std::time::Duration;

use crate::Environment;
use crate::ExecutionId;
use crate::LanguageId;
use crate::LimitOverrides;
use crate::Priority;
use crate::SessionId;
use crate::Sources;
use crate::State;
use crate::TestPlan;
use crate::TestResult;
use crate::Timestamp;

/// An execution as its readers see it: what came of it, without what it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionReport {
    /// What lists show of it, too.
    pub summary: ExecutionSummary,
    /// What the program wrote; present whenever [`ExecutionSummary::facts`] are.
    pub output: Option<Output>,
    /// How many test cases were asked for; none while it has not ended, and when none were.
    pub tests_total: Option<usize>,
}

/// An execution as lists show it: without what it runs and what it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionSummary {
    /// The execution's id.
    pub id: ExecutionId,
    /// The session it was started from; none for a one-shot execution.
    pub session: Option<SessionId>,
    /// The language its code is run as.
    pub language: LanguageId,
    /// Where it is in its life cycle.
    pub state: State,
    /// What is known of its program; present once a program ran to its end.
    pub facts: Option<Facts>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last entered the queue.
    pub queued_at: Timestamp,
    /// When its newest attempt was claimed by a worker.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

/// The snapshot that an execution runs; it never changes after acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunInput {
    /// The language to run the code as.
    pub language: LanguageId,
    /// The code.
    pub sources: Sources,
    /// How to run it.
    pub work: Work,
}

/// How the code of a run is run: what a request says besides the code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// What the program reads from standard input before it sees the end of file.
    pub stdin: Vec<u8>,
    /// Command line arguments after the program's name.
    pub args: Vec<String>,
    /// What the run stage finds in its environment besides what every program finds there, or instead of it.
    pub environment: Environment,
    /// The limits that the request chose.
    pub limits: LimitOverrides,
    /// The test cases to run the program with, instead of one run with `stdin` and `args`.
    pub tests: Option<TestPlan>,
    /// How urgent the run is.
    pub priority: Priority,
}

/// What came of running a program, without a judgement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What lists show of it.
    pub facts: Facts,
    /// What the program wrote.
    pub output: Output,
}

/// What is known of a program that ran, besides its output: a few hundred bytes at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// One plain sentence for a person, when there is more to say than the exit code.
    pub message: Option<String>,
    /// The exit code; none when a signal ended the program.
    pub exit_code: Option<i32>,
    /// The name of the signal that ended the program, such as `SIGSEGV`.
    pub signal: Option<String>,
    /// Whether standard output was cut.
    pub stdout_truncated: bool,
    /// Whether standard error was cut.
    pub stderr_truncated: bool,
    /// Time on the wall clock of the run stage.
    pub execution_time: Option<Duration>,
    /// CPU time of all processes of the run stage.
    pub cpu_time: Option<Duration>,
    /// The most memory that the run stage used at one time, in bytes.
    pub memory_bytes: Option<u64>,
    /// Time on the wall clock of the compile stage; zero when an earlier compilation was used again.
    pub compile_time: Option<Duration>,
}

/// What a program and its compiler wrote: megabytes at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Standard output up to the limit.
    pub stdout: Vec<u8>,
    /// Standard error up to the limit.
    pub stderr: Vec<u8>,
    /// What the compiler printed; none in languages without a compile stage.
    pub compile_output: Option<Vec<u8>>,
    /// What came of the test cases, in their order; none when there are none or the code did not compile.
    pub tests: Option<Vec<TestResult>>,
}

impl Work {
    /// Passes the name and the value of every member that was given to `add`, a list entry by entry.
    ///
    /// Digests of them are stored: names, order and values never change, and a new member adds nothing where it is left
    /// out.
    pub fn each_given(&self, mut add: impl FnMut(&str, &[u8])) {
        let Self { stdin, args, environment, limits, tests, priority } = self;
        if !stdin.is_empty() {
            add("stdin", stdin);
        }
        for arg in args {
            add("args", arg.as_bytes());
        }
        for (name, value) in environment.variables() {
            add("env", name.as_bytes());
            add("value", value.as_bytes());
        }
        for (name, value) in limits.given() {
            add("limit", name.as_bytes());
            add("value", &value.to_le_bytes());
        }
        if let Some(tests) = tests {
            tests.each_given(&mut add);
        }
        if *priority != Priority::default() {
            add("priority", priority.as_str().as_bytes());
        }
    }
}

impl ExecutionSummary {
    /// Returns how long the execution waited in the queue before its newest attempt.
    #[must_use]
    pub fn queue_time(&self) -> Option<Duration> {
        Some(self.started_at?.since(self.queued_at))
    }
}
