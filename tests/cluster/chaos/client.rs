//! Clients that ask again until they are answered, with a key that makes asking twice harmless.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Method;
use runbay_events::RedisEventBus;
use runbay_model::Status;
use runbay_testkit::Answer;
use serde_json::Value;
use serde_json::json;
use tokio::time::Instant;
use tokio::time::timeout;

use super::system::Doors;
use super::watcher::Watcher;

/// The longest time that a request may take, with what it was told to wait and on a busy machine.
const REQUEST: Duration = Duration::from_secs(15);

/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a request may go unanswered in all.
const ANSWERED: Duration = Duration::from_secs(30);

/// How long a run may take from its acceptance to its end, however many workers it loses.
const ENDED: Duration = Duration::from_secs(90);

/// How long after the end its events may come; those that Redis lost never do.
const EVENTS: Duration = Duration::from_millis(500);

/// Clients of the apis, whichever of them lives.
pub(super) struct Client {
    doors: Doors,
    bus: RedisEventBus,
    requests: AtomicUsize,
    acknowledged: AtomicUsize,
}

/// What one client saw.
pub(super) struct Visit {
    pub(super) session: String,
    pub(super) runs: Vec<Run>,
}

/// A run that was acknowledged and has ended.
pub(super) struct Run {
    pub(super) number: usize,
    pub(super) execution: String,
    /// The first answer that said so.
    pub(super) end: Value,
    pub(super) readings: Vec<Vec<Status>>,
}

impl Client {
    pub(super) fn new(doors: Doors, bus: RedisEventBus) -> Arc<Self> {
        Arc::new(Self { doors, bus, requests: AtomicUsize::new(0), acknowledged: AtomicUsize::new(0) })
    }

    /// Returns how many of the runs of all visits were acknowledged.
    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Opens a session and runs it with each of the numbers, one after the other.
    pub(super) async fn visit(self: Arc<Self>, numbers: impl Iterator<Item = usize>) -> Visit {
        let created = self.ask(Method::POST, "/code-sessions", None, &json!({"language": "python"})).await;
        let session = created["session_id"].as_str().expect("a text").to_owned();
        let mut runs = Vec::new();
        for number in numbers {
            let execution = self.submit(&session, number).await;
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
            runs.push(self.follow(number, execution).await);
        }
        Visit { session, runs }
    }

    /// Starts a run of a session and returns the execution.
    pub(super) async fn submit(&self, session: &str, number: usize) -> String {
        let path = format!("/code-sessions/{session}/run");
        let key = format!("run-{number}");
        let accepted = self.ask(Method::POST, &path, Some(&key), &json!({"source_code": program(number)})).await;
        accepted["execution_id"].as_str().expect("a text").to_owned()
    }

    /// Waits for the end of a run, and watches its events meanwhile.
    async fn follow(&self, number: usize, execution: String) -> Run {
        let mut watcher = Watcher::new(self.bus.clone(), execution.parse().expect("an id"));
        let end = {
            let mut end = pin!(self.end(&execution));
            tokio::select! {
                end = &mut end => end,
                () = watcher.follow() => end.await,
            }
        };
        timeout(EVENTS, watcher.follow()).await.ok();
        Run { number, execution, end, readings: watcher.into_readings() }
    }

    /// Waits for the end of an execution.
    pub(super) async fn end(&self, execution: &str) -> Value {
        let path = format!("/executions/{execution}?wait_ms=3000");
        let deadline = Instant::now() + ENDED;
        loop {
            let body = self.ask(Method::GET, &path, None, &Value::Null).await;
            if !matches!(body["status"].as_str(), Some("QUEUED" | "RUNNING")) {
                return body;
            }
            assert!(Instant::now() < deadline, "after {ENDED:?} it has not ended: {body:#}");
        }
    }

    /// Asks one api after the other until one answers.
    pub(super) async fn ask(&self, method: Method, path: &str, key: Option<&str>, body: &Value) -> Value {
        let deadline = Instant::now() + ANSWERED;
        loop {
            if let Some(answer) = self.try_ask(&method, path, key, body).await {
                assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.text);
                return answer.json();
            }
            assert!(Instant::now() < deadline, "after {ANSWERED:?} there is no answer to {method} {path}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Returns none when it is worth asking again: the api has died, or says that it cannot answer now.
    pub(super) async fn try_ask(&self, method: &Method, path: &str, key: Option<&str>, body: &Value) -> Option<Answer> {
        let door = self.doors.get(self.requests.fetch_add(1, Ordering::Relaxed));
        let mut request = door.request(method.clone(), path).timeout(REQUEST);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        match door.try_send(request).await {
            Ok(answer) if answer.status == 503 => None,
            Ok(answer) => Some(answer),
            Err(error) => {
                assert!(!error.is_timeout(), "{method} {path} took more than {REQUEST:?}");
                None
            }
        }
    }
}

/// A program with an output of its own that takes up to half a second.
fn program(number: usize) -> String {
    let tenths = number % 5;
    format!("import time\ntime.sleep({tenths} / 10)\nfor line in range(50):\n    print({number}, line)\n")
}

/// Returns what the program writes.
pub(super) fn expected(number: usize) -> String {
    (0..50).map(|line| format!("{number} {line}\n")).collect()
}
