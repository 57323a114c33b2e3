//! Query strings.

use std::error::Error;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Code;
use crate::problem::Problem;

/// The query of a request, without the parameters that the route does not know.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|rejection| {
            // Only the source names the parameter.
            let complaint = rejection.source().map_or_else(|| rejection.body_text(), ToString::to_string);
            Problem::new(Code::InvalidQuery).complaint(complaint)
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Paging {
        #[expect(dead_code, reason = "only its type is of interest")]
        limit: Option<u8>,
    }

    #[tokio::test]
    async fn the_parameter_is_named() {
        let (mut parts, ()) = Request::get("/?limit=many").body(()).unwrap().into_parts();
        let problem = Query::<Paging>::from_request_parts(&mut parts, &()).await.err().unwrap();
        assert_eq!(problem.details(), ["limit: invalid digit found in string"]);
    }
}
