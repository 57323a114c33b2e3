//! Answers of the server.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// The whole answer to one request.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    /// Reads an answer to its end.
    pub(crate) async fn read(response: reqwest::Response) -> reqwest::Result<Self> {
        let status: StatusCode = response.status();
        let headers = response.headers().clone();
        let text = response.text().await?;
        Ok(Self { status: status.as_u16(), headers, text })
    }

    /// Returns a header as text; empty when it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("headers are ASCII"))
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    ///
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in the answer {self:#?}"))
    }

    /// Returns the body as JSON if the status is the expected one.
    ///
    /// # Panics
    ///
    /// When the status is another one.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "the answer was {}", self.text);
        self.json()
    }

    /// Returns the problem document if the answer is one with this status and code.
    ///
    /// # Panics
    ///
    /// When it is something else.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(self.header("content-type"), "application/problem+json", "{problem:#}");
        assert_eq!(problem["code"], code, "{problem:#}");
        assert_eq!(problem["status"], status, "{problem:#}");
        assert_eq!(problem["error"], problem["title"], "{problem:#}");
        assert_eq!(problem["request_id"], self.header("x-request-id"), "{problem:#}");
        problem
    }
}
