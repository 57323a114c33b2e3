//! Answers to requests that start an execution.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use axum::response::Response;
use runbay_engine::Acceptance;
use runbay_engine::ExecutionHead;
use runbay_model::ExecutionId;
use runbay_model::Status;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::body::ExecutionBody;
use super::query::ExecutionQuery;
use crate::auth::Principal;
use crate::extract::Json;
use crate::face::Face;
use crate::idempotency::REPLAYED;
use crate::schema;
use crate::state::Api;

/// The time that is reserved for the answer. Waiting for the end of an execution stops this long before the request's
/// time is over.
const LEFT_FOR_THE_ANSWER: Duration = Duration::from_millis(500);

/// An execution in short.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"execution_id": "019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f", "status": "QUEUED", "session_version": 3}))]
pub(crate) struct AcceptedExecution {
    /// The execution's id.
    #[schema(value_type = uuid::Uuid)]
    execution_id: ExecutionId,
    /// Where it is in its life cycle.
    #[schema(value_type = schema::ExecutionStatus)]
    status: Status,
    /// The version of the session whose code is run; absent where there is no session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    session_version: Option<u64>,
}

impl AcceptedExecution {
    /// Makes the short form of an execution.
    pub(crate) const fn new(head: &ExecutionHead) -> Self {
        Self { execution_id: head.id, status: head.state.status(), session_version: head.session_version }
    }
}

/// Answers at once, or with the ended execution if it ends while the client waits.
pub(crate) async fn answer(
    api: &Api,
    principal: &Principal,
    face: &'static Face,
    query: &ExecutionQuery,
    accepted: Acceptance,
) -> Response {
    let replayed = matches!(accepted, Acceptance::Repeated(_)).then_some([REPLAYED]);
    let head = accepted.into_head();
    let id = head.id;
    let mut short = AcceptedExecution::new(&head);
    let location = [(LOCATION, format!("{}/executions/{id}", face.prefix))];
    let wait = query.wait();
    if wait > Duration::ZERO {
        // The execution is accepted, and after a 503 the client would run it a second time.
        let patience = (wait + api.request_time()).saturating_sub(LEFT_FOR_THE_ANSWER);
        match timeout(patience, query.read(api, &principal.tenant, id)).await {
            Ok(Ok((report, sources))) if report.summary.state.is_ended() => {
                let body = ExecutionBody::new(report, sources, query.encoding, face);
                return (location, replayed, Json(body)).into_response();
            }
            Ok(Ok((report, _))) => short.status = report.summary.state.status(),
            Ok(Err(error)) => tracing::info!(execution.id = %id, error = ?error, "nobody can wait for a run"),
            Err(_) => tracing::info!(execution.id = %id, "the end of a run was not read in time"),
        }
    }
    (StatusCode::ACCEPTED, location, replayed, Json(short)).into_response()
}
