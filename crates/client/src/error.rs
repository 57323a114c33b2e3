//! Why a request failed.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::HeaderMap;
use reqwest::header::RETRY_AFTER;

use crate::problem::Problem;

/// The most bytes of an answer, an event or a frame: far more than the default limits of output.
pub(crate) const MOST_BYTES: usize = 128 * 1024 * 1024;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// There was no answer, or not all of it.
    #[error("failed to speak to the server")]
    Connection(#[source] reqwest::Error),
    /// There was no answer in time.
    #[error("the server does not answer")]
    Silent,
    /// The server refused the request.
    #[error(transparent)]
    Problem(Box<Problem>),
    /// The answer does not come from a server of this API.
    #[error("the answer with status {status} is none of this API")]
    Foreign {
        /// The status of the answer.
        status: u16,
    },
    /// The answer has another form than this version knows.
    #[error("the answer has an unknown form")]
    Unknown(#[source] serde_json::Error),
    /// The answer is larger than any that is read.
    #[error("the answer has more than {MOST_BYTES} bytes")]
    TooLarge,
}

impl RequestError {
    /// Returns the problem document, if the server sent one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// Returns the status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Problem(problem) => Some(problem.status),
            Self::Foreign { status } => Some(*status),
            Self::Connection(_) | Self::Silent | Self::Unknown(_) | Self::TooLarge => None,
        }
    }

    /// Reads why a request was refused.
    ///
    /// CANCEL: the rest of the answer is lost.
    pub(crate) async fn of_refusal(response: Response) -> Self {
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let body = match read(response).await {
            Ok(body) => body,
            Err(error) => return error,
        };
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => Self::Problem(Box::new(Problem { status, retry_after, ..problem })),
            Err(_) => Self::Foreign { status },
        }
    }

    /// Returns whether the same request may succeed a little later.
    ///
    /// Proxies answer 502 and 504 while a server starts again.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Connection(error) => !error.is_builder(),
            Self::Silent => true,
            _ => matches!(self.status(), Some(429 | 502 | 503 | 504)),
        }
    }

    /// Returns how long the server wants the client to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.problem().and_then(|problem| problem.retry_after)
    }
}

/// Reads the body of an answer.
///
/// CANCEL: the rest of the answer is lost.
pub(crate) async fn read(mut response: Response) -> Result<Vec<u8>, RequestError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(RequestError::Connection)? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(RequestError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads `Retry-After` in seconds. Its form as a date is not used by this API.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}
