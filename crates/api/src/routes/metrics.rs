//! `GET /metrics`

use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;

use crate::exposure::Reach;
use crate::metrics::set_queue_depth;
use crate::problem::Problem;
use crate::state::Api;

/// The Prometheus text format, version 0.0.4.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Returns what the process has counted, for Prometheus, which asks each process itself and not over a proxy.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    responses(
        (status = 200, description = "Metrics in the Prometheus text format.", body = String,
            content_type = "text/plain"),
        (status = 403, response = Problem),
    ),
)]
pub(super) async fn metrics(
    State(api): State<Api>,
    from: Reach,
) -> Result<([(HeaderName, &'static str); 1], String), Problem> {
    // Nobody's id is in it, so other machines may ask; those whom a proxy lets in are the whole world.
    if from == Reach::Proxy {
        return Err(Reach::operations_refused());
    }
    // Setting the gauge when somebody looks costs less than setting it with every change of the queue.
    match api.engine().queue_depth().await {
        Ok(depth) => set_queue_depth(depth),
        Err(error) => tracing::debug!(error = ?error, "the depth of the queue is not known"),
    }
    Ok(([(CONTENT_TYPE, TEXT_FORMAT)], api.metrics().render()))
}
