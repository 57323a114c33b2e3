//! Why requests are refused or fail, and problem documents (RFC 9457), the native form of error answers.
//!
//! A handler returns a [`Problem`]. The face of the request writes the answer to it once, in the outermost layer, where
//! the id of the request is known and faults of the service are logged.

mod code;
mod document;
mod from_engine;

use std::fmt;
use std::fmt::Display;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::IntoResponse;
use axum::response::Response;
use runbay_model::ExecutionId;
use runbay_shares::Client;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use code::Code;
pub(crate) use document::MEDIA_TYPE;
pub(crate) use document::ProblemDocument;
pub(crate) use document::answer;

/// The longest name of a field in bytes; the longest one that the service has itself has about half of it.
const LONGEST_FIELD: usize = 120;

/// The longest message in bytes; the longest one that quotes nothing has about half of it.
const LONGEST_MESSAGE: usize = 400;

/// When to try again where nothing better is known.
const RETRY_LATER: Duration = Duration::from_secs(1);

/// Why a request was refused or failed.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    code: Code,
    detail: Option<String>,
    errors: Vec<FieldError>,
    execution: Option<ExecutionId>,
    cause: Option<String>,
    retry_after: Option<Duration>,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// The field: its path in the body, or the name of a query parameter or header; `body` for the body as a whole.
    #[schema(example = "limits.wall_time_ms")]
    field: String,
    /// What is wrong with it, in words that follow its name.
    #[schema(example = "must be an integer from 100 to 30000")]
    message: String,
}

impl Problem {
    /// Makes a problem that says no more than its code.
    pub(crate) const fn new(code: Code) -> Self {
        Self { code, detail: None, errors: Vec::new(), execution: None, cause: None, retry_after: None }
    }

    /// Makes the problem for a client that has its share of `what`.
    pub(crate) fn of_share(client: Client, what: &str, held: u64, whole: u64) -> Self {
        Self::new(Code::ClientShare).detail(format!(
            "This client ({client}) has {held} of {whole} {what}, and the rest is for others. Wait until some have \
             ended, and send fewer at a time."
        ))
    }

    /// Adds a sentence about this occurrence.
    pub(crate) fn detail(mut self, sentence: impl Into<String>) -> Self {
        self.detail = Some(sentence.into());
        self
    }

    /// Adds what is wrong with one field of the request.
    pub(crate) fn field(mut self, name: &str, message: impl Display) -> Self {
        // Both may quote the client, who can send megabytes.
        let field = shortened(name.to_owned(), LONGEST_FIELD);
        self.errors.push(FieldError { field, message: shortened(message.to_string(), LONGEST_MESSAGE) });
        self
    }

    /// Puts the name of the object `place` before the fields that the problem names.
    pub(crate) fn within(mut self, place: &str) -> Self {
        for FieldError { field, .. } in &mut self.errors {
            // A complaint about the whole body is one about the whole of `place`.
            *field = if field == "body" { place.to_owned() } else { format!("{place}.{field}") };
        }
        self
    }

    /// Adds the execution that stands in the way.
    pub(crate) const fn execution(mut self, id: ExecutionId) -> Self {
        self.execution = Some(id);
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

    /// Returns whether other requests of the same client would be refused as well.
    pub(crate) fn is_about_all(&self) -> bool {
        self.is_about_the_service() || self.code == Code::ClientShare
    }

    /// Returns the code.
    pub(crate) const fn code(&self) -> Code {
        self.code
    }

    #[cfg(test)]
    pub(crate) fn details(&self) -> Vec<String> {
        self.errors.iter().map(FieldError::to_string).collect()
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
}

impl Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

fn shortened(mut text: String, longest: usize) -> String {
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest));
        text.push('…');
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_quotes_no_megabytes() {
        let problem = Problem::new(Code::InvalidBody).field("language", "ž".repeat(1_000_000));
        assert!(problem.errors[0].message.len() < LONGEST_MESSAGE + 4);
        assert!(problem.errors[0].message.ends_with("ž…"), "{:?}", problem.details());
        let problem = Problem::new(Code::InvalidBody).field(&"ž".repeat(1_000_000), "is no field here");
        assert!(problem.errors[0].field.len() < LONGEST_FIELD + 4);
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
}
