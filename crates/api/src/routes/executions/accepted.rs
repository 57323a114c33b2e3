//! Answers to requests that start an execution.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use axum::response::Response;
use runbay_engine::Acceptance;
use runbay_model::Execution;
use runbay_model::ExecutionId;
use runbay_model::Status;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::ExecutionBody;
use super::query::ExecutionQuery;
use crate::auth::Principal;
use crate::extract::Json;
use crate::idempotency::REPLAYED;
use crate::prefix::Prefix;
use crate::routes::schema;
use crate::state::Api;

/// An execution in short.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"execution_id": "019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f", "status": "QUEUED"}))]
pub(crate) struct AcceptedExecution {
    /// The execution's id.
    #[schema(value_type = uuid::Uuid)]
    execution_id: ExecutionId,
    /// Where it is in its life cycle.
    #[schema(schema_with = schema::status)]
    status: Status,
}

impl From<&Execution> for AcceptedExecution {
    fn from(execution: &Execution) -> Self {
        Self { execution_id: execution.id, status: execution.state.status() }
    }
}

/// Answers at once, or with the end of the execution if that comes within the time that the client waits.
pub(crate) async fn answer(
    api: &Api,
    principal: &Principal,
    prefix: Prefix,
    query: &ExecutionQuery,
    accepted: Acceptance,
) -> Response {
    let replayed = matches!(accepted, Acceptance::Repeated(_)).then_some([REPLAYED]);
    let mut execution = accepted.into_execution();
    let location = [(LOCATION, format!("{}/executions/{}", prefix.as_str(), execution.id))];
    let wait = query.wait();
    if wait > Duration::ZERO {
        match api.wait_for_end(&principal.tenant, execution.id, wait).await {
            Ok(newest) => execution = newest,
            // It is accepted: after a 503 the client would run it once more.
            Err(error) => tracing::warn!(execution.id = %execution.id, error = ?error, "nobody can wait for a run"),
        }
    }
    if wait > Duration::ZERO && execution.state.is_ended() {
        return (location, replayed, Json(ExecutionBody::new(execution, query, prefix))).into_response();
    }
    (StatusCode::ACCEPTED, location, replayed, Json(AcceptedExecution::from(&execution))).into_response()
}
