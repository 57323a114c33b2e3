//! `POST /code-sessions/{session_id}/run`

use axum::extract::State;
use axum::response::Response;
use runbay_engine::RunRequest;
use runbay_model::SessionId;

use crate::auth::Principal;
use crate::clients::Asking;
use crate::extract::Json;
use crate::extract::Path;
use crate::extract::Query;
use crate::face::Face;
use crate::fields::RunSession;
use crate::idempotency::OptionalKey;
use crate::problem::Problem;
use crate::routes::executions::accepted::AcceptedExecution;
use crate::routes::executions::accepted::answer;
use crate::routes::executions::body::ExecutionBody;
use crate::routes::executions::query::ExecutionQuery;
use crate::state::Api;

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
                ("Idempotent-Replayed" = String, description = "`true` if the key was accepted before"))),
        (status = 202, description = "It is accepted.", body = AcceptedExecution,
            headers(("Location" = String, description = "The path of the execution"),
                ("Idempotent-Replayed" = String, description = "`true` if the key was accepted before"))),
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
    (principal, asking): (Principal, Asking),
    face: &'static Face,
    Path(id): Path<SessionId>,
    Query(query): Query<ExecutionQuery>,
    OptionalKey(idempotency_key): OptionalKey,
    Json(RunSession(program)): Json<RunSession>,
) -> Result<Response, Problem> {
    let Asking(client) = asking;
    let request = RunRequest { idempotency_key, client, ..program.read(api.engine().limit_ranges()).await? };
    let accepted = api.engine().submit(&principal.tenant, id, request).await?;
    Ok(answer(&api, &principal, face, &query, accepted).await)
}
