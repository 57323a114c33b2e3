//! Executions: what they run, and their results.

use std::time::Duration;

use crate::Environment;
use crate::ExecutionId;
use crate::Interaction;
use crate::LanguageId;
use crate::LimitOverrides;
use crate::OutputOrder;
use crate::Priority;
use crate::SessionId;
use crate::Sources;
use crate::State;
use crate::TestPlan;
use crate::TestResult;
use crate::Timestamp;

/// An execution with its result, as readers see it. It leaves out what the execution runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionReport {
    /// The part that lists show as well.
    pub summary: ExecutionSummary,
    /// The output of the program. Present whenever [`ExecutionSummary::facts`] are.
    pub output: Option<Output>,
    /// How many test cases the request has. None before the execution has ended, and when the request has none.
    pub tests_total: Option<usize>,
}

/// An execution as lists show it. It leaves out what the execution runs and its output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionSummary {
    /// The execution's id.
    pub id: ExecutionId,
    /// The session that it was started from. None for a one-shot execution.
    pub session: Option<SessionId>,
    /// The version of the session whose code it runs. None for a one-shot execution, and for one of an older program.
    pub session_version: Option<u64>,
    /// The language its code is run as.
    pub language: LanguageId,
    /// Where it is in its life cycle.
    pub state: State,
    /// Facts about its program. Present once the program ran to its end.
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

/// The snapshot that an execution runs. It never changes after acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunInput {
    /// The language to run the code as.
    pub language: LanguageId,
    /// The code.
    pub sources: Sources,
    /// How to run it.
    pub work: Work,
}

/// How to run code: what a request says besides the code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// The standard input of the program, up to the end of file.
    pub stdin: Vec<u8>,
    /// Command line arguments after the program's name.
    pub args: Vec<String>,
    /// Variables that the run stage adds to the common environment, or replaces in it.
    pub environment: Environment,
    /// The limits that the request chose.
    pub limits: LimitOverrides,
    /// The test cases to run the program with. They take the place of one run with `stdin` and `args`.
    pub tests: Option<TestPlan>,
    /// How urgent the run is.
    pub priority: Priority,
    /// How a person takes part. None in a run that only reads `stdin`.
    pub interaction: Option<Interaction>,
}

/// The result of running a program, without a verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The part that lists show.
    pub facts: Facts,
    /// The output of the program.
    pub output: Output,
}

/// Facts about a program that ran, without its output: a few hundred bytes at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// One plain sentence for people, when the exit code does not say everything.
    pub message: Option<String>,
    /// The exit code. None when a signal ended the program.
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
    /// Time on the wall clock of the compile stage. Zero when an earlier compilation was used again.
    pub compile_time: Option<Duration>,
}

/// The output of a program and its compiler: megabytes at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Standard output up to the limit.
    pub stdout: Vec<u8>,
    /// Standard error up to the limit.
    pub stderr: Vec<u8>,
    /// The output of the compiler. None in languages without a compile stage.
    pub compile_output: Option<Vec<u8>>,
    /// The results of the test cases, in their order. None when there are none or the code did not compile.
    pub tests: Option<Vec<TestResult>>,
    /// In which order the program wrote to the two streams.
    pub order: OutputOrder,
}

impl Work {
    /// Passes the name and value of every given member to `add`. A list is passed entry by entry.
    ///
    /// Digests of the members are stored, so names, order and values never change. A new member passes nothing when it
    /// is left out.
    pub fn each_given(&self, mut add: impl FnMut(&str, &[u8])) {
        let Self { stdin, args, environment, limits, tests, priority, interaction } = self;
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
        if let Some(interaction) = interaction {
            add("interaction", interaction.as_str().as_bytes());
        }
    }
}

impl RunInput {
    /// Returns the size of the code and of everything that the request gave beside it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let mut bytes = self.sources.bytes();
        self.work.each_given(|_, value| bytes += value.len());
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl ExecutionSummary {
    /// Returns how long the execution waited in the queue before its newest attempt.
    #[must_use]
    pub fn queue_time(&self) -> Option<Duration> {
        Some(self.started_at?.since(self.queued_at))
    }
}
