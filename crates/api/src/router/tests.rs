mod declared;
mod faces;
mod tables;

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use axum::http::header::ALLOW;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::RETRY_AFTER;
use axum::routing::get;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;

use super::*;
use crate::auth::Everybody;
use crate::problem;

const TIME: Duration = Duration::from_secs(5);

fn loopback() -> Arc<Exposure> {
    Arc::new(Exposure::of(([127, 0, 0, 1], 8080).into()))
}

/// Serves one face: `operations` and `routes` are in the open table.
fn serving(operations: OpenApiRouter, routes: OpenApiRouter, admission: Admission) -> Router {
    let operations = Tables { open: operations, ..Tables::empty() };
    let routes = Tables { open: routes, ..Tables::empty() };
    let layers = Layers { authenticator: Arc::new(Everybody), admission, exposure: loopback() };
    layers.around([Served { face: &NATIVE, operations, routes }])
}

/// A router whose routes misbehave, in the layers that the real routes have.
fn misbehaving() -> Router {
    let routes = OpenApiRouter::new()
        .route("/fine", get(async || "fine"))
        .route("/panic", get(panicking))
        .route("/hang", get(std::future::pending::<()>))
        .route("/fail", get(async || Problem::new(Code::Unavailable).cause("the password is wrong")));
    serving(OpenApiRouter::new(), routes, Admission::new(TIME, Bounds::of(64), Arc::default()))
}

async fn panicking() {
    panic!("on purpose");
}

async fn answer(request: axum::http::request::Builder) -> Response {
    misbehaving().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn document(response: Response) -> Value {
    assert_eq!(response.headers()[CONTENT_TYPE], problem::MEDIA_TYPE);
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(document["request_id"], id);
    document
}

#[tokio::test(start_paused = true)]
async fn operators_are_answered_whatever_is_at_work() {
    let operations = OpenApiRouter::new().route("/healthz", get(async || "fine"));
    let routes = OpenApiRouter::new().route("/hang", get(std::future::pending::<()>));
    let router =
        serving(operations, routes, Admission::new(TIME, Bounds { working: 1, ..Bounds::of(64) }, Arc::default()));
    let ask = |path| router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap());
    let _working = tokio::spawn(ask("/hang"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(ask("/hang").await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ask("/healthz").await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let response = answer(Request::get("/nothing")).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(document(response).await["code"], "route_not_found");
}

#[tokio::test]
async fn a_wrong_method_is_a_problem_that_names_the_right_ones() {
    let response = answer(Request::put("/fine")).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[ALLOW], "GET,HEAD");
    assert_eq!(document(response).await["code"], "method_not_allowed");
}

#[tokio::test]
async fn a_panic_is_a_problem_without_its_text() {
    let response = answer(Request::get("/panic").header("x-request-id", "r-7")).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let document = document(response).await;
    assert_eq!(document["code"], "internal_error");
    assert_eq!(document["request_id"], "r-7");
    assert!(!document.to_string().contains("on purpose"));
}

#[tokio::test]
async fn a_cause_stays_inside() {
    let response = answer(Request::get("/fail")).await;
    assert_eq!(response.headers()[RETRY_AFTER], "1");
    assert!(!document(response).await.to_string().contains("password"));
}

#[tokio::test(start_paused = true)]
async fn a_route_that_hangs_is_a_problem() {
    let response = answer(Request::get("/hang")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(document(response).await["code"], "timeout");
}

#[tokio::test]
async fn a_foreign_host_is_refused_before_any_route() {
    let response = answer(Request::get("/fine").header("host", "evil.example")).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(document(response).await["code"], "foreign_host");
}

#[tokio::test]
async fn an_answer_without_a_problem_passes() {
    let response = answer(Request::get("/fine").header("x-request-id", "r-8")).await;
    assert_eq!(response.headers()["x-request-id"], "r-8");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "fine");
}
