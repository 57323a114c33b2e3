//! Ids in paths.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use runbay_model::ExecutionId;
use runbay_model::InvalidId;
use runbay_model::SessionId;

use crate::problem::Code;
use crate::problem::Problem;

/// The id in the path of a request; a path has at most one.
pub(crate) struct Path<T>(pub(crate) T);

/// A type of ids in paths.
pub(crate) trait IdParameter: FromStr<Err = InvalidId> + Send {
    /// The name of the parameter in the path template.
    const NAME: &'static str;
}

impl IdParameter for SessionId {
    const NAME: &'static str = "session_id";
}

impl IdParameter for ExecutionId {
    const NAME: &'static str = "execution_id";
}

impl<S: Send + Sync, T: IdParameter> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // A path that is not UTF-8 once it is decoded has no id either.
        let text = axum::extract::Path::<String>::from_request_parts(parts, state).await.map_err(|_| InvalidId);
        let id = text.and_then(|axum::extract::Path(text)| text.parse());
        id.map(Self).map_err(|error| Problem::new(Code::InvalidId).field(T::NAME, error))
    }
}
