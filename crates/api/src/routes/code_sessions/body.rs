//! A session as answers show it.

use runbay_model::ExecutionId;
use runbay_model::Session;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use runbay_model::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::fields::FileBody;
use crate::schema;

/// A session with its code.
#[derive(Serialize, ToSchema)]
#[schema(as = Session, example = json!({
    "session_id": "0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b",
    "status": "ACTIVE",
    "language": "python",
    "source_code": "print('hello')\n",
    "version": 1,
    "active_execution_id": null,
    "created_at": "2026-11-21T04:00:00.000Z",
    "updated_at": "2026-11-21T04:00:00.000Z",
}))]
pub(crate) struct SessionBody {
    /// The session's id.
    #[schema(value_type = uuid::Uuid)]
    session_id: SessionId,
    /// Whether it can be saved and run.
    #[schema(value_type = schema::SessionStatus)]
    status: SessionStatus,
    /// The id of the language that its code is run as.
    language: String,
    /// The newest saved code: that of the first file.
    source_code: String,
    /// All files, the first of which is run; absent where the code was never sent as files.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    files: Option<Vec<FileBody>>,
    /// Starts at 1 and grows by one with each save that changed something.
    #[schema(minimum = 1)]
    version: u64,
    /// Its execution that has not ended, if there is one.
    #[schema(value_type = Option<uuid::Uuid>, required = true)]
    active_execution_id: Option<ExecutionId>,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When code, language or status last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl SessionBody {
    /// Shows a session and the execution of it that has not ended.
    pub(super) fn new(session: Session, active: Option<ExecutionId>) -> Self {
        Self {
            session_id: session.id,
            status: session.status,
            language: session.language.to_string(),
            source_code: session.sources.source_code().to_owned(),
            files: FileBody::of(&session.sources),
            version: session.version,
            active_execution_id: active,
            created_at: session.created_at,
            updated_at: session.updated_at,
        }
    }
}
