//! `GET /`

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::Html;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Json;
use crate::face::Face;

/// What a browser shows.
const PAGE: &str = include_str!("root.html");

/// Nothing but the page's own style may be loaded or run.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// What answers here, and where to go on.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "name": "Runbay",
    "version": "0.1.0",
    "openapi": "/openapi.json",
    "languages": "/languages",
    "readiness": "/readyz",
}))]
pub(super) struct Start {
    /// Always `Runbay`.
    name: &'static str,
    /// The version of the server.
    version: &'static str,
    /// The path of the description of the interface.
    openapi: String,
    /// The path of the list of languages.
    languages: String,
    /// The path of the answer whether runs are accepted.
    readiness: String,
}

/// Says what answers here and where to go on: as a page for browsers, as JSON for everybody else.
#[utoipa::path(
    get,
    path = "/",
    tag = "operations",
    responses((status = 200, content(
        (Start = "application/json"),
        (String = "text/html"),
    ), description = "Where to go on.")),
)]
pub(super) async fn root(face: &'static Face, headers: HeaderMap) -> Response {
    let version = env!("CARGO_PKG_VERSION");
    let wants_page = headers.get_all(ACCEPT).iter().any(|accept| accept.to_str().is_ok_and(names_html));
    if wants_page {
        let page = PAGE.replace("PREFIX", face.prefix).replace("VERSION", version);
        return ([(CONTENT_SECURITY_POLICY, POLICY)], Html(page)).into_response();
    }
    let at = |path: &str| format!("{}{path}", face.prefix);
    let (openapi, languages, readiness) = (at("/openapi.json"), at("/languages"), at("/readyz"));
    Json(Start { name: "Runbay", version, openapi, languages, readiness }).into_response()
}

/// Returns whether an `Accept` header names pages, as those of browsers do and those of programs do not.
fn names_html(accept: &str) -> bool {
    accept.split(',').any(|range| range.split(';').next().is_some_and(|kind| kind.trim() == "text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_ask_for_pages_and_programs_do_not() {
        assert!(names_html("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(names_html("text/html;q=0.5"));
        for accept in ["*/*", "application/json", "", "text/htmlish"] {
            assert!(!names_html(accept), "{accept}");
        }
    }
}
