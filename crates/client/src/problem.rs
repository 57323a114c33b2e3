//! Problem documents.

use std::fmt;
use std::time::Duration;

use runbay_model::ExecutionId;
use serde::Deserialize;

/// Why the server refused a request (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// The status of the answer.
    pub status: u16,
    /// A stable word for programs, such as `session_not_found`.
    pub code: String,
    /// What is wrong in general.
    pub title: String,
    /// What is wrong in this very case.
    pub detail: Option<String>,
    /// What is wrong with single fields. Each entry begins with the field's name.
    #[serde(default)]
    pub details: Vec<String>,
    /// The id by which the operator finds the request in the logs.
    pub request_id: Option<String>,
    /// The execution that stands in the way of a run.
    pub execution_id: Option<ExecutionId>,
    /// How long to wait before the request is sent again, as the header `Retry-After` says.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {})", self.title, self.status, self.code)?;
        for text in self.detail.iter().chain(&self.details) {
            write!(f, "; {text}")?;
        }
        match &self.request_id {
            Some(id) => write!(f, "; request {id}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_all_that_a_person_needs() {
        let problem: Problem = serde_json::from_str(
            r#"{"type": "urn:runbay:problem:invalid_body", "title": "The body is invalid", "status": 400,
                "code": "invalid_body", "error": "The body is invalid", "details": ["souce_code: is no field here"],
                "errors": [], "request_id": "7f0c"}"#,
        )
        .unwrap();
        let text = "The body is invalid (400 invalid_body); souce_code: is no field here; request 7f0c";
        assert_eq!(problem.to_string(), text);
    }
}
