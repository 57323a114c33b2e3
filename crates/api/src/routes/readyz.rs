//! `GET /readyz`

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Json;
use crate::problem::Code;
use crate::problem::Problem;
use crate::state::Api;

/// The process can run what it accepts.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"status": "OK", "isolation": "full"}))]
pub(super) struct Ready {
    /// Always `OK`.
    status: &'static str,
    /// The isolation level that runs get.
    isolation: String,
}

/// Answers 200 when the database answers and workers are alive.
///
/// Otherwise the problem names in `details` what is not ready.
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
    let mut complaints = Vec::new();
    if let Err(error) = api.engine().ready().await {
        tracing::warn!(error = ?error, "the database does not answer");
        complaints.push(("database", "does not answer".to_owned()));
    }
    if let Err(not_ready) = api.readiness().workers() {
        complaints.push(("workers", not_ready.0));
    }
    if complaints.is_empty() {
        return Ok(Json(Ready { status: "OK", isolation: api.readiness().isolation() }));
    }
    let problem = Problem::new(Code::NotReady).cause("a readiness check failed");
    Err(complaints.into_iter().fold(problem, |problem, (part, complaint)| problem.field(part, complaint)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use runbay_engine::Engine;
    use runbay_engine::EngineParts;
    use runbay_engine::EngineSettings;
    use runbay_events::MemoryEventBus;
    use runbay_model::Catalog;
    use runbay_queue::MemoryQueue;
    use runbay_store::Store;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::ApiParts;
    use crate::Exposure;
    use crate::NotReady;
    use crate::Readiness;

    struct Workers(Result<(), NotReady>);

    impl Readiness for Workers {
        fn isolation(&self) -> String {
            "full".to_owned()
        }

        fn workers(&self) -> Result<(), NotReady> {
            self.0.clone()
        }
    }

    async fn api(store: Store, workers: Result<(), NotReady>) -> Api {
        let engine = Engine::new(EngineParts {
            store,
            queue: Arc::new(MemoryQueue::default()),
            events: Arc::new(MemoryEventBus::default()),
            catalog: Catalog::default(),
            checker: None,
            settings: EngineSettings::default(),
        });
        Api::new(ApiParts {
            engine,
            readiness: Arc::new(Workers(workers)),
            metrics: crate::build_recorder().unwrap().handle(),
            exposure: Exposure::Loopback,
            max_connections: 1,
            shutdown: CancellationToken::new(),
        })
    }

    #[tokio::test]
    async fn a_ready_service_names_its_isolation() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(directory.path()).await.unwrap();
        let ready = readyz(State(api(store, Ok(())).await)).await.unwrap();
        assert_eq!(ready.0.isolation, "full");
    }

    #[tokio::test]
    async fn what_is_not_ready_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(directory.path()).await.unwrap();
        store.close().await;
        let workers = Err(NotReady("the forker does not answer".to_owned()));
        let problem = readyz(State(api(store, workers).await)).await.err().unwrap();
        assert_eq!(problem.code(), Code::NotReady);
        assert_eq!(problem.details(), ["database: does not answer", "workers: the forker does not answer"]);
    }
}
