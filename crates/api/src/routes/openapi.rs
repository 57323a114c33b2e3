//! `GET /openapi.json`

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;

use crate::state::Api;

/// Returns this description of the interface.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "operations",
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = serde_json::Value)),
)]
pub(super) async fn openapi(State(api): State<Api>) -> ([(HeaderName, &'static str); 1], Bytes) {
    ([(CONTENT_TYPE, "application/json")], api.document())
}
