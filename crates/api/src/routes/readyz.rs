//! `GET /readyz`

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Json;
use crate::problem::Code;
use crate::problem::Problem;
use crate::state::Api;
use crate::state::NotReady;
use crate::state::Readiness;

/// What is accepted is run.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"status": "OK", "isolation": "full", "queue_depth": 0, "workers": 1}))]
pub(super) struct Ready {
    /// Always `OK`.
    status: &'static str,
    /// The isolation level that programs get in this process; absent where other processes run them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    isolation: Option<String>,
    /// How many executions wait in the queue.
    queue_depth: usize,
    /// How many workers live and take executions.
    workers: usize,
}

/// Answers 200 when a run would be accepted and started: database and queue answer, the queue has room, and a worker
/// takes executions.
///
/// Otherwise the problem names in `details` what is not ready. While only the queue does not answer, executions are
/// accepted all the same, unless the operator has decided otherwise.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    responses(
        (status = 200, description = "Runs are accepted and will be run.", body = Ready),
        (status = 503, response = Problem),
    ),
)]
pub(super) async fn readyz(State(api): State<Api>) -> Result<Json<Ready>, Problem> {
    const SILENT: &str = "does not answer";
    let facts = api.engine().ready().await;
    let mut complaints = Vec::new();
    if facts.database.is_err() {
        complaints.push(("database", SILENT.to_owned()));
    }
    if facts.queue.is_err() {
        complaints.push(("queue", SILENT.to_owned()));
    }
    match (api.readiness().map(Readiness::worker), &facts.workers) {
        (Some(Err(NotReady(complaint))), _) => complaints.push(("workers", complaint)),
        (None, Ok(0)) => complaints.push(("workers", "none takes executions".to_owned())),
        // Workers are counted in the database, whose failure is a complaint already.
        _ if facts.database.is_ok() && !facts.has_languages => {
            complaints.push(("workers", "none has said what languages it runs".to_owned()));
        }
        _ => {}
    }
    if facts.is_full {
        complaints.push(("queue", "is full".to_owned()));
    }
    if !complaints.is_empty() {
        let problem = Problem::new(Code::NotReady).cause("a readiness check failed");
        return Err(complaints.into_iter().fold(problem, |problem, (part, complaint)| problem.field(part, complaint)));
    }
    let isolation = api.readiness().map(Readiness::isolation);
    let (queue_depth, workers) = (facts.queue.unwrap_or_default(), facts.workers.unwrap_or_default());
    Ok(Json(Ready { status: "OK", isolation, queue_depth, workers }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use runbay_store::Store;

    use super::*;
    use crate::test_api::api_parts;

    struct Worker(Result<(), NotReady>);

    impl Readiness for Worker {
        fn isolation(&self) -> String {
            "full".to_owned()
        }

        fn worker(&self) -> Result<(), NotReady> {
            self.0.clone()
        }
    }

    fn api(store: Store, worker: Option<Result<(), NotReady>>) -> Api {
        let mut parts = api_parts(store);
        parts.readiness = worker.map(|worker| Arc::new(Worker(worker)) as Arc<dyn Readiness>);
        Api::new(parts)
    }

    #[tokio::test]
    async fn a_service_that_would_refuse_every_run_is_not_ready() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(directory.path()).await.unwrap();
        let problem = readyz(State(api(store, Some(Ok(()))))).await.err().unwrap();
        assert_eq!(problem.details(), ["workers: none has said what languages it runs"]);
    }

    #[tokio::test]
    async fn what_is_not_ready_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(directory.path()).await.unwrap();
        store.close().await;
        let worker = Some(Err(NotReady("the forker does not answer".to_owned())));
        let problem = readyz(State(api(store, worker))).await.err().unwrap();
        assert_eq!(problem.code(), Code::NotReady);
        assert_eq!(problem.details(), ["database: does not answer", "workers: the forker does not answer"]);
    }

    #[tokio::test]
    async fn where_workers_are_other_processes_one_must_live() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(directory.path()).await.unwrap();
        let problem = readyz(State(api(store, None))).await.err().unwrap();
        assert_eq!(problem.details(), ["workers: none takes executions"]);
    }
}
