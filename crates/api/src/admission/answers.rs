//! The memory for answers that clients have not taken yet.

use axum::body::Body;
use axum::body::Bytes;
use axum::body::HttpBody;
use axum::body::to_bytes;
use axum::response::IntoResponse;
use axum::response::Response;
use runbay_shares::Client;
use runbay_shares::Held as HeldShare;
use runbay_shares::NoRoom;
use runbay_shares::Shares;

use crate::problem::Code;
use crate::problem::Problem;

/// The largest answer that is not counted; a connection has at most one at a time.
const SMALL_BYTES: u64 = 64 * 1024;

/// The most bytes of answers that are held at one time.
pub(super) const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The memory for answers; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Answers(Shares);

impl Answers {
    /// Makes the memory, all of it free.
    pub(super) fn new() -> Self {
        Self(Shares::of(MAX_BYTES))
    }

    /// Takes memory for a part of an answer that is sent piece by piece; none for a small one.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] when there is too little.
    pub(super) fn take(&self, client: Client, bytes: u64) -> Result<Option<HeldShare>, NoRoom> {
        if bytes <= SMALL_BYTES { Ok(None) } else { self.0.take(client, bytes.min(MAX_BYTES)).map(Some) }
    }

    /// Holds memory for an answer until all of it is sent; returns a problem in its place when there is too little.
    pub(super) async fn hold(&self, client: Client, answer: Response) -> Response {
        let Some(size) = answer.body().size_hint().exact().filter(|size| *size > SMALL_BYTES) else {
            return answer;
        };
        // An answer that is larger than all of the memory takes all of it.
        let held = match self.0.take(client, size.min(MAX_BYTES)) {
            Ok(held) => held,
            Err(NoRoom::Share { held, whole }) => {
                return Problem::of_share(client, "bytes of answers that were not taken yet", held, whole)
                    .into_response();
            }
            Err(NoRoom::Full) => {
                let cause = "answers that were not taken yet take too much memory";
                return Problem::new(Code::Overloaded).cause(cause).into_response();
            }
        };
        let (head, body) = answer.into_parts();
        match to_bytes(body, usize::MAX).await {
            Ok(bytes) => Response::from_parts(head, Body::from(Bytes::from_owner(Held { bytes, _held: held }))),
            Err(error) => Problem::new(Code::InternalError).cause(error).into_response(),
        }
    }
}

/// The bytes of an answer, which are dropped with their room when the last one is sent.
struct Held {
    bytes: Bytes,
    _held: HeldShare,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
