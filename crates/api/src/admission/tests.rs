use std::future::pending;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::routing::post;
use http_body_util::BodyExt;
use serde_json::Value;
use serde_json::json;
use tower::ServiceExt;

use super::*;
use crate::extract::Json;
use crate::fields::TestCases;

const TIME: Duration = Duration::from_secs(5);

fn router(admission: Admission) -> Router {
    Router::new()
        .route("/hang", get(pending::<()>))
        .route(
            "/wait",
            get(async || {
                wait(Duration::from_secs(60));
                pending::<()>().await;
            }),
        )
        .route(
            "/long",
            get(async || {
                may_take(Duration::from_secs(30));
                pending::<()>().await;
            }),
        )
        .route("/body", post(async |_: Json<Value>| pending::<()>().await))
        .layer(from_fn_with_state(admission, limit))
}

async fn status(router: &Router, request: Request) -> u16 {
    router.clone().oneshot(request).await.unwrap().status().as_u16()
}

fn get_of(path: &str) -> Request {
    Request::get(path).body(Body::empty()).unwrap()
}

/// Sends a request on a task of its own; returns the status to come.
fn begin(router: &Router, request: Request) -> tokio::task::JoinHandle<u16> {
    let router = router.clone();
    tokio::spawn(async move { status(&router, request).await })
}

#[tokio::test(start_paused = true)]
async fn a_request_has_its_time_and_some_routes_have_more() {
    let router = router(Admission::new(TIME));
    for (path, seconds) in [("/hang", 5), ("/wait", 65), ("/long", 30)] {
        let begin = Instant::now();
        assert_eq!(status(&router, get_of(path)).await, 503);
        assert_eq!(begin.elapsed().as_secs(), seconds, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_begins_when_the_body_has_arrived() {
    let router = router(Admission::new(TIME));
    let slow = futures_util::stream::once(async {
        tokio::time::sleep(Duration::from_secs(12)).await;
        Ok::<_, std::io::Error>("{}")
    });
    let request = Request::post("/body").header("content-type", "application/json");
    let begin = Instant::now();
    assert_eq!(status(&router, request.body(Body::from_stream(slow)).unwrap()).await, 503);
    assert_eq!(begin.elapsed().as_secs(), 17);
}

#[tokio::test(start_paused = true)]
async fn only_so_many_requests_work_at_one_time() {
    let router = router(Admission::with(TIME, 2, 0));
    let working = [begin(&router, get_of("/hang")), begin(&router, get_of("/hang"))];
    tokio::task::yield_now().await;
    let begun = Instant::now();
    assert_eq!(status(&router, get_of("/hang")).await, 503);
    assert!(begun.elapsed().is_zero(), "it is turned away at once");
    for answer in working {
        assert_eq!(answer.await.unwrap(), 503);
    }
    // A request that waits does not work.
    let waiting: Vec<_> = (0..4).map(|_| begin(&router, get_of("/wait"))).collect();
    let begun = Instant::now();
    for answer in waiting {
        assert_eq!(answer.await.unwrap(), 503);
    }
    assert_eq!(begun.elapsed().as_secs(), 65);
}

#[tokio::test(start_paused = true)]
async fn the_bodies_of_all_have_a_bound() {
    let admission = Admission::with(TIME, 10, 100);
    let router = router(admission.clone());
    let request = |bytes: usize| {
        let body = format!("{{{}}}", " ".repeat(bytes - 2));
        Request::post("/body").header("content-type", "application/json").body(Body::from(body)).unwrap()
    };
    let first = begin(&router, request(60));
    tokio::task::yield_now().await;
    let begun = Instant::now();
    assert_eq!(status(&router, request(60)).await, 503);
    assert!(begun.elapsed().is_zero(), "there is no room beside the first");
    assert_eq!(first.await.unwrap(), 503);
    assert_eq!(admission.body_bytes.available_permits(), 100, "what ended gives its room back");
}

/// Reads test cases, each with an expression that takes a while.
async fn read_tests(count: usize, comparison: &str) -> Result<(), Problem> {
    let case = json!({"expected_stdout": r"\W{5}", "match": comparison});
    let tests: TestCases = serde_json::from_value(Value::Array(vec![case; count])).unwrap();
    tests.read(false).await.map(drop)
}

fn reading(admission: Admission) -> Router {
    Router::new()
        .route("/text", get(async || read_tests(1, "exact").await))
        .route("/expression", get(async || read_tests(1, "regex").await))
        .route("/expressions", get(async || read_tests(30, "regex").await))
        .layer(from_fn_with_state(admission, limit))
}

#[tokio::test]
async fn without_a_slice_no_regular_expression_is_read() {
    let admission = Admission::new(Duration::from_millis(200));
    let all = admission.cpu_slices.clone().all().await;
    let patient = reading(Admission { time: 600 * TIME, ..admission.clone() });
    let router = reading(admission);
    assert_eq!(status(&router, get_of("/expression")).await, 503);
    assert_eq!(status(&router, get_of("/text")).await, 200, "only expressions need a slice");
    let waits = begin(&patient, get_of("/expression"));
    drop(all);
    assert_eq!(waits.await.unwrap(), 200);
}

#[tokio::test]
async fn a_request_with_few_regular_expressions_does_not_wait_for_those_with_many() {
    let router = reading(Admission::new(600 * TIME));
    let many: Vec<_> = (0..2).map(|_| begin(&router, get_of("/expressions"))).collect();
    tokio::task::yield_now().await;
    assert_eq!(status(&router, get_of("/expression")).await, 200);
    assert!(many.iter().all(|many| !many.is_finished()), "they have more than one slice");
    for many in many {
        assert_eq!(many.await.unwrap(), 200);
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_not_taken_leave_no_room_for_others() {
    let admission = Admission::new(TIME);
    let large = || async { vec![b'x'; answers::MAX_BYTES as usize / 2] };
    let router = Router::new()
        .route("/large", get(large).post(large))
        .route("/small", get(async || "x".repeat(1024)))
        .layer(from_fn_with_state(admission, limit));
    let ask = async |path| router.clone().oneshot(get_of(path)).await.unwrap();
    let (one, other) = (ask("/large").await, ask("/large").await);
    assert_eq!([one.status(), other.status()].map(|status| status.as_u16()), [200, 200]);
    assert_eq!(ask("/large").await.status().as_u16(), 503);
    assert_eq!(ask("/small").await.status().as_u16(), 200);
    assert_eq!(status(&router, Request::post("/large").body(Body::empty()).unwrap()).await, 200, "it has happened");

    // Bytes that were taken out of the body may still wait to be sent.
    let bytes = one.into_body().collect().await.unwrap().to_bytes();
    let rest = bytes.slice(1..);
    drop(bytes);
    assert_eq!(ask("/large").await.status().as_u16(), 503);
    drop(rest);
    assert_eq!(ask("/large").await.status().as_u16(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_wait_keeps_neither_permit_nor_body() {
    let admission = Admission::with(TIME, 1, 64);
    let waiting = async |_: Json<Value>| {
        wait(Duration::from_secs(60));
        pending::<()>().await;
    };
    let router = Router::new()
        .route("/wait", post(waiting))
        .route("/body", post(async |_: Json<Value>| "read"))
        .layer(from_fn_with_state(admission, limit));
    let request = |path| {
        let request = Request::post(path).header("content-type", "application/json");
        request.body(Body::from(format!(r#"{{"a": "{}"}}"#, "x".repeat(40)))).unwrap()
    };
    let _waiting = begin(&router, request("/wait"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(status(&router, request("/body")).await, 200);
}
