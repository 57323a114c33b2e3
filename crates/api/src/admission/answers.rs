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

/// The most bytes of answers that are held at one time.
pub(super) const ROOM_BYTES: u32 = 256 * 1024 * 1024;

/// The room for answers; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Answers(Arc<Semaphore>);

impl Answers {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ROOM_BYTES as usize)))
    }

    /// Returns the answer if there is room for it, which is free again when all of it was sent; else a problem.
    pub(super) async fn hold(&self, answer: Response) -> Response {
        let Some(size) = answer.body().size_hint().exact().filter(|size| *size > SMALL_BYTES) else {
            return answer;
        };
        // One that is larger than all of the room goes alone.
        let bytes = u32::try_from(size).unwrap_or(u32::MAX).min(ROOM_BYTES);
        let Ok(permit) = Arc::clone(&self.0).try_acquire_many_owned(bytes) else {
            return overloaded("answers that were not taken yet take too much memory").into_response();
        };
        let (head, body) = answer.into_parts();
        match to_bytes(body, usize::MAX).await {
            Ok(bytes) => Response::from_parts(head, Body::from(Bytes::from_owner(Held { bytes, _permit: permit }))),
            Err(error) => Problem::new(Code::InternalError).cause(error).into_response(),
        }
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
