//! A face with an error form of its own, behind the layers of the real ones.

use axum::http::HeaderMap;
use axum::routing::post;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;

use super::*;
use crate::auth::Everybody;
use crate::extract::Json;
use crate::extract::Query;
use crate::page::PageQuery;
use crate::request_id::RequestId;

/// Answers errors with a text in brackets, and with 422 in place of 400.
static OTHER: Face = Face { prefix: "/api/v2", has_execution_time: false, write_error };

fn write_error(problem: Problem, request: &RequestId) -> Response {
    let status = match problem.code().status() {
        StatusCode::BAD_REQUEST => StatusCode::UNPROCESSABLE_ENTITY,
        status => status,
    };
    (status, [("x-form", "other")], format!("[{} {}]", problem.code(), request.as_str())).into_response()
}

fn tables() -> Tables<()> {
    let routes = OpenApiRouter::new()
        .route("/face", get(async |face: &'static Face| face.prefix))
        .route("/panic", get(panicking))
        .route("/hang", get(std::future::pending::<()>))
        .route("/page", get(async |_: Query<PageQuery>| "fine"))
        .route("/body", post(async |_: Json<Value>| "fine"));
    Tables { tenant: routes, ..Tables::empty() }
}

fn router() -> Router {
    let layers = Layers {
        authenticator: Arc::new(Everybody),
        admission: Admission::new(TIME, Bounds::of(64), Arc::default()),
        exposure: loopback(),
    };
    // The order must not matter.
    let faces = [&OTHER, &NATIVE, &API];
    layers.around(faces.map(|face| Served { face, operations: Tables::empty(), routes: tables() }))
}

struct Wrong {
    request: Request<Body>,
    status: u16,
    status_of_other: u16,
    code: &'static str,
}

/// Returns a request for each way in which one can go wrong.
fn wrong(prefix: &str) -> Vec<Wrong> {
    let request = |method: &str, path: &str, headers: &[(&str, &str)], body: Body| {
        let request = Request::builder().method(method).uri(format!("{prefix}{path}")).header("x-request-id", "r-1");
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(body).unwrap()
    };
    let json = ("content-type", "application/json");
    let large = || Body::from(vec![b' '; 13 * 1024 * 1024]);
    [
        (request("GET", "/nothing", &[], Body::empty()), 404, 404, "route_not_found"),
        (request("GET", "/", &[], Body::empty()), 404, 404, "route_not_found"),
        (request("PUT", "/face", &[], Body::empty()), 405, 405, "method_not_allowed"),
        (request("POST", "/body", &[json], large()), 413, 413, "body_too_large"),
        (request("POST", "/body", &[], Body::from("{}")), 415, 415, "unsupported_media_type"),
        (request("POST", "/body", &[json], Body::from("{")), 400, 422, "invalid_json"),
        (request("POST", "/body", &[json], Body::from("[]")), 400, 422, "invalid_body"),
        (request("GET", "/page?limit=0", &[], Body::empty()), 400, 422, "invalid_query"),
        (request("GET", "/face", &[("host", "evil.example")], Body::empty()), 403, 403, "foreign_host"),
        (request("GET", "/hang", &[], Body::empty()), 503, 503, "timeout"),
        (request("GET", "/panic", &[], Body::empty()), 500, 500, "internal_error"),
    ]
    .map(|(request, status, status_of_other, code)| Wrong { request, status, status_of_other, code })
    .into()
}

async fn answer(request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    let (head, body) = router().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (head.status, head.headers, String::from_utf8(bytes.into()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn every_error_has_the_form_of_the_face_that_the_request_came_in_by() {
    for Wrong { request, status_of_other, code, .. } in wrong(OTHER.prefix) {
        let (status, headers, text) = answer(request).await;
        assert_eq!((status.as_u16(), text), (status_of_other, format!("[{code} r-1]")));
        assert_eq!(headers["x-form"], "other", "{code}");
        assert!(headers[CONTENT_TYPE].to_str().unwrap().starts_with("text/plain"), "{code}");
        assert_eq!(headers["x-request-id"], "r-1", "{code}");
        assert_eq!(headers.contains_key(ALLOW), code == "method_not_allowed", "{code}");
        assert_eq!(headers.contains_key(RETRY_AFTER), code == "timeout", "{code}");
    }
    for face in [&NATIVE, &API] {
        for Wrong { request, status, code, .. } in wrong(face.prefix) {
            let (found, headers, text) = answer(request).await;
            let document: Value = serde_json::from_str(&text).unwrap();
            assert_eq!((found.as_u16(), &document["code"]), (status, &json!(code)), "{}", face.prefix);
            assert_eq!(headers[CONTENT_TYPE], problem::MEDIA_TYPE, "{code}");
            assert!(!headers.contains_key("x-form"), "{code}");
        }
    }
}

#[tokio::test]
async fn a_route_can_ask_for_its_face() {
    for face in [&NATIVE, &API, &OTHER] {
        let request = Request::get(format!("{}/face", face.prefix)).body(Body::empty()).unwrap();
        assert_eq!(answer(request).await.2, face.prefix);
    }
}
