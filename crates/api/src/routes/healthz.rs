//! `GET /healthz` and its alias `GET /health`

use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Json;

/// The process is alive.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"status": "OK"}))]
pub(super) struct Health {
    /// Always `OK`.
    status: &'static str,
}

/// Answers while the process is alive, whatever its database does.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operations",
    responses((status = 200, description = "The process is alive.", body = Health)),
)]
pub(super) async fn healthz() -> Json<Health> {
    Json(Health { status: "OK" })
}

/// The same as `/healthz`.
#[utoipa::path(
    get,
    path = "/health",
    tag = "operations",
    responses((status = 200, description = "The process is alive.", body = Health)),
)]
pub(super) async fn health() -> Json<Health> {
    healthz().await
}
