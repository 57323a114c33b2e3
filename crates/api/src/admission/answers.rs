//! The memory for answers that clients have not taken yet.

use std::sync::Arc;

use axum::body::Body;
use axum::body::Bytes;
use axum::body::HttpBody;
use axum::body::to_bytes;
use axum::response::IntoResponse;
use axum::response::Response;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

use crate::problem::Code;
use crate::problem::Problem;

/// The largest answer that is not counted; a connection has at most one at a time.
const SMALL_BYTES: u64 = 64 * 1024;

/// The most bytes of answers that are held at one time.
pub(super) const MAX_BYTES: u32 = 256 * 1024 * 1024;

/// The memory for answers; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Answers(Arc<Semaphore>);

impl Answers {
    /// Makes the memory, all of it free.
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MAX_BYTES as usize)))
    }

    /// Holds memory for an answer until all of it is sent; returns a problem in its place when there is too little.
    pub(super) async fn hold(&self, answer: Response) -> Response {
        let Some(size) = answer.body().size_hint().exact().filter(|size| *size > SMALL_BYTES) else {
            return answer;
        };
        // An answer that is larger than all of the memory takes all of it.
        let bytes = u32::try_from(size).unwrap_or(u32::MAX).min(MAX_BYTES);
        let Ok(permit) = Arc::clone(&self.0).try_acquire_many_owned(bytes) else {
            let cause = "answers that were not taken yet take too much memory";
            return Problem::new(Code::Overloaded).cause(cause).into_response();
        };
        let (head, body) = answer.into_parts();
        match to_bytes(body, usize::MAX).await {
            Ok(bytes) => Response::from_parts(head, Body::from(Bytes::from_owner(Held { bytes, _permit: permit }))),
            Err(error) => Problem::new(Code::InternalError).cause(error).into_response(),
        }
    }
}

/// The bytes of an answer, which are dropped with their permit when the last one is sent.
struct Held {
    bytes: Bytes,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
