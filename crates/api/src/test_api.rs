//! The parts of an [`Api`](crate::Api) for tests.

use std::sync::Arc;
use std::time::Duration;

use runbay_engine::Engine;
use runbay_engine::EngineParts;
use runbay_engine::EngineSettings;
use runbay_engine::Offer;
use runbay_events::MemoryEventBus;
use runbay_model::Catalog;
use runbay_queue::MemoryQueue;
use runbay_store::Store;
use tokio_util::sync::CancellationToken;

use crate::auth::Everybody;
use crate::exposure::Exposure;
use crate::metrics::build_recorder;
use crate::state::ApiParts;
use crate::state::Scope;

/// Returns the parts of an API over a store, without languages and without a worker.
pub(crate) fn api_parts(store: Store) -> ApiParts {
    let engine = Engine::new(EngineParts {
        store,
        queue: Arc::new(MemoryQueue::default()),
        events: Arc::new(MemoryEventBus::default()),
        offer: Offer::fixed(Catalog::default()),
        checker: None,
        programs: None,
        settings: EngineSettings::default(),
    });
    ApiParts {
        engine,
        readiness: None,
        scope: Scope::Everything,
        metrics: build_recorder().unwrap().handle(),
        authenticator: Arc::new(Everybody),
        exposure: Arc::new(Exposure::of(([127, 0, 0, 1], 8080).into())),
        clients: Arc::default(),
        max_connections: 64,
        request_time: Duration::from_secs(5),
        shutdown: CancellationToken::new(),
    }
}
