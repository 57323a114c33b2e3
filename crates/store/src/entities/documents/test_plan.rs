//! The column that holds the test cases of an execution.

use runbay_model::Comparison;
use runbay_model::ExpectedOutput;
use runbay_model::TestCase;
use runbay_model::TestPlan;
use serde::Deserialize;
use serde::Serialize;

use super::document::Base64;
use super::document::document;
use super::document::read;
use crate::StoreError;

const COLUMN: &str = "executions.tests";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanDocument {
    cases: Vec<CaseDocument>,
    stop_on_failure: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    stdin: Base64,
    args: Vec<Base64>,
    expected_stdout: Base64,
    #[serde(rename = "match", with = "ComparisonWord")]
    comparison: Comparison,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Comparison", rename_all = "snake_case")]
enum ComparisonWord {
    Trimmed,
    Exact,
    Tokens,
    Regex,
}

/// Returns the document of test cases.
pub(crate) fn plan_document(plan: &TestPlan) -> String {
    let cases = plan.cases.iter().map(CaseDocument::from).collect();
    document(&PlanDocument { cases, stop_on_failure: plan.stop_on_failure })
}

/// Reads test cases.
pub(crate) fn read_plan(text: &str) -> Result<TestPlan, StoreError> {
    let PlanDocument { cases, stop_on_failure } = read(COLUMN, text)?;
    let cases = cases.into_iter().map(TestCase::try_from).collect::<Result<_, _>>()?;
    Ok(TestPlan { cases, stop_on_failure })
}

impl From<&TestCase> for CaseDocument {
    fn from(case: &TestCase) -> Self {
        Self {
            name: case.name.clone(),
            stdin: Base64(case.stdin.clone()),
            args: case.args.iter().map(|arg| Base64(arg.clone().into_bytes())).collect(),
            expected_stdout: Base64(case.expected.text().as_bytes().to_vec()),
            comparison: case.expected.comparison(),
        }
    }
}

impl TryFrom<CaseDocument> for TestCase {
    type Error = StoreError;

    fn try_from(case: CaseDocument) -> Result<Self, StoreError> {
        let expected = case.expected_stdout.into_text(COLUMN)?;
        Ok(Self {
            name: case.name,
            stdin: case.stdin.0,
            args: case.args.into_iter().map(|arg| arg.into_text(COLUMN)).collect::<Result<_, _>>()?,
            expected: ExpectedOutput::checked_before(expected, case.comparison),
        })
    }
}
