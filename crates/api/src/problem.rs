//! Why requests are refused or fail, and problem documents (RFC 9457), the native form of error answers.
//!
//! A handler returns a [`Problem`]. The face of the request writes the answer to it once, in the outermost layer, where
//! the id of the request is known and faults of the service are logged.

mod code;
mod from_engine;

use std::fmt::Display;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::RETRY_AFTER;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::request_id::RequestId;

pub(crate) use code::Code;

/// The media type of a problem document.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// The longest complaint in bytes; the longest one that quotes nothing has about half of it.
const LONGEST_COMPLAINT: usize = 400;

/// When to try again where nothing better is known.
const RETRY_LATER: Duration = Duration::from_secs(1);

/// Why a request was refused or failed.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    code: Code,
    detail: Option<String>,
    details: Vec<String>,
    cause: Option<String>,
    retry_after: Option<Duration>,
}

impl Problem {
    /// Makes a problem that says no more than its code.
    pub(crate) const fn new(code: Code) -> Self {
        Self { code, detail: None, details: Vec::new(), cause: None, retry_after: None }
    }

    /// Adds a sentence about this occurrence.
    pub(crate) fn detail(mut self, sentence: impl Into<String>) -> Self {
        self.detail = Some(sentence.into());
        self
    }

    /// Adds what is wrong with one field of the request.
    pub(crate) fn field(self, name: &str, complaint: impl Display) -> Self {
        self.complaint(format!("{name}: {complaint}"))
    }

    /// Adds a complaint that already begins with the name of its field.
    pub(crate) fn complaint(mut self, mut complaint: String) -> Self {
        // It may quote the client, who can send megabytes.
        if complaint.len() > LONGEST_COMPLAINT {
            complaint.truncate(complaint.floor_char_boundary(LONGEST_COMPLAINT));
            complaint.push('…');
        }
        self.details.push(complaint);
        self
    }

    /// Puts the name of the object `place` before the fields that the problem names.
    pub(crate) fn within(mut self, place: &str) -> Self {
        for complaint in &mut self.details {
            // A complaint about the whole body is one about the whole of `place`.
            *complaint = match complaint.strip_prefix("body: ") {
                Some(complaint) => format!("{place}: {complaint}"),
                None => format!("{place}.{complaint}"),
            };
        }
        self
    }

    /// Adds the cause for the operator: it goes to the log, never to the client.
    pub(crate) fn cause(mut self, cause: impl Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Adds the time until the same request may be accepted, where it is known exactly.
    pub(crate) const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Returns whether the service is at fault, and not the request.
    pub(crate) fn is_about_the_service(&self) -> bool {
        self.code.status().is_server_error()
    }

    #[cfg(test)]
    pub(crate) const fn code(&self) -> Code {
        self.code
    }

    #[cfg(test)]
    pub(crate) fn details(&self) -> &[String] {
        &self.details
    }

    /// Returns the whole seconds until the client should try again; none when trying again is of no use.
    fn retry_seconds(&self) -> Option<u64> {
        let status = self.code.status();
        if status != StatusCode::SERVICE_UNAVAILABLE && status != StatusCode::TOO_MANY_REQUESTS {
            return None;
        }
        let wait = self.retry_after.unwrap_or(RETRY_LATER);
        Some(wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1))
    }

    /// Logs a fault of the service.
    pub(crate) fn log(&self) {
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
            details: self.details,
            request_id: request.as_str().to_owned(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        if let Some(seconds) = self.retry_seconds() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == Code::Unauthenticated {
            // RFC 9110, section 15.5.2: a 401 names a way to authenticate.
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

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
    fn a_complaint_quotes_no_megabytes() {
        let problem = Problem::new(Code::InvalidBody).field("language", "ž".repeat(1_000_000));
        assert!(problem.details()[0].len() < LONGEST_COMPLAINT + 4);
        assert!(problem.details()[0].ends_with("ž…"), "{:?}", problem.details());
    }

    #[test]
    fn a_field_can_be_within_another() {
        let problem = Problem::new(Code::InvalidBody).field("stdin", "too loud").field("body", "too long");
        assert_eq!(
            problem.within("executions[3]").details(),
            ["executions[3].stdin: too loud", "executions[3]: too long"]
        );
    }

    #[test]
    fn every_429_and_503_says_when_to_come_back() {
        for code in Code::ALL.iter().copied() {
            let response = Problem::new(code).into_response();
            let expected = matches!(response.status().as_u16(), 429 | 503);
            assert_eq!(response.headers().contains_key(RETRY_AFTER), expected, "{code}");
        }
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
