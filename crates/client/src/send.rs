//! Requests, and their repetition.

use std::time::Duration;

use reqwest::RequestBuilder;
use reqwest::Response;
use reqwest::StatusCode;
use serde::de::DeserializeOwned;

use crate::error::RequestError;
use crate::error::read;
use crate::patience::Patience;

/// The header with which a request takes effect once, however often it is sent.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// How long an answer may take that waits for nothing; servers have 30 s.
pub(crate) const ANSWER: Duration = Duration::from_secs(40);

/// Whether sending a request again has no further effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    Harmless,
    Never,
}

/// Sends a request that waits for nothing and reads its answer.
///
/// CANCEL: the request may have taken effect.
///
/// # Errors
///
/// [`RequestError`] of the last try.
pub(crate) async fn send<T: DeserializeOwned>(request: RequestBuilder, repeat: Repeat) -> Result<T, RequestError> {
    send_within(ANSWER, request, repeat).await
}

/// Does the same as [`send`] with another time for each answer.
pub(crate) async fn send_within<T: DeserializeOwned>(
    time: Duration,
    request: RequestBuilder,
    repeat: Repeat,
) -> Result<T, RequestError> {
    let body = send_for_bytes(request.timeout(time), repeat).await?;
    serde_json::from_slice(&body).map_err(RequestError::Unknown)
}

/// Sends a request whose answer says no more than that it took effect.
pub(crate) async fn send_for_effect(request: RequestBuilder, repeat: Repeat) -> Result<(), RequestError> {
    send_for_bytes(request.timeout(ANSWER), repeat).await.map(drop)
}

async fn send_for_bytes(request: RequestBuilder, repeat: Repeat) -> Result<Vec<u8>, RequestError> {
    let mut patience = Patience::for_requests();
    loop {
        patience.rest().await;
        let again = request.try_clone().expect("bodies are in memory");
        let failure = match once(again).await {
            Ok(body) => return Ok(body),
            Err(failure) => failure,
        };
        if repeat == Repeat::Never || !failure.is_temporary() || !patience.fail(failure.retry_after()) {
            return Err(failure);
        }
    }
}

async fn once(request: RequestBuilder) -> Result<Vec<u8>, RequestError> {
    read(open(request).await?).await
}

/// Sends a request and reads the head of its answer. One that is no success is an error.
///
/// CANCEL: the request may have taken effect.
pub(crate) async fn open(request: RequestBuilder) -> Result<Response, RequestError> {
    let response = request.send().await.map_err(RequestError::Connection)?;
    let status = response.status();
    if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(response);
    }
    Err(RequestError::of_refusal(response).await)
}
