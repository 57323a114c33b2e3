//! `POST /code-sessions/{session_id}/run`

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use axum::response::Response;
use runbay_engine::Acceptance;
use runbay_engine::RunRequest;
use runbay_model::SessionId;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Principal;
use crate::extract::Json;
use crate::extract::Path;
use crate::extract::Query;
use crate::fields::check_args;
use crate::fields::check_source_code;
use crate::fields::check_stdin;
use crate::idempotency::OptionalKey;
use crate::idempotency::REPLAYED;
use crate::prefix::Prefix;
use crate::problem::Problem;
use crate::routes::executions::body::AcceptedExecution;
use crate::routes::executions::body::ExecutionBody;
use crate::routes::executions::query::ExecutionQuery;
use crate::state::Api;

/// What to run, and with which input.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"source_code": "print(input())\n", "stdin": "hello\n", "args": ["--fast"]}))]
pub(crate) struct RunSession {
    /// Code to save before the run, at most 64 KiB in UTF-8. Also accepted as `code`.
    #[serde(alias = "code")]
    source_code: Option<String>,
    /// The id or an alias of a language to save before the run.
    language: Option<String>,
    /// What the program reads before it sees the end of its standard input, at most 1 MiB in UTF-8.
    stdin: Option<String>,
    /// Command line arguments, at most 64 with 16 KiB together.
    #[schema(max_items = 64)]
    args: Option<Vec<String>>,
}

/// Runs the newest code of a session.
///
/// The body may be missing. Answers at once with 202, or, where `wait_ms` is given and the execution ends in that
/// time, with 200 and the finished execution. A session has at most one execution that has not ended.
///
/// A run is refused with 404, 409 for a closed session, 409 for an active execution, 429 `cooldown` and
/// 429 `rate_limited`, in this order; runs that were refused do not count. `Retry-After` is exact.
#[utoipa::path(
    post,
    path = "/code-sessions/{session_id}/run",
    tag = "executions",
    params(
        ("session_id" = uuid::Uuid, Path, description = "The session's id"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
            description = "Any name for this request that is new in its session. Sending the same request again \
                within 24 hours then has no effect and is answered with the same execution and the header \
                `Idempotent-Replayed: true`; another body under the same key is refused with 422."),
        ExecutionQuery,
    ),
    request_body = RunSession,
    responses(
        (status = 200, description = "It has ended within `wait_ms`.", body = ExecutionBody,
            headers(("Location" = String, description = "The path of the execution"),
                ("Idempotent-Replayed" = Option<String>, description = "`true` if the key was accepted before"))),
        (status = 202, description = "It is accepted.", body = AcceptedExecution,
            headers(("Location" = String, description = "The path of the execution"),
                ("Idempotent-Replayed" = Option<String>, description = "`true` if the key was accepted before"))),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
        (status = 409, response = Problem),
        (status = 413, response = Problem),
        (status = 415, response = Problem),
        (status = 422, response = Problem),
        (status = 429, response = Problem),
        (status = 503, response = Problem),
    ),
)]
pub(crate) async fn run_session(
    State(api): State<Api>,
    principal: Principal,
    prefix: Prefix,
    Path(id): Path<SessionId>,
    Query(query): Query<ExecutionQuery>,
    OptionalKey(idempotency_key): OptionalKey,
    Json(run): Json<RunSession>,
) -> Result<Response, Problem> {
    let request = RunRequest { idempotency_key, ..accept(run)? };
    let accepted = api.engine().submit(&principal.tenant, id, request).await?;
    let replayed = matches!(accepted, Acceptance::Repeated(_)).then_some([REPLAYED]);
    let mut execution = accepted.into_execution();
    let location = [(LOCATION, format!("{}/executions/{}", prefix.as_str(), execution.id))];
    let wait = query.wait();
    if wait > Duration::ZERO {
        match api.wait_for_end(&principal.tenant, execution.id, wait).await {
            Ok(newest) => execution = newest,
            // It is accepted: after a 503 the client would run it once more.
            Err(error) => tracing::warn!(execution.id = %execution.id, error = ?error, "nobody can wait for a run"),
        }
    }
    if wait > Duration::ZERO && execution.state.is_ended() {
        return Ok((location, replayed, Json(ExecutionBody::new(execution, &query, prefix))).into_response());
    }
    Ok((StatusCode::ACCEPTED, location, replayed, Json(AcceptedExecution::from(&execution))).into_response())
}

fn accept(run: RunSession) -> Result<RunRequest, Problem> {
    let stdin = run.stdin.unwrap_or_default();
    let args = run.args.unwrap_or_default();
    check_source_code(run.source_code.as_deref())?;
    check_stdin(&stdin)?;
    check_args(&args)?;
    Ok(RunRequest {
        language: run.language,
        source_code: run.source_code,
        stdin: stdin.into_bytes(),
        args,
        idempotency_key: None,
    })
}
