//! Every kind of problem: its word, its status and its title.

use std::fmt;

use axum::http::StatusCode;
use utoipa::openapi::Object;
use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::Type;

macro_rules! codes {
    ($($variant:ident = $word:literal, $status:ident, $title:literal;)*) => {
        /// A stable word for what is wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code {
            $($variant,)*
        }

        impl Code {
            /// Every code.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the word.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// Returns the status of answers with this code.
            pub(crate) const fn status(self) -> StatusCode {
                match self {
                    $(Self::$variant => StatusCode::$status,)*
                }
            }

            /// Returns what is wrong in general, in a few words.
            pub(crate) const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)*
                }
            }
        }
    };
}

codes! {
    MalformedRequest = "malformed_request", BAD_REQUEST, "The request is not HTTP/1.1";
    InvalidJson = "invalid_json", BAD_REQUEST, "The body of the request is not JSON";
    InvalidBody = "invalid_body", BAD_REQUEST, "The body of the request does not fit this route";
    InvalidId = "invalid_id", BAD_REQUEST, "The id in the path is not a UUID";
    InvalidHeader = "invalid_header", BAD_REQUEST, "A header of the request does not fit this route";
    InvalidQuery = "invalid_query", BAD_REQUEST, "The query of the request does not fit this route";
    UnknownLanguage = "unknown_language", BAD_REQUEST, "The language is not offered here";
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "The request needs a valid key";
    Forbidden = "forbidden", FORBIDDEN, "The key does not permit this";
    ForeignHost = "foreign_host", FORBIDDEN, "The request names a foreign host";
    ForeignOrigin = "foreign_origin", FORBIDDEN, "The request comes from a foreign page";
    ListRefused = "list_refused", FORBIDDEN, "Lists are for this machine only";
    OperationsRefused = "operations_refused", FORBIDDEN, "Operations are for this machine only";
    RouteNotFound = "route_not_found", NOT_FOUND, "There is nothing at this path";
    SessionNotFound = "session_not_found", NOT_FOUND, "Session not found";
    DeadLetterNotFound = "dead_letter_not_found", NOT_FOUND, "Dead letter not found";
    ExecutionNotFound = "execution_not_found", NOT_FOUND, "Execution not found";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "This path does not have the method";
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "The body of the request took too long to arrive";
    ActiveExecution = "active_execution", CONFLICT, "The session already has an execution that has not ended";
    SessionInactive = "session_inactive", CONFLICT, "The session is closed";
    VersionConflict = "version_conflict", CONFLICT, "The session was saved by somebody else";
    ExecutionEnded = "execution_ended", CONFLICT, "The execution has already ended";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body of the request is too large";
    SourceTooLarge = "source_too_large", PAYLOAD_TOO_LARGE, "The source code is too large";
    StdinTooLarge = "stdin_too_large", PAYLOAD_TOO_LARGE, "The standard input is too large";
    ArgumentsTooLarge = "arguments_too_large", PAYLOAD_TOO_LARGE, "The arguments are too many or too large";
    FilesTooLarge = "files_too_large", PAYLOAD_TOO_LARGE, "The files are too large together";
    EnvironmentTooLarge = "environment_too_large", PAYLOAD_TOO_LARGE, "The environment variables are too many or too large";
    TestsTooLarge = "tests_too_large", PAYLOAD_TOO_LARGE, "The test cases are too many or too large";
    BatchTooLarge = "batch_too_large", PAYLOAD_TOO_LARGE, "The executions are too many for one batch";
    AnswerTooLarge = "answer_too_large", PAYLOAD_TOO_LARGE, "The answer would be too large";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body must be application/json";
    HeadTooLarge = "head_too_large", REQUEST_HEADER_FIELDS_TOO_LARGE, "The path and headers of the request are too many or too large";
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The idempotency key stands for another request";
    Cooldown = "cooldown", TOO_MANY_REQUESTS, "The session was run a moment ago";
    ClientShare = "client_share", TOO_MANY_REQUESTS, "The client has its share of the service";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "The session is run too often";
    InternalError = "internal_error", INTERNAL_SERVER_ERROR, "Internal server error";
    StorageFull = "storage_full", INSUFFICIENT_STORAGE, "The server stores as much as it may";
    QueueUnavailable = "queue_unavailable", SERVICE_UNAVAILABLE, "The queue does not answer";
    QueueFull = "queue_full", SERVICE_UNAVAILABLE, "The queue is full";
    CheckerBusy = "checker_busy", SERVICE_UNAVAILABLE, "Too many checks are under way";
    CheckerFailed = "checker_failed", SERVICE_UNAVAILABLE, "The check gave no result";
    NoLanguage = "no_language", SERVICE_UNAVAILABLE, "No language is offered here";
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "The service has too much to do";
    NotReady = "not_ready", SERVICE_UNAVAILABLE, "The service is not ready";
    Timeout = "timeout", SERVICE_UNAVAILABLE, "The service took too long to answer";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The service cannot reach its database or queue";
}

impl Code {
    /// Returns the codes that the OpenAPI document lists.
    ///
    /// The HTTP library answers by itself, without a body, where `malformed_request` and `head_too_large` would be the
    /// codes; they are listed because clients may know them.
    pub(crate) fn documented() -> impl Iterator<Item = Self> {
        // While everybody is let in, no client meets these two.
        Self::ALL.iter().copied().filter(|code| !matches!(code, Self::Unauthenticated | Self::Forbidden))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The schema of the member `code`: any word, since later versions may know others.
pub(super) fn schema() -> Object {
    let known: Vec<_> = Code::documented().map(|code| format!("`{code}`")).collect();
    let description = format!(
        "A stable word for programs. At present one of {}; a later version may have others, which the status \
         classifies.",
        known.join(", ")
    );
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .examples(Code::documented().map(Code::as_str))
        .build()
}
