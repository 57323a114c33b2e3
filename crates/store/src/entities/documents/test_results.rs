//! The column that holds the results of test cases.

use runbay_model::TestResult;
use runbay_model::TestVerdict;
use serde::Deserialize;
use serde::Serialize;

use super::document::Base64;
use super::document::document;
use super::document::read;
use crate::StoreError;
use crate::entities::count;
use crate::entities::duration;
use crate::entities::micros;
use crate::entities::number;
use crate::entities::word;

const COLUMN: &str = "executions.test_results";

#[derive(Debug, Serialize, Deserialize)]
struct ResultDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(with = "VerdictWord")]
    verdict: TestVerdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signal: Option<String>,
    stdout: Base64,
    stderr: Base64,
    stdout_truncated: bool,
    stderr_truncated: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    execution_time_micros: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cpu_time_micros: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "TestVerdict", rename_all = "snake_case")]
enum VerdictWord {
    Passed,
    Failed,
    Error,
    Skipped,
}

/// Returns the document of test results.
pub(crate) fn results_document(results: &[TestResult]) -> String {
    document(&results.iter().map(ResultDocument::from).collect::<Vec<_>>())
}

/// Reads test results.
pub(crate) fn read_results(text: &str) -> Result<Vec<TestResult>, StoreError> {
    read::<Vec<ResultDocument>>(COLUMN, text)?.into_iter().map(TestResult::try_from).collect()
}

impl From<&TestResult> for ResultDocument {
    fn from(result: &TestResult) -> Self {
        Self {
            name: result.name.clone(),
            verdict: result.verdict,
            reason: result.reason.map(|reason| reason.as_str().to_owned()),
            message: result.message.clone(),
            exit_code: result.exit_code,
            signal: result.signal.clone(),
            stdout: Base64(result.stdout.clone().into_bytes()),
            stderr: Base64(result.stderr.clone().into_bytes()),
            stdout_truncated: result.stdout_truncated,
            stderr_truncated: result.stderr_truncated,
            execution_time_micros: result.execution_time.map(micros),
            cpu_time_micros: result.cpu_time.map(micros),
            memory_bytes: result.memory_bytes.map(number),
        }
    }
}

impl TryFrom<ResultDocument> for TestResult {
    type Error = StoreError;

    fn try_from(result: ResultDocument) -> Result<Self, StoreError> {
        Ok(Self {
            name: result.name,
            verdict: result.verdict,
            reason: result.reason.map(|reason| word(COLUMN, &reason)).transpose()?,
            message: result.message,
            exit_code: result.exit_code,
            signal: result.signal,
            stdout: result.stdout.into_text(COLUMN)?,
            stderr: result.stderr.into_text(COLUMN)?,
            stdout_truncated: result.stdout_truncated,
            stderr_truncated: result.stderr_truncated,
            execution_time: result.execution_time_micros.map(duration),
            cpu_time: result.cpu_time_micros.map(duration),
            memory_bytes: result.memory_bytes.map(|bytes| count(COLUMN, bytes)).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earlier_versions_wrote_is_read() {
        let old = r#"[{"verdict":"error","reason":"runtime_error","stdout":"","stderr":"","stdout_truncated":false,
            "stderr_truncated":false,"execution_time_micros":5}]"#;
        let results = read_results(old).unwrap();
        assert_eq!((&results[0].message, &results[0].signal, results[0].cpu_time), (&None, &None, None));
        assert_eq!(read_results(&results_document(&results)).unwrap(), results);
    }
}
