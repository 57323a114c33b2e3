//! `GET /code-sessions/{session_id}`

use axum::extract::State;
use runbay_model::SessionId;

use super::body::SessionBody;
use crate::auth::Principal;
use crate::extract::Json;
use crate::extract::Path;
use crate::problem::Problem;
use crate::state::Api;

/// Reads a session with its newest saved code.
#[utoipa::path(
    get,
    path = "/code-sessions/{session_id}",
    tag = "sessions",
    params(("session_id" = uuid::Uuid, Path, description = "The session's id")),
    responses(
        (status = 200, description = "The session.", body = SessionBody),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
    ),
)]
pub(crate) async fn read_session(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<SessionId>,
) -> Result<Json<SessionBody>, Problem> {
    let session = api.engine().session(&principal.tenant, id).await.map_err(Problem::of_session)?;
    let active = api.engine().active_executions(&principal.tenant, &[id]).await.map_err(Problem::of_session)?;
    Ok(Json(SessionBody::new(session, active.get(&id).copied())))
}
