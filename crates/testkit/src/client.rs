//! Small typed requests to the server under test.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::ClientBuilder;
use reqwest::Method;
use reqwest::RequestBuilder;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::ring;
use serde_json::Value;
use serde_json::json;
use tokio::time::Instant;

use crate::Answer;
use crate::raw::exchange;
use crate::raw::exchange_until_reset;

/// How long a request may take: longer than the longest wait that the server accepts.
const REQUEST: Duration = Duration::from_secs(90);

/// How long a run may take on a busy machine, with its retries.
const END: Duration = Duration::from_secs(120);

/// Speaks HTTP to one server.
#[derive(Debug, Clone)]
pub struct Client {
    address: String,
    http: reqwest::Client,
}

impl Client {
    /// Makes a client of the server at `address`, such as `127.0.0.1:43211`.
    pub(crate) fn new(address: &str) -> Self {
        let http = plain().build().expect("a plain client");
        Self { address: address.to_owned(), http }
    }

    /// Returns another client of the same server, at this address of the loopback.
    ///
    /// # Panics
    ///
    /// Never: it is a plain client.
    #[must_use]
    pub fn at(&self, address: IpAddr) -> Self {
        let builder = plain().local_address(address);
        Self { address: self.address.clone(), http: builder.build().expect("a plain client") }
    }

    /// Begins a request to a path.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    /// Returns the server's address, such as `127.0.0.1:43211`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends bytes that need not be HTTP over a new connection, and reads the answer until the server closes it.
    ///
    /// # Panics
    ///
    /// When the answer is no HTTP.
    pub async fn send_raw(&self, request: &[u8]) -> Answer {
        exchange(&self.address, request).await
    }

    /// Sends bytes as [`send_raw`](Self::send_raw) does, to a server that need not read all of them: it may also reset
    /// the connection after its answer.
    ///
    /// # Panics
    ///
    /// When the answer is no HTTP.
    pub async fn send_unread(&self, request: &[u8]) -> Answer {
        exchange_until_reset(&self.address, request).await
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Panics
    ///
    /// When there is no answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// Sends a request to a server that may be dying.
    ///
    /// # Errors
    ///
    /// When there is no answer, or not all of it.
    pub async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        Answer::read(request.send().await?).await
    }

    /// Sends GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Sends POST with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Sends POST without a body or a content type.
    pub async fn post_nothing(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path)).await
    }

    /// Sends PATCH with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    /// Sends DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Opens a session and returns its id.
    pub async fn create_session(&self, language: &str, source_code: &str) -> String {
        let body = json!({"language": language, "source_code": source_code});
        text(&self.post("/code-sessions", &body).await.expect(201), "session_id")
    }

    /// Saves code and returns the version.
    pub async fn save(&self, session: &str, source_code: &str) -> u64 {
        let body = json!({"source_code": source_code});
        let saved = self.patch(&format!("/code-sessions/{session}"), &body).await.expect(200);
        saved["version"].as_u64().expect("a save answers a version")
    }

    /// Starts a run of a session with `body` and returns the execution's id.
    pub async fn run(&self, session: &str, body: &Value) -> String {
        let accepted = self.post(&format!("/code-sessions/{session}/run"), body).await.expect(202);
        text(&accepted, "execution_id")
    }

    /// Opens a session, runs its code and returns the finished execution.
    pub async fn run_to_end(&self, language: &str, source_code: &str) -> Value {
        self.run_with(language, source_code, &json!({})).await
    }

    /// Opens a session, runs its code with `body` and returns the finished execution.
    pub async fn run_with(&self, language: &str, source_code: &str, body: &Value) -> Value {
        let session = self.create_session(language, source_code).await;
        let execution = self.run(&session, body).await;
        self.wait(&execution).await
    }

    /// Reads an execution as it is now.
    pub async fn execution(&self, execution: &str) -> Value {
        self.get(&format!("/executions/{execution}")).await.expect(200)
    }

    /// Waits for the end of an execution and returns it.
    ///
    /// # Panics
    ///
    /// When it does not end within two minutes.
    pub async fn wait(&self, execution: &str) -> Value {
        let end = Instant::now() + END;
        loop {
            let body = self.get(&format!("/executions/{execution}?wait_ms=30000")).await.expect(200);
            if !matches!(body["status"].as_str(), Some("QUEUED" | "RUNNING")) {
                return body;
            }
            assert!(Instant::now() < end, "the execution does not end: {body:#}");
        }
    }
}

/// Begins a client that encrypts nothing. Where other crates let reqwest encrypt, it has to be told with what all the
/// same, and would read the host's certificates.
fn plain() -> ClientBuilder {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the usual versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).timeout(REQUEST).no_proxy()
}

fn text(body: &Value, member: &str) -> String {
    body[member].as_str().unwrap_or_else(|| panic!("no {member} in {body:#}")).to_owned()
}
