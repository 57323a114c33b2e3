//! An execution as answers show it.

use runbay_model::ExecutionId;
use runbay_model::ExecutionReport;
use runbay_model::ExecutionSummary;
use runbay_model::Facts;
use runbay_model::Output;
use runbay_model::OutputStream;
use runbay_model::Reason;
use runbay_model::SessionId;
use runbay_model::State;
use runbay_model::Status;
use runbay_model::TestVerdict;
use runbay_model::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::message::message;
use super::query::Encoding;
use super::query::Included;
use super::test_result::TestResultBody;
use super::text::encode;
use super::text::whole_ms;
use crate::face::Face;
use crate::fields::FileBody;
use crate::schema;

/// An execution; what came of it is there once it has ended.
#[derive(Serialize, ToSchema)]
#[schema(as = Execution, example = json!({
    "execution_id": "019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f",
    "session_id": "0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b",
    "session_version": 3,
    "language": "python",
    "status": "COMPLETED",
    "reason": null,
    "message": null,
    "exit_code": 0,
    "signal": null,
    "stdout": "hello\n",
    "stderr": "",
    "compile_output": null,
    "tests": null,
    "tests_passed": null,
    "tests_total": null,
    "stdout_truncated": false,
    "stderr_truncated": false,
    "execution_time_ms": 14,
    "cpu_time_ms": 12,
    "memory_bytes": 6_291_456,
    "compile_time_ms": null,
    "queue_time_ms": 1,
    "attempt": 1,
    "created_at": "2026-11-21T04:00:00.000Z",
    "queued_at": "2026-11-21T04:00:00.000Z",
    "started_at": "2026-11-21T04:00:00.001Z",
    "completed_at": "2026-11-21T04:00:00.016Z",
}))]
pub(crate) struct ExecutionBody {
    /// The execution's id.
    #[schema(value_type = uuid::Uuid)]
    execution_id: ExecutionId,
    /// The session it was started from.
    #[schema(value_type = Option<uuid::Uuid>, required = true)]
    session_id: Option<SessionId>,
    /// The version of the session whose code is run.
    #[schema(required = true, minimum = 1)]
    session_version: Option<u64>,
    /// The id of the language that the code is run as.
    language: String,
    /// Where it is in its life cycle.
    #[schema(value_type = schema::ExecutionStatus)]
    status: Status,
    #[serde(flatten)]
    #[schema(value_type = OutcomeBody)]
    outcome: Option<OutcomeBody>,
    /// Time in the queue before the newest attempt; null before the first one.
    #[schema(required = true)]
    queue_time_ms: Option<u64>,
    /// The number of the newest attempt; 0 before the first one.
    attempt: u32,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last entered the queue.
    #[schema(value_type = String, format = DateTime)]
    queued_at: Timestamp,
    /// When its newest attempt began.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    completed_at: Option<Timestamp>,
    /// The code that is run; only with `include=source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    source_code: Option<String>,
    /// All files that are run; only with `include=source`, and absent where the code was not sent as files.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    files: Option<Vec<FileBody>>,
    /// Both streams in the order in which they were read; only with `include=log`, once the program has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    log: Option<Vec<LogPiece>>,
}

/// What a program wrote to one of its streams before it wrote to the other one.
#[derive(Serialize, ToSchema)]
struct LogPiece {
    /// `stdout` or `stderr`.
    #[schema(pattern = "^(stdout|stderr)$")]
    stream: &'static str,
    /// What was written, as text or in base64.
    data: String,
}

impl LogPiece {
    fn list(output: &Output, encoding: Encoding) -> Vec<Self> {
        let pieces = output.order.pieces(output.stdout.len(), output.stderr.len());
        let shown = pieces.into_iter().map(|(stream, range)| {
            let (stream, bytes) = match stream {
                OutputStream::Stdout => ("stdout", &output.stdout[range]),
                OutputStream::Stderr => ("stderr", &output.stderr[range]),
            };
            Self { stream, data: encode(bytes.to_vec(), encoding) }
        });
        shown.collect()
    }
}

