//! `DELETE /code-sessions/{session_id}`

use std::time::Duration;

use axum::extract::State;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admission;
use crate::auth::Principal;
use crate::extract::Json;
use crate::extract::Path;
use crate::extract::Query;
use crate::fields::EraseQuery;
use crate::problem::Problem;
use crate::schema;
use crate::state::Api;

/// How long erasing may take. A session may have many executions, each with megabytes of output.
const TIME_TO_ERASE: Duration = Duration::from_secs(30);

/// A session that was closed.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"session_id": "0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b", "status": "INACTIVE"}))]
pub(crate) struct ClosedSession {
    /// The session's id.
    #[schema(value_type = uuid::Uuid)]
    session_id: SessionId,
    /// Always `INACTIVE`.
    #[schema(value_type = schema::SessionStatus)]
    status: SessionStatus,
    /// Present and true when nothing of it is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    erased: Option<bool>,
}

/// Closes a session and cancels its queued or running execution.
///
/// Closing a closed session changes nothing. A closed session can still be read. With `erase=true` it cannot, and
/// neither can its executions: all of them are gone with the answer, and every later request for them is a 404. After a
/// 503 send it again: erasing may have gone on, and a 404 tells that it is complete.
#[utoipa::path(
    delete,
    path = "/code-sessions/{session_id}",
    tag = "sessions",
    params(("session_id" = uuid::Uuid, Path, description = "The session's id"), EraseQuery),
    responses(
        (status = 200, description = "The session is closed, or erased.", body = ClosedSession),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
    ),
)]
pub(crate) async fn close_session(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<SessionId>,
    Query(query): Query<EraseQuery>,
) -> Result<Json<ClosedSession>, Problem> {
    let session = if query.erase {
        admission::may_take(TIME_TO_ERASE);
        api.engine().erase_session(&principal.tenant, id).await
    } else {
        api.engine().close_session(&principal.tenant, id).await
    };
    let session = session.map_err(Problem::of_session)?;
    Ok(Json(ClosedSession { session_id: session.id, status: session.status, erased: query.erase.then_some(true) }))
}
