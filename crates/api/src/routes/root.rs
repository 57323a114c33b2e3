//! `GET /`

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::header::HOST;
use axum::http::header::VARY;
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
        let page = PAGE.replace("SERVER", &server(&headers)).replace("PREFIX", face.prefix).replace("VERSION", version);
        return ([(CONTENT_SECURITY_POLICY, POLICY), (VARY, "accept")], Html(page)).into_response();
    }
    let at = |path: &str| format!("{}{path}", face.prefix);
    let (openapi, languages, readiness) = (at("/openapi.json"), at("/languages"), at("/readyz"));
    ([(VARY, "accept")], Json(Start { name: "Runbay", version, openapi, languages, readiness })).into_response()
}

/// Returns the beginning of URLs by which the browser has reached the server.
fn server(headers: &HeaderMap) -> String {
    let named = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // It goes into the page, so nothing but a name, an address and a port may be in it.
    let is_plain = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    let host = named(HOST.as_str()).filter(is_plain).unwrap_or("localhost:8080");
    let scheme = if named("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    format!("{scheme}://{host}")
}

/// Returns whether an `Accept` header names pages, as those of browsers do and those of programs do not.
fn names_html(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_html = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
        is_html && !parts.any(|part| matches!(part, "q=0" | "q=0.0"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_on_the_page_is_for_this_server() {
        let mut headers = HeaderMap::new();
        assert_eq!(server(&headers), "http://localhost:8080");
        headers.insert("host", "code.example:8443".parse().unwrap());
        headers.insert("x-forwarded-proto", "https".parse().unwrap());
        assert_eq!(server(&headers), "https://code.example:8443");
        headers.insert("host", "<script>".parse().unwrap());
        assert_eq!(server(&headers), "https://localhost:8080");
    }

    #[test]
    fn browsers_ask_for_pages_and_programs_do_not() {
        assert!(names_html("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(names_html("text/html;q=0.5"));
        for accept in ["*/*", "application/json", "", "text/htmlish", "application/json, text/html;q=0"] {
            assert!(!names_html(accept), "{accept}");
        }
    }
}
