//! `GET /workers`

use axum::extract::State;
use runbay_engine::WorkerRow;
use runbay_model::LanguageId;
use runbay_model::Timestamp;
use runbay_model::WorkerId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Json;
use crate::problem::Problem;
use crate::state::Api;

/// The workers, by name.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkerList)]
pub(super) struct Workers {
    /// Those that live, and those that were lost less than an hour ago; not those that have stopped.
    workers: Vec<WorkerBody>,
}

/// A process that runs executions.
#[derive(Serialize, ToSchema)]
#[schema(as = Worker, example = json!({
    "worker_id": "7b1c2f0e-58a7-4f7e-8f0d-0a3f6f1f2a11",
    "name": "node-3:4711",
    "version": "0.1.0",
    "alive": true,
    "draining": false,
    "slots": 8,
    "running": 3,
    "languages": ["python", "javascript"],
    "started_at": "2026-11-21T04:00:00.000Z",
    "last_seen_at": "2026-11-21T05:12:03.500Z",
}))]
struct WorkerBody {
    /// Names one life of a worker: after a restart it has another.
    #[schema(value_type = uuid::Uuid)]
    worker_id: WorkerId,
    /// The name of its host and the number of its process.
    name: String,
    /// The version of its program.
    version: String,
    /// Whether it gave a sign of life a short time ago.
    alive: bool,
    /// Whether it was told to stop and takes no more executions.
    draining: bool,
    /// How many executions it runs at one time.
    slots: u32,
    /// How many it runs now.
    running: u32,
    /// The ids of the languages that it runs.
    #[schema(value_type = Vec<String>)]
    languages: Vec<LanguageId>,
    /// When it was started.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// When it gave the last sign of life.
    #[schema(value_type = String, format = DateTime)]
    last_seen_at: Timestamp,
}

impl From<WorkerRow> for WorkerBody {
    fn from(worker: WorkerRow) -> Self {
        Self {
            worker_id: worker.id,
            name: worker.name,
            version: worker.version,
            alive: worker.is_alive,
            draining: worker.is_draining,
            slots: worker.slots,
            running: worker.running,
            languages: worker.languages,
            started_at: worker.started_at,
            last_seen_at: worker.last_seen_at,
        }
    }
}

/// Lists the processes that run executions.
#[utoipa::path(
    get,
    path = "/workers",
    tag = "operations",
    responses(
        (status = 200, description = "The workers.", body = Workers),
        (status = 403, response = Problem),
        (status = 503, response = Problem),
    ),
)]
pub(super) async fn list_workers(State(api): State<Api>) -> Result<Json<Workers>, Problem> {
    let workers = api.engine().workers().await?;
    Ok(Json(Workers { workers: workers.into_iter().map(WorkerBody::from).collect() }))
}
