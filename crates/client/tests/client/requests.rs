//! Requests, and when they are sent again.

use std::time::Duration;
use std::time::Instant;

use runbay_client::Client;
use runbay_client::Code;
use runbay_client::RequestError;
use runbay_client::Run;
use runbay_client::Save;
use runbay_model::ExecutionId;
use runbay_model::SessionId;
use runbay_model::Status;

use crate::fake_server::EXECUTION;
use crate::fake_server::FakeServer;
use crate::fake_server::header;
use crate::fake_server::json;
use crate::fake_server::problem;
use crate::fake_server::result;

fn execution() -> ExecutionId {
    EXECUTION.parse().unwrap()
}

fn accepted() -> String {
    json(202, "", &format!(r#"{{"execution_id": "{EXECUTION}", "status": "QUEUED"}}"#))
}

/// Answers with one after the other, and with nothing afterwards.
fn in_turn(answers: Vec<String>) -> impl FnMut(&str) -> String {
    let mut answers = answers.into_iter();
    move |_| answers.next().unwrap_or_default()
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_under_the_same_key() {
    let cut = accepted();
    let half = cut[..cut.len() - 10].to_owned();
    let busy = problem(503, "queue_full", "retry-after: 1\r\n");
    let server = FakeServer::start(in_turn(vec![String::new(), half, busy, accepted()])).await;
    let begun = Instant::now();
    let run = Run { code: Some(Code::Source("print(1)".to_owned())), ..Run::default() };
    let accepted = server.client().run_once(&run).await.unwrap();
    assert_eq!((accepted.execution_id, accepted.status), (execution(), Status::Queued));
    assert!(begun.elapsed() >= Duration::from_secs(1), "the server said when to come back");
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    let key = header(&requests[0], "idempotency-key").unwrap();
    for request in &requests {
        assert!(
            request.starts_with("POST /executions HTTP/1.1\r\n") && request.ends_with(r#"{"source_code":"print(1)"}"#)
        );
        assert_eq!(header(request, "idempotency-key"), Some(key));
        assert_eq!(header(request, "authorization"), Some("Bearer rb_key"));
    }
}

#[tokio::test]
async fn patience_ends() {
    let server = FakeServer::start(|_| problem(429, "client_share", "")).await;
    let error = server.client().run_once(&Run::default()).await.unwrap_err();
    assert_eq!((server.requests().len(), error.status()), (5, Some(429)));
    let server = FakeServer::start(|_| problem(503, "unavailable", "retry-after: 3600\r\n")).await;
    let error = server.client().read(execution()).await.unwrap_err();
    assert_eq!(error.problem().unwrap().retry_after, Some(Duration::from_secs(3600)));
    assert_eq!(server.requests().len(), 1, "nobody waits for an hour");
}

#[tokio::test]
async fn a_refusal_is_final_and_says_why() {
    let server = FakeServer::start(|_| problem(400, "invalid_body", "")).await;
    let error = server.client().run_once(&Run::default()).await.unwrap_err();
    let problem = error.problem().unwrap();
    assert_eq!((problem.status, problem.code.as_str()), (400, "invalid_body"));
    assert_eq!(
        (problem.details.as_slice(), problem.request_id.as_deref()),
        (&["stdin: is odd".to_owned()][..], Some("r-1"))
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_has_an_effect_each_time_is_sent_once() {
    let server = FakeServer::start(in_turn(Vec::new())).await;
    let session = SessionId::random();
    let error = server.client().save(session, &Save::default()).await.unwrap_err();
    assert!(matches!(error, RequestError::Connection(_)), "{error}");
    assert!(server.client().cancel(execution(), Some("SIGINT")).await.is_err());
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[0].starts_with(&format!("PATCH /code-sessions/{session} ")), "{requests:?}");
    assert!(requests[1].starts_with(&format!("DELETE /executions/{EXECUTION}?signal=SIGINT ")), "{requests:?}");
}

#[tokio::test]
async fn a_wait_is_made_of_polls() {
    let runs = result().replace("COMPLETED", "RUNNING");
    let server = FakeServer::start(in_turn(vec![json(200, "", &runs), json(200, "", &result())])).await;
    let ended = server.client().wait(execution(), Duration::from_secs(20)).await.unwrap();
    assert_eq!((ended.status, ended.stdout.as_slice()), (Status::Completed, &b"hi"[..]));
    for request in server.requests() {
        let polls = format!("GET /executions/{EXECUTION}?encoding=base64&wait_ms=");
        assert!(request.starts_with(&polls), "{request}");
    }
}

#[tokio::test]
async fn other_servers_are_told_apart() {
    let page = "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 6\r\n\r\n<html>";
    let server = FakeServer::start(move |_| page.to_owned()).await;
    let error = server.client().languages().await.unwrap_err();
    assert!(matches!(error, RequestError::Foreign { status: 404 }), "{error}");
    let server = FakeServer::start(|_| json(200, "", "[]")).await;
    let error = server.client().languages().await.unwrap_err();
    assert!(matches!(error, RequestError::Unknown(_)), "{error}");
    // A redirect would take the key along.
    let moved = "HTTP/1.1 301 Moved\r\nconnection: close\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n";
    let server = FakeServer::start(move |_| moved.to_owned()).await;
    let error = server.client().languages().await.unwrap_err();
    assert!(matches!(error, RequestError::Foreign { status: 301 }), "{error}");
}

#[tokio::test]
async fn nobody_listens() {
    let client = Client::new("http://127.0.0.1:9", None).unwrap();
    let error = client.languages().await.unwrap_err();
    assert!(matches!(error, RequestError::Connection(_)), "{error}");
}
