//! Problem documents (RFC 9457).

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use runbay_model::ExecutionId;
use serde::Serialize;
use utoipa::ToSchema;

use super::FieldError;
use super::Problem;
use super::code;
use crate::request_id::RequestId;

/// The media type of a problem document.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// Answers `request` with a problem document.
pub(crate) fn answer(problem: Problem, request: &RequestId) -> Response {
    let status = problem.code.status();
    (status, [(CONTENT_TYPE, MEDIA_TYPE)], axum::Json(problem.into_document(request))).into_response()
}

/// A problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "urn:runbay:problem:active_execution",
    "title": "The session already has an execution that has not ended",
    "status": 409,
    "detail": "Execution 019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f has not ended yet.",
    "code": "active_execution",
    "error": "The session already has an execution that has not ended",
    "details": [],
    "errors": [],
    "execution_id": "019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f",
    "request_id": "7f0c9d5e-4f0b-4a53-9d51-0d3b8f6f0c55",
}))]
pub(crate) struct ProblemDocument {
    /// A URI that stands for the code.
    #[serde(rename = "type")]
    #[schema(format = "uri")]
    kind: String,
    /// What is wrong in general; the same for every problem with this code.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What is wrong in this very case.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    /// A stable word for programs.
    #[schema(schema_with = code::schema)]
    code: &'static str,
    /// The same text as `title`.
    error: &'static str,
    /// What is wrong with single fields, for people; each entry begins with the field's name.
    details: Vec<String>,
    /// The same for programs.
    errors: Vec<FieldError>,
    /// The execution that stands in the way; only with `active_execution`, and absent there if it ended at this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>, nullable = false)]
    execution_id: Option<ExecutionId>,
    /// The id by which the operator finds the request in the logs.
    request_id: String,
}

impl Problem {
    /// Writes the document for the answer to `request`.
    pub(crate) fn into_document(self, request: &RequestId) -> ProblemDocument {
        let title = self.code.title();
        let retry = self.retry_seconds().map(|seconds| match seconds {
            1 => "Try again in 1 second.".to_owned(),
            seconds => format!("Try again in {seconds} seconds."),
        });
        ProblemDocument {
            kind: format!("urn:runbay:problem:{}", self.code),
            title,
            status: self.code.status().as_u16(),
            detail: self.detail.into_iter().chain(retry).reduce(|detail, retry| format!("{detail} {retry}")),
            code: self.code.as_str(),
            error: title,
            details: self.errors.iter().map(FieldError::to_string).collect(),
            errors: self.errors,
            execution_id: self.execution,
            request_id: request.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::HeaderMap;
    use axum::http::header::RETRY_AFTER;

    use super::*;
    use crate::problem::Code;

    #[test]
    fn the_document_names_code_fields_and_request() {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", "r-1".parse().unwrap());
        let problem = Problem::new(Code::InvalidBody).detail("No.").field("stdin", "too loud").cause("secret");
        let document = serde_json::to_value(problem.into_document(&RequestId::of(&headers))).unwrap();
        assert_eq!(
            document,
            serde_json::json!({
                "type": "urn:runbay:problem:invalid_body",
                "title": "The body of the request does not fit this route",
                "status": 400,
                "detail": "No.",
                "code": "invalid_body",
                "error": "The body of the request does not fit this route",
                "details": ["stdin: too loud"],
                "errors": [{"field": "stdin", "message": "too loud"}],
                "request_id": "r-1",
            })
        );
    }

    #[test]
    fn the_wait_is_in_whole_seconds_rounded_up() {
        for (millis, seconds, sentence) in [
            (0, "1", "Slowly. Try again in 1 second."),
            (1, "1", "Slowly. Try again in 1 second."),
            (1000, "1", "Slowly. Try again in 1 second."),
            (1001, "2", "Slowly. Try again in 2 seconds."),
            (59_999, "60", "Slowly. Try again in 60 seconds."),
        ] {
            let problem = Problem::new(Code::Cooldown).detail("Slowly.").retry_after(Duration::from_millis(millis));
            assert_eq!(problem.clone().into_response().headers()[RETRY_AFTER], seconds);
            let document = problem.into_document(&RequestId::of(&HeaderMap::new()));
            assert_eq!(document.detail.as_deref(), Some(sentence));
        }
    }
}
