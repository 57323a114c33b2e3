//! Problem documents (RFC 9457): the one form of every error answer.
//!
//! A handler returns a [`Problem`]; [`render`] turns it into a document once, at the outermost layer, where the id of
//! the request is known and where faults of the service are logged.

mod code;
mod from_engine;

use std::fmt::Display;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::RETRY_AFTER;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::request_id::RequestId;

pub(crate) use code::Code;

/// The media type of a problem document.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

const RETRY_LATER: Duration = Duration::from_secs(1);

/// Why a request was refused or failed.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    code: Code,
    detail: Option<String>,
    details: Vec<String>,
    cause: Option<String>,
}

impl Problem {
    pub(crate) const fn new(code: Code) -> Self {
        Self { code, detail: None, details: Vec::new(), cause: None }
    }

    /// Adds a sentence about this very occurrence.
    pub(crate) fn detail(mut self, sentence: impl Into<String>) -> Self {
        self.detail = Some(sentence.into());
        self
    }

    /// Adds what is wrong with one field of the request.
    pub(crate) fn field(mut self, name: &str, complaint: impl Display) -> Self {
        self.details.push(format!("{name}: {complaint}"));
        self
    }

    /// Adds a complaint that already begins with the name of its field.
    pub(crate) fn complaint(mut self, complaint: String) -> Self {
        self.details.push(complaint);
        self
    }

    /// Adds what only the operator may know: it goes to the log, never to the client.
    pub(crate) fn cause(mut self, cause: impl Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    #[cfg(test)]
    pub(crate) const fn code(&self) -> Code {
        self.code
    }

    #[cfg(test)]
    pub(crate) fn details(&self) -> &[String] {
        &self.details
    }

    fn log(&self) {
        if !self.code.status().is_server_error() {
            return;
        }
        let cause = self.cause.as_deref().unwrap_or("none given");
        if self.code == Code::InternalError {
            tracing::error!(problem.code = %self.code, cause, "request failed");
        } else {
            tracing::warn!(problem.code = %self.code, cause, "request refused");
        }
    }

    fn into_document(self, request: &RequestId) -> ProblemDocument {
        let title = self.code.title();
        ProblemDocument {
            kind: format!("urn:runbay:problem:{}", self.code),
            title,
            status: self.code.status().as_u16(),
            detail: self.detail,
            code: self.code.as_str(),
            error: title,
            details: self.details,
            request_id: request.as_str().to_owned(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_LATER.as_secs()));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the document of an answer that is a problem; other answers pass.
pub(crate) fn render(mut response: Response, request: &RequestId) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    problem.log();
    let document = axum::Json(problem.into_document(request)).into_response();
    *response.body_mut() = document.into_body();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
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
    /// What is wrong with single fields; each entry begins with the field's name.
    details: Vec<String>,
    /// The id by which the operator finds the request in the logs.
    request_id: String,
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;

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
                "request_id": "r-1",
            })
        );
    }

    #[test]
    fn every_503_says_when_to_come_back() {
        let response = Problem::new(Code::QueueFull).into_response();
        assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "1");
        assert!(!Problem::new(Code::ActiveExecution).into_response().headers().contains_key(RETRY_AFTER));
    }
}
