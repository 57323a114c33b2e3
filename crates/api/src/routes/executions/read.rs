//! `GET /executions/{execution_id}`

use axum::extract::State;
use runbay_model::ExecutionId;

use super::body::ExecutionBody;
use super::query::ExecutionQuery;
use crate::auth::Principal;
use crate::extract::Json;
use crate::extract::Path;
use crate::extract::Query;
use crate::face::Face;
use crate::problem::Problem;
use crate::state::Api;

/// Reads an execution, at once or, with `wait_ms`, as soon as it has ended.
#[utoipa::path(
    get,
    path = "/executions/{execution_id}",
    tag = "executions",
    params(("execution_id" = uuid::Uuid, Path, description = "The execution's id"), ExecutionQuery),
    responses(
        (status = 200, description = "The execution.", body = ExecutionBody),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
    ),
)]
pub(crate) async fn read_execution(
    State(api): State<Api>,
    principal: Principal,
    face: &'static Face,
    Path(id): Path<ExecutionId>,
    Query(query): Query<ExecutionQuery>,
) -> Result<Json<ExecutionBody>, Problem> {
    let (report, sources) = query.read(&api, &principal.tenant, id).await?;
    Ok(Json(ExecutionBody::new(report, sources, query.encoding, face)))
}
