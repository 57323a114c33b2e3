//! A server that must come through bad input as if there had been none.

use reqwest::Method;
use runbay_testkit::Answer;
use runbay_testkit::TestApp;
use serde_json::Value;

/// The most bytes of a problem document, whatever the request was.
const LONGEST_DOCUMENT: usize = 2000;

/// A server with one session, of which nothing may change.
pub(super) struct Watched {
    pub(super) app: TestApp,
    /// The path of the session.
    pub(super) session: String,
    before: String,
}

impl Watched {
    pub(super) async fn start() -> Self {
        let app = TestApp::start().await;
        let session = format!("/code-sessions/{}", app.client.create_session("python", "print('ž')\n").await);
        let before = app.client.get(&session).await.text;
        Self { app, session, before }
    }

    /// Sends a body as JSON.
    pub(super) async fn send(&self, method: Method, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        let request = self.app.client.request(method, path).header("content-type", "application/json");
        self.app.client.send(request.body(body.into())).await
    }

    /// Asserts that the session is as it was, that nothing else was made, and that the server had no trouble.
    pub(super) async fn assert_untouched(&mut self) {
        assert_eq!(self.app.client.get(&self.session).await.text, self.before);
        let metrics = self.app.client.get("/metrics").await.text;
        let created = r#"runbay_http_requests_total{method="POST",route="/code-sessions",status="201"} 1"#;
        assert!(metrics.lines().any(|line| line == created), "another session was made:\n{metrics}");
        for line in metrics.lines() {
            assert!(!line.starts_with("runbay_executions_total{"), "something was run: {line}");
            assert!(!line.contains(r#"status="5"#), "a fault of the server: {line}");
        }
        self.app.terminate().await;
        for line in self.app.log.lines() {
            // The servers of other tests run as the same account, of which each warns at its start.
            if line.field("message").as_str().is_some_and(|message| message.contains("runs as the user")) {
                continue;
            }
            let level = line.field("level").as_str().unwrap_or("no event");
            assert!(["INFO", "DEBUG"].contains(&level), "the server had trouble: {}", line.text);
        }
    }
}

/// Asserts that an answer is a problem document of bounded size, whose details are one entry beginning with `detail`,
/// or none.
#[track_caller]
pub(super) fn assert_refused(answer: &Answer, status: u16, code: &str, detail: Option<&str>) {
    let problem = answer.expect_problem(status, code);
    let details: Vec<&str> = problem["details"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match detail {
        Some(start) => assert!(details.len() == 1 && details[0].starts_with(start), "not {start:?} in {problem:#}"),
        None => assert!(details.is_empty(), "{problem:#}"),
    }
    assert!(answer.text.len() < LONGEST_DOCUMENT, "{} bytes", answer.text.len());
}
