//! Results of test cases as answers show them.

use runbay_model::Reason;
use runbay_model::TestResult;
use runbay_model::TestVerdict;
use serde::Serialize;
use utoipa::ToSchema;

use super::query::Encoding;
use super::text::encode;
use super::text::whole_ms;
use crate::schema;

/// What came of one test case.
#[derive(Serialize, ToSchema)]
#[schema(as = TestResult, example = json!({
    "index": 0,
    "name": "doubles",
    "verdict": "passed",
    "reason": null,
    "message": null,
    "exit_code": 0,
    "signal": null,
    "stdout": "42\n",
    "stderr": "",
    "stdout_truncated": false,
    "stderr_truncated": false,
    "execution_time_ms": 14,
    "cpu_time_ms": 12,
    "memory_bytes": 6_291_456,
}))]
pub(crate) struct TestResultBody {
    /// Its place in the request, counted from 0.
    index: usize,
    /// Its name in the request.
    #[schema(required = true)]
    name: Option<String>,
    /// Whether it passed.
    #[schema(value_type = schema::Verdict)]
    verdict: TestVerdict,
    /// Why the program did not end well.
    #[schema(value_type = Option<schema::EndReason>, required = true)]
    reason: Option<Reason>,
    /// One plain sentence for a person, where there is more to say than the exit code.
    #[schema(required = true)]
    message: Option<String>,
    /// The exit code; null when a signal ended the program or the case was skipped.
    #[schema(required = true)]
    exit_code: Option<i32>,
    /// The name of the signal that ended the program.
    #[schema(example = "SIGSEGV", required = true)]
    signal: Option<String>,
    /// The beginning of standard output; it is kept as text.
    stdout: String,
    /// The beginning of standard error; it is kept as text.
    stderr: String,
    /// Whether standard output is longer.
    stdout_truncated: bool,
    /// Whether standard error is longer.
    stderr_truncated: bool,
    /// Time of the program on the wall clock; null when the case was skipped.
    #[schema(required = true)]
    execution_time_ms: Option<u64>,
    /// CPU time of all processes of the program; null when the case was skipped.
    #[schema(required = true)]
    cpu_time_ms: Option<u64>,
    /// The most memory used at one time.
    #[schema(required = true)]
    memory_bytes: Option<u64>,
}

impl TestResultBody {
    /// Shows the results of all test cases.
    pub(super) fn list(results: Vec<TestResult>, encoding: Encoding) -> Vec<Self> {
        results.into_iter().enumerate().map(|(index, result)| Self::new(index, result, encoding)).collect()
    }

    /// Shows the result of the case at `index`.
    pub(super) fn new(index: usize, result: TestResult, encoding: Encoding) -> Self {
        Self {
            index,
            name: result.name,
            verdict: result.verdict,
            reason: result.reason,
            message: result.message,
            exit_code: result.exit_code,
            signal: result.signal,
            stdout: encode(result.stdout.into_bytes(), encoding),
            stderr: encode(result.stderr.into_bytes(), encoding),
            stdout_truncated: result.stdout_truncated,
            stderr_truncated: result.stderr_truncated,
            execution_time_ms: result.execution_time.map(whole_ms),
            cpu_time_ms: result.cpu_time.map(whole_ms),
            memory_bytes: result.memory_bytes,
        }
    }
}
