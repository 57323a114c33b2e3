//! `PATCH /code-sessions/{session_id}`

use std::num::NonZeroU64;

use axum::extract::State;
use runbay_engine::SessionChange;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use runbay_model::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Principal;
use crate::clients::Asking;
use crate::extract::Json;
use crate::extract::Path;
use crate::fields::CodeFields;
use crate::fields::FileBody;
use crate::fields::Files;
use crate::problem::Problem;
use crate::schema;
use crate::state::Api;

/// What a save changes; what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"source_code": "print('hello again')\n", "version": 1}))]
pub(crate) struct SaveSession {
    /// The id or an alias of the new language; the code stays.
    #[schema(pattern = "^[a-z][a-z0-9+_#.-]{0,31}$")]
    language: Option<String>,
    /// The new code of the first file, at most 64 KiB in UTF-8; the other files stay.
    #[schema(max_length = 65_536)]
    source_code: Option<String>,
    /// In place of `source_code`, all new files, up to 64 with at most 1 MiB together beside the first; files that are not among them go.
    #[schema(value_type = Option<Vec<FileBody>>, min_items = 1, max_items = 64)]
    files: Option<Files>,
    /// The version that the session must have, so that nobody else's save is overwritten.
    #[schema(value_type = Option<u64>, minimum = 1)]
    version: Option<NonZeroU64>,
}

/// What became of a save.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "session_id": "0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b",
    "status": "ACTIVE",
    "version": 2,
    "updated_at": "2026-11-21T04:00:01.000Z",
}))]
pub(crate) struct SavedSession {
    /// The session's id.
    #[schema(value_type = uuid::Uuid)]
    session_id: SessionId,
    /// Whether the session can be saved and run.
    #[schema(value_type = schema::SessionStatus)]
    status: SessionStatus,
    /// The version that holds what was sent; it did not grow if nothing changed.
    #[schema(minimum = 1)]
    version: u64,
    /// When code, language or status last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// Saves code or files, language or both.
///
/// What is acknowledged is durable, and every later run sees it.
#[utoipa::path(
    patch,
    path = "/code-sessions/{session_id}",
    tag = "sessions",
    params(("session_id" = uuid::Uuid, Path, description = "The session's id")),
    request_body = SaveSession,
    responses(
        (status = 200, description = "It is saved.", body = SavedSession),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
        (status = 409, response = Problem),
        (status = 413, response = Problem),
        (status = 415, response = Problem),
    ),
)]
pub(crate) async fn save_session(
    State(api): State<Api>,
    principal: Principal,
    Asking(client): Asking,
    Path(id): Path<SessionId>,
    Json(change): Json<SaveSession>,
) -> Result<Json<SavedSession>, Problem> {
    let code = CodeFields { source_code: change.source_code, files: change.files };
    let version = change.version.map(NonZeroU64::get);
    let change = SessionChange { language: change.language, code: code.change()?, version, client };
    let session = api.engine().save_session(&principal.tenant, id, change).await?;
    Ok(Json(SavedSession {
        session_id: session.id,
        status: session.status,
        version: session.version,
        updated_at: session.updated_at,
    }))
}
