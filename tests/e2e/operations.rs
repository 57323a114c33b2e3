//! Routes for those who keep the service up.

use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use serde_json::json;

#[tokio::test]
async fn health_and_readiness() {
    let app = TestApp::start().await;
    for path in ["/healthz", "/health", "/api/health"] {
        assert_eq!(app.client.get(path).await.expect(200), json!({"status": "OK"}), "{path}");
    }
    let ready = app.client.get("/readyz").await.expect(200);
    assert_eq!(ready["status"], "OK");
    assert_eq!(ready["isolation"], "full");
}

#[tokio::test]
async fn the_start_leads_people_and_programs_on() {
    let app = TestApp::start().await;
    for path in ["/", "/api"] {
        let start = app.client.get(path).await.expect(200);
        assert_eq!(start["version"], env!("CARGO_PKG_VERSION"));
        for member in ["openapi", "languages", "readiness"] {
            assert_eq!(app.client.get(start[member].as_str().unwrap()).await.status, 200, "{start:#}");
        }
    }
    let browser = app.client.request(reqwest::Method::GET, "/").header("accept", "text/html,*/*;q=0.8");
    let page = app.client.send(browser).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(page.text.contains("href=\"/openapi.json\"") && !page.text.contains("PREFIX"), "{}", page.text);
    let listening = &app.log.with_message("listening")[0];
    assert_eq!(listening.field("server.url"), &json!(format!("http://{}", app.client.address())));
    assert_eq!(listening.field("version"), env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn metrics_count_requests_and_executions() {
    let app = TestApp::start().await;
    app.client.run_to_end("python", "print(1)").await;
    app.client.run_to_end("python", "raise SystemExit(3)").await;
    app.client.get("/nothing").await;
    let answer = app.client.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    for start in [
        r#"runbay_http_requests_total{method="POST",route="/code-sessions",status="201"} 2"#,
        r#"runbay_http_requests_total{method="GET",route="unmatched",status="404"} 1"#,
        r#"runbay_http_request_duration_seconds_bucket{method="POST",route="/code-sessions/{session_id}/run","#,
        "runbay_queue_depth 0",
        "# TYPE runbay_queue_wait_seconds histogram",
        "runbay_queue_wait_seconds_count 2",
        "# TYPE runbay_claim_duration_seconds histogram",
        "runbay_claim_duration_seconds_count 2",
    ] {
        assert!(answer.text.lines().any(|line| line.starts_with(start)), "{start} is missing in\n{}", answer.text);
    }
    for labels in [[r#"status="COMPLETED""#, "reason="], [r#"status="FAILED""#, r#"reason="runtime_error""#]] {
        let found = answer.text.lines().any(|line| {
            line.starts_with("runbay_executions_total{")
                && line.ends_with(" 1")
                && labels.iter().all(|label| line.contains(label))
        });
        assert!(found, "{labels:?} is missing in\n{}", answer.text);
    }
}

#[tokio::test]
async fn the_interface_describes_itself() {
    let app = TestApp::start().await;
    let served = app.client.get("/openapi.json").await.expect(200);
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1."), "{}", served["openapi"]);
    let checked_in = include_str!("../../docs/openapi.json");
    assert_eq!(served, serde_json::from_str::<serde_json::Value>(checked_in).unwrap());
}

#[tokio::test]
async fn a_request_keeps_a_plain_id_also_in_the_log() {
    let mut app = Launch::default().env("RUNBAY_LOG", "runbay=debug").start().await;
    let request = app.client.request(reqwest::Method::GET, "/nothing").header("x-request-id", "lesson-7");
    let answer = app.client.send(request).await;
    assert_eq!(answer.expect_problem(404, "route_not_found")["request_id"], "lesson-7");
    app.terminate().await;
    let lines = app.log.with_message("request answered");
    assert!(lines.iter().any(|line| line.field("span")["request.id"] == "lesson-7"), "{}", app.log);
}

#[tokio::test]
async fn a_request_line_names_client_and_session_and_shows_no_code() {
    let mut app = Launch::default().env("RUNBAY_LOG", "runbay=debug").start().await;
    let session = app.client.create_session("python", "print('s3cret')").await;
    let path = format!("/code-sessions/{session}");
    let forwarded = app.client.request(reqwest::Method::PATCH, &path).header("x-forwarded-for", "10.1.2.3");
    app.client.send(forwarded.json(&json!({"source_code": "print('s3cret', 2)"}))).await.expect(200);
    app.client.post(&format!("{path}/run?wait_ms=60000"), &json!({})).await.expect(200);
    app.terminate().await;
    let lines = app.log.with_message("request answered");
    let save = lines.iter().find(|line| line.field("span")["http.method"] == "PATCH").unwrap();
    assert_eq!(save.field("span")["session.id"], session, "{}", save.text);
    assert_eq!(save.field("span")["client.address"], "127.0.0.1", "{}", save.text);
    assert_eq!(save.field("span")["client.forwarded_for"], "10.1.2.3", "{}", save.text);
    assert!(!app.log.to_string().contains("s3cret"), "{}", app.log);
}

#[tokio::test]
async fn every_status_change_is_one_line_of_the_log() {
    let mut app = TestApp::start().await;
    let body = app.client.run_to_end("python", "print(1)").await;
    app.terminate().await;
    let execution = body["execution_id"].as_str().unwrap();
    assert_eq!(app.log.statuses(execution), ["QUEUED", "RUNNING", "COMPLETED"]);
    let lines = app.log.lines();
    let end = lines
        .iter()
        .find(|line| line.field("execution.id") == execution && line.field("execution.status") == "COMPLETED");
    let end = end.unwrap();
    assert_eq!(end.field("session.id"), &body["session_id"]);
    for member in ["queue_time_ms", "execution_time_ms", "cpu_time_ms"] {
        assert_eq!(end.field(member), &body[member], "{}", end.text);
    }
    assert_eq!(end.field("language.id"), "python");
    let started = app.log.with_message("worker started");
    assert_eq!(end.field("worker.id"), started[0].field("worker.id"));
    assert!(started[0].field("worker.id").is_string());
}