/// What came of an execution; every member is absent while it is QUEUED or RUNNING and present afterwards.
#[derive(Serialize, ToSchema)]
#[schema(as = Outcome)]
struct OutcomeBody {
    /// Why it ended as it did; null after success.
    #[schema(value_type = Option<schema::EndReason>)]
    reason: Option<Reason>,
    /// One plain sentence for a person, where there is more to say than the exit code.
    message: Option<String>,
    /// The exit code; null when a signal ended the program.
    exit_code: Option<i32>,
    /// The name of the signal that ended the program.
    #[schema(example = "SIGSEGV")]
    signal: Option<String>,
    #[serde(flatten)]
    #[schema(value_type = OutputBody)]
    output: Option<OutputBody>,
    /// Whether standard output was cut.
    #[schema(required = false)]
    stdout_truncated: bool,
    /// Whether standard error was cut.
    #[schema(required = false)]
    stderr_truncated: bool,
    /// Time of the program on the wall clock.
    execution_time_ms: Option<u64>,
    /// CPU time of all processes of the program.
    cpu_time_ms: Option<u64>,
    /// The most memory used at one time.
    memory_bytes: Option<u64>,
    /// Time of the compile stage on the wall clock.
    compile_time_ms: Option<u64>,
    /// The same as `execution_time_ms`; only under the prefix `/api`.
    #[serde(rename = "executionTime", skip_serializing_if = "Option::is_none")]
    execution_time: Option<Option<u64>>,
}

/// What an execution wrote; lists leave it out.
#[derive(Serialize, ToSchema)]
#[schema(as = Output)]
struct OutputBody {
    /// Standard output up to the limit.
    #[schema(required = false)]
    stdout: String,
    /// Standard error up to the limit.
    #[schema(required = false)]
    stderr: String,
    /// What the compiler printed; null in languages without a compile stage.
    compile_output: Option<String>,
    /// What came of the test cases, in their order; null when none were asked for or the program was not run.
    tests: Option<Vec<TestResultBody>>,
    /// How many test cases passed; null when none were asked for.
    tests_passed: Option<usize>,
    /// How many test cases were asked for; null when none were.
    tests_total: Option<usize>,
}

impl ExecutionBody {
    /// Shows an execution, with what is to be added.
    pub(super) fn new(
        report: ExecutionReport,
        Included { sources, has_log }: Included,
        encoding: Encoding,
        face: &'static Face,
    ) -> Self {
        let log = match &report.output {
            Some(output) if has_log => Some(LogPiece::list(output, encoding)),
            Some(_) | None => None,
        };
        let output = OutputBody::new(report.output.unwrap_or_default(), report.tests_total, encoding);
        let mut body = Self::without_output(report.summary, face);
        if let Some(outcome) = &mut body.outcome {
            outcome.output = Some(output);
        }
        Self {
            source_code: sources.as_ref().map(|sources| sources.source_code().to_owned()),
            files: sources.as_ref().and_then(FileBody::of),
            log,
            ..body
        }
    }

    /// Shows an execution in a list.
    pub(crate) fn without_output(execution: ExecutionSummary, face: &'static Face) -> Self {
        let queue_time = execution.queue_time();
        let state = execution.state;
        let facts = execution.facts.unwrap_or_default();
        Self {
            execution_id: execution.id,
            session_id: execution.session,
            session_version: execution.session_version,
            language: execution.language.to_string(),
            status: state.status(),
            outcome: state.is_ended().then(|| OutcomeBody::without_output(state, facts, face)),
            queue_time_ms: queue_time.map(whole_ms),
            attempt: state.attempt().0,
            created_at: execution.created_at,
            queued_at: execution.queued_at,
            started_at: execution.started_at,
            completed_at: execution.completed_at,
            source_code: None,
            files: None,
            log: None,
        }
    }
}

impl OutcomeBody {
    fn without_output(state: State, facts: Facts, face: &'static Face) -> Self {
        let execution_time_ms = facts.execution_time.map(whole_ms);
        Self {
            reason: state.reason(),
            message: facts.message.or_else(|| message(state).map(str::to_owned)),
            exit_code: facts.exit_code,
            signal: facts.signal,
            output: None,
            stdout_truncated: facts.stdout_truncated,
            stderr_truncated: facts.stderr_truncated,
            execution_time_ms,
            cpu_time_ms: facts.cpu_time.map(whole_ms),
            memory_bytes: facts.memory_bytes,
            compile_time_ms: facts.compile_time.map(whole_ms),
            execution_time: face.has_execution_time.then_some(execution_time_ms),
        }
    }
}

impl OutputBody {
    fn new(output: Output, tests_total: Option<usize>, encoding: Encoding) -> Self {
        let passed = output.tests.iter().flatten().filter(|test| test.verdict == TestVerdict::Passed).count();
        Self {
            stdout: encode(output.stdout, encoding),
            stderr: encode(output.stderr, encoding),
            compile_output: output.compile_output.map(|output| encode(output, encoding)),
            tests: output.tests.map(|tests| TestResultBody::list(tests, encoding)),
            tests_passed: tests_total.map(|_| passed),
            tests_total,
        }
    }
}

#[cfg(test)]
mod tests;
