//! The state of the router, which every route is given.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use metrics_exporter_prometheus::PrometheusHandle;
use runbay_engine::Engine;
use runbay_model::ExecutionId;
use runbay_model::ExecutionReport;
use runbay_model::TenantId;
use tokio_util::sync::CancellationToken;

use crate::admission;
use crate::auth::Authenticator;
use crate::clients::Clients;
use crate::exposure::Exposure;
use crate::problem::Problem;

/// The parts that the routes need from the process in which they run.
pub struct ApiParts {
    /// The use cases.
    pub engine: Engine,
    /// Tells `/readyz` about the worker in this process; none where other processes run the executions.
    pub readiness: Option<Arc<dyn Readiness>>,
    /// Which routes the process serves.
    pub scope: Scope,
    /// Renders the metrics of the installed recorder.
    pub metrics: PrometheusHandle,
    /// Tells who a request comes from.
    pub authenticator: Arc<dyn Authenticator>,
    /// Who can reach the server.
    pub exposure: Arc<Exposure>,
    /// How clients are told from each other.
    pub clients: Arc<Clients>,
    /// The most connections at one time, long polls among them. For a newcomer, one that is idle is closed.
    pub max_connections: usize,
    /// The time that a request may take once its body has arrived.
    ///
    /// A long poll has its wait on top; checks and batches have more.
    pub request_time: Duration,
    /// Is cancelled when the process begins to stop; long polls then answer at once.
    pub shutdown: CancellationToken,
}

/// The state of the router; cheap to clone.
#[derive(Clone)]
pub struct Api {
    parts: Arc<ApiParts>,
    /// The OpenAPI document in JSON.
    document: Bytes,
}

/// Which routes a process serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole API.
    Everything,
    /// Only those for the operator of the process: `/healthz`, `/readyz`, `/metrics`, `/openapi.json`.
    Operations,
}

/// Tells whether the worker in this process can run executions.
pub trait Readiness: Send + Sync + 'static {
    /// Returns the isolation level of runs, such as `full`.
    fn isolation(&self) -> String;

    /// Checks that the worker takes executions.
    ///
    /// # Errors
    ///
    /// [`NotReady`] with one sentence for the operator.
    fn worker(&self) -> Result<(), NotReady>;
}

/// Says in one sentence why a part of the service is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotReady(pub String);

impl Api {
    /// Makes the state of these parts.
    #[must_use]
    pub fn new(parts: ApiParts) -> Self {
        Self { parts: Arc::new(parts), document: Bytes::new() }
    }

    /// Adds the OpenAPI document in JSON, which the router makes from the routes.
    pub(crate) fn with_document(self, document: String) -> Self {
        Self { document: document.into(), ..self }
    }

    pub(crate) fn document(&self) -> Bytes {
        self.document.clone()
    }

    pub(crate) fn authenticator(&self) -> &Arc<dyn Authenticator> {
        &self.parts.authenticator
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.parts.engine
    }

    pub(crate) fn readiness(&self) -> Option<&dyn Readiness> {
        self.parts.readiness.as_deref()
    }

    pub(crate) fn scope(&self) -> Scope {
        self.parts.scope
    }

    pub(crate) fn metrics(&self) -> &PrometheusHandle {
        &self.parts.metrics
    }

    pub(crate) fn max_connections(&self) -> usize {
        self.parts.max_connections
    }

    pub(crate) fn clients(&self) -> &Arc<Clients> {
        &self.parts.clients
    }

    pub(crate) fn request_time(&self) -> Duration {
        self.parts.request_time
    }

    /// Is cancelled when the process begins to stop.
    pub(crate) fn shutdown(&self) -> &CancellationToken {
        &self.parts.shutdown
    }

    pub(crate) fn exposure(&self) -> &Arc<Exposure> {
        &self.parts.exposure
    }

    /// Reads an execution once it has ended, or as it is when `wait` is over or the process stops.
    ///
    /// # Errors
    ///
    /// A problem when it does not exist, the database does not answer, or too many requests wait.
    pub(crate) async fn wait_for_end(
        &self,
        tenant: &TenantId,
        id: ExecutionId,
        wait: Duration,
    ) -> Result<ExecutionReport, Problem> {
        admission::wait(wait)?;
        let report = tokio::select! {
            report = self.engine().wait_for_end(tenant, id, wait) => report,
            () = self.parts.shutdown.cancelled() => self.engine().report(tenant, id).await,
        };
        report.map_err(Problem::of_execution)
    }
}
