//! `DELETE /executions/{execution_id}`

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use runbay_model::ExecutionId;
use serde::Serialize;
use utoipa::ToSchema;

use super::accepted::AcceptedExecution;
use super::query::CancelQuery;
use crate::admission;
use crate::auth::Principal;
use crate::extract::Json;
use crate::extract::Path;
use crate::extract::Query;
use crate::fields::ChosenSignal;
use crate::fields::EraseQuery;
use crate::problem::Code;
use crate::problem::Problem;
use crate::state::Api;

/// An execution of which nothing is left.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"execution_id": "019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f", "erased": true}))]
pub(crate) struct ErasedExecution {
    /// The execution's id.
    #[schema(value_type = uuid::Uuid)]
    execution_id: ExecutionId,
    /// Always true.
    erased: bool,
}

/// How long a program that is sent a signal may keep the answer waiting, see [`runbay_engine::Engine::cancel_softly`].
const SOFT_WAIT: Duration = Duration::from_secs(8);

/// Cancels a queued or running execution.
///
/// A program that runs is stopped, and what it has written is kept with its times and memory. The answer waits a moment
/// for that; until its end is written the execution is RUNNING. Its session can be run again at once.
///
/// With `erase=true` an execution in any state is removed instead, and every later request for it is a 404.
#[utoipa::path(
    delete,
    path = "/executions/{execution_id}",
    tag = "executions",
    params(("execution_id" = uuid::Uuid, Path, description = "The execution's id"), EraseQuery, CancelQuery),
    responses(
        (status = 200, description = "It is erased.", body = ErasedExecution),
        (status = 202, description = "It is cancelled, and what its program wrote is kept.", body = AcceptedExecution),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
        (status = 409, response = Problem),
    ),
)]
pub(crate) async fn cancel_execution(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<ExecutionId>,
    Query(query): Query<EraseQuery>,
    Query(soft): Query<CancelQuery>,
) -> Result<Response, Problem> {
    if query.erase && soft.signal.is_some() {
        return Err(Problem::new(Code::InvalidQuery).field("signal", "must not be there beside erase"));
    }
    if query.erase {
        api.engine().erase_execution(&principal.tenant, id).await.map_err(Problem::of_execution)?;
        return Ok(Json(ErasedExecution { execution_id: id, erased: true }).into_response());
    }
    let cancelled = match soft.signal {
        Some(ChosenSignal(signal)) => {
            // The answer waits for the program.
            admission::wait(SOFT_WAIT)?;
            api.engine().cancel_softly(&principal.tenant, id, signal).await?
        }
        None => api.engine().cancel(&principal.tenant, id).await?,
    };
    Ok((StatusCode::ACCEPTED, Json(AcceptedExecution::new(&cancelled))).into_response())
}
