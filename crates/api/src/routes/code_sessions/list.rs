//! `GET /code-sessions`

use axum::extract::State;
use runbay_model::ExecutionId;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use runbay_model::SessionSummary;
use runbay_model::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Principal;
use crate::extract::Json;
use crate::extract::Query;
use crate::page::Cursor;
use crate::page::PageQuery;
use crate::problem::Problem;
use crate::schema;
use crate::state::Api;

/// One page of sessions, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionPage)]
pub(crate) struct SessionPageBody {
    /// The sessions, open and closed ones.
    sessions: Vec<SessionSummaryBody>,
    /// Leads to the next page; null on the last one.
    #[schema(value_type = Option<String>, required = true)]
    next_cursor: Option<Cursor>,
}

/// A session without its code.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionSummary, example = json!({
    "session_id": "0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b",
    "status": "ACTIVE",
    "language": "python",
    "version": 1,
    "active_execution_id": null,
    "created_at": "2026-11-21T04:00:00.000Z",
    "updated_at": "2026-11-21T04:00:00.000Z",
}))]
struct SessionSummaryBody {
    /// The session's id.
    #[schema(value_type = uuid::Uuid)]
    session_id: SessionId,
    /// Whether it can be saved and run.
    #[schema(value_type = schema::SessionStatus)]
    status: SessionStatus,
    /// The id of the language that its code is run as.
    language: String,
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

impl SessionSummaryBody {
    fn new(session: SessionSummary, active: Option<ExecutionId>) -> Self {
        Self {
            session_id: session.id,
            status: session.status,
            language: session.language.to_string(),
            version: session.version,
            active_execution_id: active,
            created_at: session.created_at,
            updated_at: session.updated_at,
        }
    }
}

/// Lists sessions, newest first, without their code.
///
/// Following `next_cursor` shows every session that there was at the beginning once, whatever is opened meanwhile.
#[utoipa::path(
    get,
    path = "/code-sessions",
    tag = "sessions",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of sessions.", body = SessionPageBody),
        (status = 400, response = Problem),
        (status = 403, response = Problem),
    ),
)]
pub(crate) async fn list_sessions(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<PageQuery>,
) -> Result<Json<SessionPageBody>, Problem> {
    principal.refuse_list_to_strangers()?;
    let (engine, tenant) = (api.engine(), &principal.tenant);
    let page = engine.sessions(tenant, query.request()).await.map_err(Problem::of_session)?;
    let ids: Vec<_> = page.entries.iter().map(|session| session.id).collect();
    let active = engine.active_executions(tenant, &ids).await.map_err(Problem::of_session)?;
    let sessions = page.entries.into_iter().map(|session| {
        let active = active.get(&session.id).copied();
        SessionSummaryBody::new(session, active)
    });
    Ok(Json(SessionPageBody { sessions: sessions.collect(), next_cursor: page.last.map(Cursor) }))
}
