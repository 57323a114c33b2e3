//! `POST /executions`

use axum::extract::State;
use axum::response::Response;
use runbay_engine::RunRequest;

use super::accepted::AcceptedExecution;
use super::accepted::answer;
use super::body::ExecutionBody;
use super::query::ExecutionQuery;
use crate::auth::Principal;
use crate::clients::Asking;
use crate::extract::Json;
use crate::extract::Query;
use crate::face::Face;
use crate::fields::CreateExecution;
use crate::idempotency::OptionalKey;
use crate::problem::Problem;
use crate::state::Api;

/// Runs a program once, without a session.
///
/// The program comes with the request, as `source_code` or as `files`. Answers at once with 202, or, where `wait_ms` is given and the execution ends in that
/// time, with 200 and the finished execution.
#[utoipa::path(
    post,
    path = "/executions",
    tag = "executions",
    params(
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
            description = "Any name for this request that is new on this route. Sending the same request again \
                within 24 hours then has no effect and is answered with the same execution and the header \
                `Idempotent-Replayed: true`; another body under the same key is refused with 422."),
        ExecutionQuery,
    ),
    request_body = CreateExecution,
    responses(
        (status = 200, description = "It has ended within `wait_ms`.", body = ExecutionBody,
            headers(("Location" = String, description = "The path of the execution"),
                ("Idempotent-Replayed" = String, description = "`true` if the key was accepted before"))),
        (status = 202, description = "It is accepted.", body = AcceptedExecution,
            headers(("Location" = String, description = "The path of the execution"),
                ("Idempotent-Replayed" = String, description = "`true` if the key was accepted before"))),
        (status = 400, response = Problem),
        (status = 413, response = Problem),
        (status = 415, response = Problem),
        (status = 422, response = Problem),
        (status = 503, response = Problem),
    ),
)]
pub(crate) async fn create_execution(
    State(api): State<Api>,
    principal: Principal,
    Asking(client): Asking,
    face: &'static Face,
    Query(query): Query<ExecutionQuery>,
    OptionalKey(idempotency_key): OptionalKey,
    Json(program): Json<CreateExecution>,
) -> Result<Response, Problem> {
    let request = RunRequest { idempotency_key, client, ..program.read(api.engine().limit_ranges()).await? };
    let accepted = api.engine().submit_one_shot(&principal.tenant, request).await?;
    Ok(answer(&api, &principal, face, &query, accepted).await)
}
