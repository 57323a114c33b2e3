//! Requests about executions.

use std::time::Duration;

use reqwest::Method;
use reqwest::RequestBuilder;
use runbay_model::ExecutionId;
use tokio::time::Instant;

use crate::Accepted;
use crate::Client;
use crate::Execution;
use crate::RequestError;
use crate::Run;
use crate::send::ANSWER;
use crate::send::IDEMPOTENCY_KEY;
use crate::send::Repeat;
use crate::send::send;
use crate::send::send_for_effect;
use crate::send::send_within;
use crate::sessions::new_key;

/// The longest wait of one request: below what proxies usually allow.
const LONGEST_POLL: Duration = Duration::from_secs(30);

impl Client {
    /// Runs a program without a session. The request is repeated with the same idempotency key where its answer is lost.
    ///
    /// CANCEL: the run may have been started.
    ///
    /// # Errors
    ///
    /// [`RequestError`] of the last try.
    pub async fn run_once(&self, run: &Run) -> Result<Accepted, RequestError> {
        let request = self.request(Method::POST, &["executions"]).header(IDEMPOTENCY_KEY, new_key());
        send(request.json(run), Repeat::Harmless).await
    }

    /// Reads an execution as it is now.
    ///
    /// # Errors
    ///
    /// [`RequestError`] of the last try.
    pub async fn read(&self, execution: ExecutionId) -> Result<Execution, RequestError> {
        self.poll(execution, Duration::ZERO).await
    }

    /// Waits for the end of an execution. Returns it as it is when `patience` is over, which need not be ended.
    ///
    /// # Errors
    ///
    /// [`RequestError`] of the last try.
    pub async fn wait(&self, execution: ExecutionId, patience: Duration) -> Result<Execution, RequestError> {
        let end = Instant::now() + patience;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let report = self.poll(execution, left.min(LONGEST_POLL)).await?;
            if report.is_ended() || left.is_zero() {
                return Ok(report);
            }
        }
    }

    /// Cancels an execution, or sends its program a signal such as `SIGINT`. Only a request without a signal is repeated.
    ///
    /// CANCEL: the request may have taken effect.
    ///
    /// # Errors
    ///
    /// [`RequestError`], with the code `execution_ended` when it has ended.
    pub async fn cancel(&self, execution: ExecutionId, signal: Option<&str>) -> Result<(), RequestError> {
        let request = self.execution(Method::DELETE, execution, &[]);
        match signal {
            Some(signal) => send_for_effect(request.query(&[("signal", signal)]), Repeat::Never).await,
            None => send_for_effect(request, Repeat::Harmless).await,
        }
    }

    async fn poll(&self, execution: ExecutionId, wait: Duration) -> Result<Execution, RequestError> {
        let mut request = self.execution(Method::GET, execution, &[]).query(&[("encoding", "base64")]);
        if !wait.is_zero() {
            request = request.query(&[("wait_ms", wait.as_millis())]);
        }
        send_within(ANSWER + wait, request, Repeat::Harmless).await
    }

    /// Begins a request to a path below that of an execution.
    pub(crate) fn execution(&self, method: Method, execution: ExecutionId, below: &[&str]) -> RequestBuilder {
        let id = execution.to_string();
        let mut path = vec!["executions", &id];
        path.extend(below);
        self.request(method, &path)
    }
}
