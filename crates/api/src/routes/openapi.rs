//! `GET /openapi.json`

use std::sync::LazyLock;

use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;

use crate::document::document;

static DOCUMENT: LazyLock<String> =
    LazyLock::new(|| document().to_json().expect("a document made of plain strings and numbers is JSON"));

/// Returns this description of the interface.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "operations",
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = serde_json::Value)),
)]
pub(super) async fn openapi() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(CONTENT_TYPE, "application/json")], &DOCUMENT)
}
