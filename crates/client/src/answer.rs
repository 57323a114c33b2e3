//! Bodies of answers. Members that this version does not know are left out.

use std::collections::BTreeMap;

use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_model::LanguageId;
use runbay_model::Limits;
use runbay_model::SessionId;
use runbay_model::Severity;
use runbay_model::Status;
use runbay_model::TestVerdict;
use serde::Deserialize;

use crate::bytes::bytes;
use crate::bytes::optional_bytes;

/// A code session.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Session {
    /// The session's id.
    #[serde(rename = "session_id")]
    pub id: SessionId,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// The language that its code is run as.
    pub language: LanguageId,
    /// The code of its first file.
    pub source_code: String,
    /// The version, which grows by one with each save that changes something.
    pub version: u64,
}

/// What a save came to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Saved {
    /// The session's id.
    pub session_id: SessionId,
    /// The version after the save.
    pub version: u64,
}

/// An execution that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Accepted {
    /// The execution's id.
    pub execution_id: ExecutionId,
    /// Where it is in its life cycle.
    pub status: Status,
    /// The version of the session whose code is run. None where there is no session.
    pub session_version: Option<u64>,
}

/// An execution. What came of it is there once it has ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Execution {
    /// The execution's id.
    #[serde(rename = "execution_id")]
    pub id: ExecutionId,
    /// The session that it was started from.
    pub session_id: Option<SessionId>,
    /// The version of the session whose code is run.
    pub session_version: Option<u64>,
    /// The language that the code is run as.
    pub language: LanguageId,
    /// Where it is in its life cycle.
    pub status: Status,
    /// Why it ended as it did, as [`runbay_model::Reason`] has it or a later version. None after success.
    pub reason: Option<String>,
    /// One plain sentence for a person, where there is more to say than the exit code.
    pub message: Option<String>,
    /// The exit code. None when a signal ended the program.
    pub exit_code: Option<i32>,
    /// The name of the signal that ended the program.
    pub signal: Option<String>,
    /// Standard output up to the limit.
    #[serde(default, deserialize_with = "bytes")]
    pub stdout: Vec<u8>,
    /// Standard error up to the limit.
    #[serde(default, deserialize_with = "bytes")]
    pub stderr: Vec<u8>,
    /// What the compiler printed. None in languages without a compile stage.
    #[serde(default, deserialize_with = "optional_bytes")]
    pub compile_output: Option<Vec<u8>>,
    /// Whether standard output was cut.
    #[serde(default)]
    pub stdout_truncated: bool,
    /// Whether standard error was cut.
    #[serde(default)]
    pub stderr_truncated: bool,
    /// What came of the test cases, in their order. None when none were asked for.
    pub tests: Option<Vec<TestResult>>,
    /// How many test cases passed.
    pub tests_passed: Option<usize>,
    /// How many test cases were asked for.
    pub tests_total: Option<usize>,
    /// Time of the program on the wall clock, in milliseconds.
    pub execution_time_ms: Option<u64>,
    /// CPU time of all processes of the program, in milliseconds.
    pub cpu_time_ms: Option<u64>,
    /// The most memory used at one time, in bytes.
    pub memory_bytes: Option<u64>,
    /// Time of the compile stage on the wall clock, in milliseconds.
    pub compile_time_ms: Option<u64>,
    /// Time in the queue before the newest attempt, in milliseconds.
    pub queue_time_ms: Option<u64>,
    /// The number of the newest attempt.
    pub attempt: Attempt,
    /// When it was accepted, in RFC 3339.
    pub created_at: String,
    /// When it ended, in RFC 3339.
    pub completed_at: Option<String>,
}

/// What came of one test case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TestResult {
    /// Its place in the request, counted from 0.
    pub index: usize,
    /// Its name in the request.
    pub name: Option<String>,
    /// Whether it passed.
    pub verdict: TestVerdict,
    /// Why the program did not end well.
    pub reason: Option<String>,
    /// One plain sentence for a person.
    pub message: Option<String>,
    /// The exit code. None when a signal ended the program or the case was skipped.
    pub exit_code: Option<i32>,
    /// The name of the signal that ended the program.
    pub signal: Option<String>,
    /// The beginning of standard output.
    #[serde(deserialize_with = "bytes")]
    pub stdout: Vec<u8>,
    /// The beginning of standard error.
    #[serde(deserialize_with = "bytes")]
    pub stderr: Vec<u8>,
    /// Time on the wall clock, in milliseconds.
    pub execution_time_ms: Option<u64>,
    /// The most memory used at one time, in bytes.
    pub memory_bytes: Option<u64>,
}

/// What the language's checker says of code.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CheckReport {
    /// The findings, in the order in which the checker made them.
    pub diagnostics: Vec<Diagnostic>,
    /// One plain sentence when the checker did not work as it should or the language has none.
    pub message: Option<String>,
}

/// One finding of a checker.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Diagnostic {
    /// The file as the program names it.
    pub file: Option<String>,
    /// The line, counted from 1.
    pub line: Option<u32>,
    /// The column, counted from 1.
    pub column: Option<u32>,
    /// How bad it is.
    pub severity: Severity,
    /// The text of the checker.
    pub message: String,
}

/// The languages that a server offers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Languages {
    /// In the order in which they are listed.
    pub languages: Vec<Language>,
    /// Between what a request may choose each limit, by its name.
    pub limit_ranges: BTreeMap<String, LimitRange>,
}

/// A language that a server offers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Language {
    /// The id that answers carry.
    pub id: LanguageId,
    /// The name for people.
    pub name: String,
    /// Other exact names that requests may use.
    pub aliases: Vec<String>,
    /// The version found on the server's host.
    pub version: String,
    /// The code of a session that is opened without any.
    pub template: String,
    /// The name of the first file of a program that is sent as text alone.
    pub entry: String,
    /// Whether its code is compiled before it is run.
    pub compiled: bool,
    /// Whether its code can be checked.
    pub check: bool,
    /// What a run may use.
    pub limits: Limits,
}

/// Between what a request may choose a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct LimitRange {
    /// The least value.
    pub least: u64,
    /// The highest value.
    pub most: u64,
}

impl Execution {
    /// Returns whether it has ended.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        !matches!(self.status, Status::Queued | Status::Running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_that_waits_has_no_outcome() {
        let execution: Execution = serde_json::from_str(
            r#"{"execution_id": "019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f", "session_id": null, "session_version": null,
                "language": "python", "status": "QUEUED", "queue_time_ms": null, "attempt": 0,
                "created_at": "2026-11-21T04:00:00.000Z", "queued_at": "2026-11-21T04:00:00.000Z",
                "started_at": null, "completed_at": null}"#,
        )
        .unwrap();
        assert!(!execution.is_ended() && execution.stdout.is_empty() && execution.compile_output.is_none());
    }

    #[test]
    fn output_arrives_as_its_bytes() {
        let test: TestResult = serde_json::from_str(
            r#"{"index": 1, "name": null, "verdict": "error", "reason": "from_the_future", "message": null,
                "exit_code": null, "signal": "SIGSEGV", "stdout": "/wA=", "stderr": "", "stdout_truncated": false}"#,
        )
        .unwrap();
        assert_eq!((test.verdict, test.stdout.as_slice()), (TestVerdict::Error, &b"\xff\0"[..]));
        assert!(serde_json::from_str::<TestResult>(r#"{"index": 1, "verdict": "error", "stdout": "*"}"#).is_err());
    }
}
