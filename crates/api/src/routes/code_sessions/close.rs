//! `DELETE /code-sessions/{session_id}`

use axum::extract::State;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Principal;
use crate::extract::Json;
use crate::extract::Path;
use crate::problem::Problem;
use crate::schema;
use crate::state::Api;

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
}

/// Closes a session and cancels its queued or running execution.
///
/// Closing a closed session changes nothing. A closed session can still be read.
#[utoipa::path(
    delete,
    path = "/code-sessions/{session_id}",
    tag = "sessions",
    params(("session_id" = uuid::Uuid, Path, description = "The session's id")),
    responses(
        (status = 200, description = "The session is closed.", body = ClosedSession),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
    ),
)]
pub(crate) async fn close_session(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<SessionId>,
) -> Result<Json<ClosedSession>, Problem> {
    let session = api.engine().close_session(&principal.tenant, id).await.map_err(Problem::of_session)?;
    Ok(Json(ClosedSession { session_id: session.id, status: session.status }))
}
