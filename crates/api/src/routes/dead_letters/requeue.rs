//! `POST /dead-letters/{execution_id}/requeue`

use axum::extract::State;
use axum::http::HeaderName;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use runbay_model::ExecutionId;

use crate::auth::Principal;
use crate::extract::Json;
use crate::extract::Path;
use crate::face::Face;
use crate::problem::Problem;
use crate::routes::executions::accepted::AcceptedExecution;
use crate::state::Api;

/// Runs once more what a dead letter was to run.
///
/// This is a new execution with an id of its own. The old one stays in the history as it is, and is no dead letter
/// any more.
#[utoipa::path(
    post,
    path = "/dead-letters/{execution_id}/requeue",
    tag = "operations",
    params(("execution_id" = uuid::Uuid, Path, description = "The id of the execution that failed")),
    responses(
        (status = 202, description = "A new execution is accepted.", body = AcceptedExecution,
            headers(("Location" = String, description = "The path of the new execution"))),
        (status = 400, response = Problem),
        (status = 403, response = Problem),
        (status = 404, response = Problem),
        (status = 409, response = Problem),
        (status = 503, response = Problem),
    ),
)]
pub(crate) async fn requeue_dead_letter(
    State(api): State<Api>,
    principal: Principal,
    face: &'static Face,
    Path(id): Path<ExecutionId>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<AcceptedExecution>), Problem> {
    let head = api.engine().requeue_dead_letter(&principal.tenant, id).await?;
    let location = format!("{}/executions/{}", face.prefix, head.id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(AcceptedExecution::new(&head))))
}
