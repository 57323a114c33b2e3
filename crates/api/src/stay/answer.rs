//! The memory of answers that their clients have not taken yet.

use std::sync::Arc;

use axum::body::Body;
use axum::body::Bytes;
use axum::body::HttpBody;
use axum::body::to_bytes;
use axum::response::IntoResponse;
use axum::response::Response;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

use super::overloaded;
use crate::problem::Code;
use crate::problem::Problem;

/// Smaller answers are not counted: there is at most one for each connection.
const SMALL_BYTES: u64 = 64 * 1024;

/// Returns an answer to somebody who only reads, if there is room for it; the room is free again when all of it was sent.
///
/// Other answers are never refused: what they tell has happened, and whoever gets an error would do it once more.
pub(super) async fn hold(answer: Response, room: &Arc<Semaphore>, all: usize) -> Response {
    let Some(size) = answer.body().size_hint().exact().filter(|size| *size > SMALL_BYTES) else {
        return answer;
    };
    // One that is larger than all of the room goes alone.
    let bytes = u32::try_from(size).unwrap_or(u32::MAX).min(u32::try_from(all).unwrap_or(u32::MAX));
    let Ok(permit) = Arc::clone(room).try_acquire_many_owned(bytes) else {
        return overloaded("answers that were not taken yet take too much memory").into_response();
    };
    let (head, body) = answer.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(bytes) => Response::from_parts(head, Body::from(Bytes::from_owner(Held { bytes, _permit: permit }))),
        Err(error) => Problem::new(Code::InternalError).cause(error).into_response(),
    }
}

/// What is dropped when the last byte was sent.
struct Held {
    bytes: Bytes,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
