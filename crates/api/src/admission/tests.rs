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

fn bounds() -> Bounds {
    Bounds::of(64)
}

fn admission(bounds: Bounds) -> Admission {
    Admission::new(TIME, bounds, Arc::default())
}

/// Makes a request one of another client, which has an ordinary share.
fn from(last: u8, mut request: Request) -> Request {
    request.extensions_mut().insert(ClientAddress([10, 0, 0, last].into()));
    request
}

fn router(admission: Admission) -> Router {
    Router::new()
        .route("/hang", get(pending::<()>))
        .route(
            "/wait",
            get(async || {
                wait(Duration::from_secs(60))?;
                pending::<Result<(), Problem>>().await
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
    let router = router(admission(bounds()));
    for (path, seconds) in [("/hang", 5), ("/wait", 65), ("/long", 30)] {
        let begin = Instant::now();
        assert_eq!(status(&router, get_of(path)).await, 503);
        assert_eq!(begin.elapsed().as_secs(), seconds, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_begins_when_the_body_has_arrived() {
    let router = router(admission(bounds()));
    let slow = futures_util::stream::once(async {
        sleep(Duration::from_secs(12)).await;
        Ok::<_, std::io::Error>("{}")
    });
    let request = Request::post("/body").header("content-type", "application/json");
    let begin = Instant::now();
    assert_eq!(status(&router, request.body(Body::from_stream(slow)).unwrap()).await, 503);
    assert_eq!(begin.elapsed().as_secs(), 17);
}

#[tokio::test(start_paused = true)]
async fn only_so_many_requests_work_at_one_time() {
    let router = router(admission(Bounds { working: 2, ..bounds() }));
    let working = [1, 2].map(|last| begin(&router, from(last, get_of("/hang"))));
    tokio::task::yield_now().await;
    let begun = Instant::now();
    assert_eq!(status(&router, from(3, get_of("/hang"))).await, 503);
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
    let admission = admission(Bounds { body_bytes: 100, ..bounds() });
    let router = router(admission);
    let request = |bytes: usize| {
        let body = format!("{{{}}}", " ".repeat(bytes - 2));
        Request::post("/body").header("content-type", "application/json").body(Body::from(body)).unwrap()
    };
    let first = begin(&router, request(60));
    tokio::task::yield_now().await;
    let begun = Instant::now();
    assert_eq!(status(&router, from(1, request(60))).await, 503);
    assert!(begun.elapsed().is_zero(), "there is no room beside the first");
    assert_eq!(first.await.unwrap(), 503);
    assert_eq!(status(&router, request(100)).await, 503, "what ended gives its room back");
    assert_eq!(begun.elapsed(), 2 * TIME);
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
    let admission = Admission { time: Duration::from_millis(200), ..admission(bounds()) };
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
    let router = reading(Admission { time: 600 * TIME, ..admission(bounds()) });
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
    let admission = admission(bounds());
    let half = usize::try_from(answers::MAX_BYTES / 2).expect("it fits into memory");
    let large = move || async move { vec![b'x'; half] };
    let router = Router::new()
        .route("/large", get(large).post(large))
        .route("/small", get(async || "x".repeat(1024)))
        .layer(from_fn_with_state(admission, limit));
    let ask = async |path| router.clone().oneshot(get_of(path)).await.unwrap();
    let ask_as = async |last, path| router.clone().oneshot(from(last, get_of(path))).await.unwrap();
    let (one, other) = (ask_as(1, "/large").await, ask_as(2, "/large").await);
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
async fn streams_that_are_not_taken_leave_no_room_for_others() {
    let admission = admission(bounds());
    let half = usize::try_from(answers::MAX_BYTES / 2).expect("it fits into memory");
    let begin = async |last| {
        let client = admission.client(&from(last, get_of("/stream")));
        ADMITTED.scope(admission.enter(client, false).unwrap(), async { stream() }).await.unwrap()
    };
    let (mut one, mut other, mut third) = (begin(1).await, begin(2).await, begin(3).await);
    assert!(one.hold(half) && other.hold(half));
    assert!(!third.hold(half), "all of it is held");
    assert!(third.hold(1024), "what is small is not counted");
    assert!(one.hold(half / 2), "what was sent is given back");
    assert!(third.hold(half / 4));
    drop((one, other));
    assert!(third.hold(half));
}

#[tokio::test(start_paused = true)]
async fn a_wait_keeps_neither_permit_nor_body() {
    let admission = admission(Bounds { working: 1, body_bytes: 64, ..bounds() });
    let waiting = async |_: Json<Value>| {
        wait(Duration::from_secs(60))?;
        pending::<Result<(), Problem>>().await
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
    sleep(Duration::from_secs(1)).await;
    assert_eq!(status(&router, request("/body")).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_client_with_its_share_leaves_places_for_others() {
    let router = router(admission(Bounds { working: 4, waiting: 4, ..bounds() }));
    for path in ["/hang", "/wait"] {
        let _own = [1, 1].map(|last| begin(&router, from(last, get_of(path))));
        sleep(Duration::from_secs(1)).await;
        assert_eq!(status(&router, from(1, get_of(path))).await, 429, "{path}");
        let other = begin(&router, from(2, get_of(path)));
        sleep(Duration::from_secs(1)).await;
        assert!(!other.is_finished(), "{path}");
        sleep(Duration::from_secs(70)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_takes_no_place_and_gives_way() {
    let router = router(admission(Bounds { working: 2, arriving: 4, ..bounds() }));
    let stalled = || {
        let request = Request::post("/body").header("content-type", "application/json");
        request.body(Body::from_stream(futures_util::stream::pending::<Result<&str, std::io::Error>>())).unwrap()
    };
    let mut bodies: Vec<_> = (0..2).map(|_| begin(&router, from(1, stalled()))).collect();
    sleep(Duration::from_secs(1)).await;
    assert!(bodies.iter().all(|body| !body.is_finished()));
    bodies.push(begin(&router, from(1, stalled())));
    let begun = Instant::now();
    assert_eq!(bodies.remove(0).await.unwrap(), 408);
    assert!(begun.elapsed().is_zero(), "the oldest gives way at once");
    let whole = Request::post("/body").header("content-type", "application/json").body(Body::from("{}")).unwrap();
    let working = begin(&router, from(1, whole));
    sleep(Duration::from_secs(1)).await;
    assert!(!working.is_finished(), "it works beside those that do not come");
}
