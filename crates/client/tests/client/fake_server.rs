//! A server that answers what a test wants, and breaks off where it wants.

use std::sync::Arc;
use std::sync::Mutex;

use runbay_client::Client;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// An execution as ids of requests name it.
pub(crate) const EXECUTION: &str = "019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f";

/// Answers one request on each connection.
pub(crate) struct FakeServer {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl FakeServer {
    /// Starts a server. `answer` gets each request as text, and returns all that is sent before the connection ends.
    pub(crate) async fn start(mut answer: impl FnMut(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<_>>>::default();
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read(&mut stream).await;
                seen.lock().unwrap().push(request.clone());
                // The client may be gone already.
                _ = stream.write_all(answer(&request).as_bytes()).await;
                _ = stream.shutdown().await;
            }
        });
        Self { url, requests, task }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url, Some("rb_key")).unwrap()
    }

    /// Returns all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).await.unwrap();
        request.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8(request.clone()).unwrap();
        let is_complete = text.split_once("\r\n\r\n").is_some_and(|(_, body)| {
            body.len() >= header(&text, "content-length").map_or(0, |length| length.parse().unwrap())
        });
        if is_complete || length == 0 {
            return text;
        }
    }
}

/// Returns a header of a request.
pub(crate) fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = request.split_once("\r\n\r\n")?;
    let mut headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Makes an answer with a body of JSON.
pub(crate) fn json(status: u16, headers: &str, body: &str) -> String {
    let kind = if status < 300 { "application/json" } else { "application/problem+json" };
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Said\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{headers}\
         \r\n{body}"
    )
}

/// Makes a problem document with a status and a code.
pub(crate) fn problem(status: u16, code: &str, headers: &str) -> String {
    let body = format!(
        r#"{{"type": "urn:runbay:problem:{code}", "title": "It does not work", "status": {status}, "code": "{code}",
            "error": "It does not work", "details": ["stdin: is odd"], "errors": [], "request_id": "r-1"}}"#
    );
    json(status, headers, &body)
}

/// Makes the beginning of a stream of events. It ends with the connection.
pub(crate) fn stream(events: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n\r\n{events}")
}

/// An execution that has ended, with `hi` on its standard output.
pub(crate) fn result() -> String {
    let body = r#"{"execution_id": "ID", "session_id": null, "session_version": null, "language": "python",
        "status": "COMPLETED", "reason": null, "message": null, "exit_code": 0, "signal": null, "stdout": "aGk=",
        "stderr": "", "compile_output": null, "tests": null, "tests_passed": null, "tests_total": null,
        "stdout_truncated": false, "stderr_truncated": false, "execution_time_ms": 5, "cpu_time_ms": 4,
        "memory_bytes": 1000, "compile_time_ms": null, "queue_time_ms": 0, "attempt": 1,
        "created_at": "2026-11-21T04:00:00.000Z", "queued_at": "2026-11-21T04:00:00.000Z",
        "started_at": "2026-11-21T04:00:00.000Z", "completed_at": "2026-11-21T04:00:00.000Z"}"#;
    body.replace("ID", EXECUTION).replace('\n', "")
}
