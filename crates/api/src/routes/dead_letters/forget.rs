//! `DELETE /dead-letters/{execution_id}`

use axum::extract::State;
use axum::http::StatusCode;
use runbay_model::ExecutionId;

use crate::auth::Principal;
use crate::extract::Path;
use crate::problem::Problem;
use crate::state::Api;

/// Takes an execution off the list of dead letters; it stays in the history.
#[utoipa::path(
    delete,
    path = "/dead-letters/{execution_id}",
    tag = "operations",
    params(("execution_id" = uuid::Uuid, Path, description = "The id of the execution that failed")),
    responses(
        (status = 204, description = "It is no dead letter any more."),
        (status = 400, response = Problem),
        (status = 403, response = Problem),
        (status = 404, response = Problem),
        (status = 503, response = Problem),
    ),
)]
pub(crate) async fn forget_dead_letter(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<ExecutionId>,
) -> Result<StatusCode, Problem> {
    api.engine().forget_dead_letter(&principal.tenant, id).await.map_err(Problem::of_dead_letter)?;
    Ok(StatusCode::NO_CONTENT)
}
