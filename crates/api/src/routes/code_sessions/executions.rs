//! `GET /code-sessions/{session_id}/executions`

use axum::extract::State;
use runbay_model::SessionId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Principal;
use crate::extract::Json;
use crate::extract::Path;
use crate::extract::Query;
use crate::face::Face;
use crate::page::Cursor;
use crate::page::PageQuery;
use crate::problem::Problem;
use crate::routes::executions::body::ExecutionBody;
use crate::state::Api;

/// One page of executions, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = ExecutionPage)]
pub(crate) struct ExecutionPageBody {
    /// The executions, without `stdout`, `stderr`, `compile_output` and what came of tests.
    executions: Vec<ExecutionBody>,
    /// Leads to the next page; null on the last one.
    #[schema(value_type = Option<String>, required = true)]
    next_cursor: Option<Cursor>,
}

/// Lists the executions of a session, newest first.
///
/// To keep pages small, `stdout`, `stderr`, `compile_output` and what came of tests are left out;
/// `GET /executions/{execution_id}` has them. Following `next_cursor` shows every execution that there was at the beginning once, whatever is run
/// meanwhile.
#[utoipa::path(
    get,
    path = "/code-sessions/{session_id}/executions",
    tag = "executions",
    params(("session_id" = uuid::Uuid, Path, description = "The session's id"), PageQuery),
    responses(
        (status = 200, description = "A page of executions.", body = ExecutionPageBody),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
    ),
)]
pub(crate) async fn list_executions_of_session(
    State(api): State<Api>,
    principal: Principal,
    face: &'static Face,
    Path(id): Path<SessionId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<ExecutionPageBody>, Problem> {
    let page = api.engine().executions_of_session(&principal.tenant, id, query.request()).await;
    let page = page.map_err(Problem::of_session)?;
    Ok(Json(ExecutionPageBody {
        executions: page.entries.into_iter().map(|entry| ExecutionBody::without_output(entry, face)).collect(),
        next_cursor: page.last.map(Cursor),
    }))
}
