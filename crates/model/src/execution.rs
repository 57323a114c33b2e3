//! Executions and how they ended.

use std::time::Duration;

use crate::Environment;
use crate::ExecutionId;
use crate::LanguageId;
use crate::LimitOverrides;
use crate::SessionId;
use crate::Sources;
use crate::State;
use crate::TenantId;
use crate::TestPlan;
use crate::TestResult;
use crate::Timestamp;

/// One request to run one snapshot of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// The execution's id.
    pub id: ExecutionId,
    /// Who owns it.
    pub tenant: TenantId,
    /// The session it was started from; none for a one-shot execution.
    pub session: Option<SessionId>,
    /// What is run.
    pub input: RunInput,
    /// Where it is in its life cycle.
    pub state: State,
    /// What came of it; present once a program ran to its end.
    pub outcome: Option<Outcome>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last entered the queue: acceptance, or the loss of an attempt.
    pub queued_at: Timestamp,
    /// When its newest attempt was claimed by a worker.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
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
    /// What came of it, with all output left empty; present once a program ran to its end.
    pub outcome: Option<Outcome>,
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
}

/// What to do with the code of a run.
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
}

/// What came of running a program: facts without a judgement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// One plain sentence for a person, when there is more to say than the exit code.
    pub message: Option<String>,
    /// The exit code; none when a signal ended the program.
    pub exit_code: Option<i32>,
    /// The name of the signal that ended the program, such as `SIGSEGV`.
    pub signal: Option<String>,
    /// Standard output up to the limit.
    pub stdout: Vec<u8>,
    /// Standard error up to the limit.
    pub stderr: Vec<u8>,
    /// Whether standard output was cut.
    pub stdout_truncated: bool,
    /// Whether standard error was cut.
    pub stderr_truncated: bool,
    /// What the compiler printed; none in languages without a compile stage.
    pub compile_output: Option<Vec<u8>>,
    /// Time on the wall clock of the run stage.
    pub execution_time: Option<Duration>,
    /// CPU time of all processes of the run stage.
    pub cpu_time: Option<Duration>,
    /// The most memory that the run stage used at one time, in bytes.
    pub memory_bytes: Option<u64>,
    /// Time on the wall clock of the compile stage; zero when an earlier compilation was used again.
    pub compile_time: Option<Duration>,
    /// What came of the test cases, in their order; none when there are none or the code did not compile.
    pub tests: Option<Vec<TestResult>>,
}

impl RunInput {
    /// Puts together what is to be run.
    #[must_use]
    pub fn new(language: LanguageId, sources: Sources, work: Work) -> Self {
        let Work { stdin, args, environment, limits, tests } = work;
        Self { language, sources, stdin, args, environment, limits, tests }
    }
}

impl ExecutionSummary {
    /// Returns how long the execution waited in the queue before its newest attempt.
    #[must_use]
    pub fn queue_time(&self) -> Option<Duration> {
        Some(self.started_at?.since(self.queued_at))
    }
}

impl Execution {
    /// Returns how long the execution waited in the queue before its newest attempt.
    #[must_use]
    pub fn queue_time(&self) -> Option<Duration> {
        Some(self.started_at?.since(self.queued_at))
    }
}
