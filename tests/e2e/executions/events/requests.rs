//! Requests for events, good and bad ones.

use reqwest::Method;
use runbay_testkit::EventStream;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use serde_json::json;

use super::SAYS_AND_SLEEPS;
use super::cancel;
use super::submit;
use super::until;

const UNKNOWN: &str = "019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f";

#[tokio::test]
async fn bad_requests_are_problems_that_name_what_is_wrong() {
    let app = TestApp::start().await;
    let execution = submit(&app, "print(1)", json!({})).await;
    let row = app.client.wait(&execution).await;
    let path = format!("/executions/{execution}/events");
    let with_id = |id: &[u8]| app.client.request(Method::GET, &path).header("last-event-id", id);
    for id in [&b"abc"[..], b"-1", b"1.5", b"0x10", b"1e3", b"1 2", b"18446744073709551616", b"\xff", &[b'9'; 30_000]] {
        let problem = app.client.send(with_id(id)).await.expect_problem(400, "invalid_header");
        assert_eq!(problem["details"], json!(["last-event-id: must be the id of an event"]));
    }
    for (query, detail) in [
        ("last_event_id=abc", "last_event_id: "),
        ("last_event_id=", "last_event_id: "),
        ("last_event_id=-1", "last_event_id: "),
        ("last_event_id=1&last_event_id=2", "last_event_id: must be there once"),
        ("encoding=hex", "encoding: "),
        ("wait_ms=1", "wait_ms: is no parameter here"),
        ("a=1", "a: is no parameter here"),
    ] {
        let problem = app.client.get(&format!("{path}?{query}")).await.expect_problem(400, "invalid_query");
        assert!(problem["details"][0].as_str().expect("a text").starts_with(detail), "{problem:#}");
    }
    for after in ["", "?last_event_id=7"] {
        let answer = app.client.get(&format!("/executions/{UNKNOWN}/events{after}")).await;
        answer.expect_problem(404, "execution_not_found");
    }
    app.client.get("/executions/42/events").await.expect_problem(400, "invalid_id");
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let answer = app.client.send(app.client.request(method, &path)).await;
        answer.expect_problem(405, "method_not_allowed");
    }
    app.client.get(&format!("{path}/1")).await.expect_problem(404, "route_not_found");
    // Whatever number it is, the client ends with all.
    for id in ["", "0", "1", "3", "4", "57", "1000001", "18446744073709551615"] {
        let events = EventStream::open(with_id(id.as_bytes())).await.all().await;
        assert_eq!(events.last().expect("a result").data, row, "after {id:?}");
        let by_query = app.client.request(Method::GET, &format!("{path}?last_event_id={id}"));
        if !id.is_empty() {
            assert_eq!(EventStream::open(by_query).await.all().await, events, "after {id:?}");
        }
    }
    let metrics = app.client.get("/metrics").await.text;
    assert!(!metrics.contains(r#"status="5"#), "{metrics}");
}

#[tokio::test]
async fn a_head_request_gets_no_events_and_holds_nothing() {
    let app = TestApp::start().await;
    let execution = submit(&app, SAYS_AND_SLEEPS, json!({})).await;
    let answer = app.client.send(app.client.request(Method::HEAD, &format!("/executions/{execution}/events"))).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    assert_eq!(answer.header("content-type"), "text/event-stream");
    cancel(&app, &execution).await;
}

#[tokio::test]
async fn the_result_is_that_of_the_same_prefix() {
    let app = TestApp::start().await;
    let execution = submit(&app, "print(1)", json!({})).await;
    for prefix in ["", "/api"] {
        let path = format!("{prefix}/executions/{execution}/events");
        let mut stream = EventStream::open(app.client.request(Method::GET, &path)).await;
        let result = until(&mut stream, "result").await;
        let row = app.client.get(&format!("{prefix}/executions/{execution}")).await.expect(200);
        assert_eq!(result.data, row);
    }
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams() {
    let mut app = Launch::default().arg("--drain-seconds=1").start().await;
    let execution = submit(&app, SAYS_AND_SLEEPS, json!({})).await;
    let mut stream = app.client.events(&execution).await;
    until(&mut stream, "stdout").await;
    let (rest, exit) = tokio::join!(stream.all(), app.terminate());
    assert!(rest.iter().all(|event| event.kind != "result"), "{rest:?}");
    assert!(exit.status.success(), "{exit:?}");
}
