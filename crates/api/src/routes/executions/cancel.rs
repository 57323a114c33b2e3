//! `DELETE /executions/{execution_id}`

use axum::extract::State;
use axum::http::StatusCode;
use runbay_model::ExecutionId;

use super::accepted::AcceptedExecution;
use crate::auth::Principal;
use crate::extract::Json;
use crate::extract::Path;
use crate::problem::Problem;
use crate::state::Api;

/// Cancels a queued or running execution.
///
/// A program that runs is stopped, and what it has written is kept with its times and memory. The answer waits a moment
/// for that; until its end is written the execution is RUNNING. Its session can be run again at once.
#[utoipa::path(
    delete,
    path = "/executions/{execution_id}",
    tag = "executions",
    params(("execution_id" = uuid::Uuid, Path, description = "The execution's id")),
    responses(
        (status = 202, description = "It is cancelled, and what its program wrote is kept.", body = AcceptedExecution),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
        (status = 409, response = Problem),
    ),
)]
pub(crate) async fn cancel_execution(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<ExecutionId>,
) -> Result<(StatusCode, Json<AcceptedExecution>), Problem> {
    let cancelled = api.engine().cancel(&principal.tenant, id).await?;
    Ok((StatusCode::ACCEPTED, Json(AcceptedExecution::new(&cancelled))))
}
