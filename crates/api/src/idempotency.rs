//! The header `Idempotency-Key`.

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::request::Parts;
use runbay_model::IdempotencyKey;
use runbay_model::InvalidIdempotencyKey;

use crate::problem::Code;
use crate::problem::Problem;

/// The header of an answer that repeats an earlier one.
pub(crate) const REPLAYED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));

/// The header that carries the key.
pub(crate) const HEADER: &str = "idempotency-key";

/// The key of a request, if it has one.
#[derive(Debug)]
pub(crate) struct OptionalKey(pub(crate) Option<IdempotencyKey>);

impl<S: Sync> FromRequestParts<S> for OptionalKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(HEADER).iter();
        let Some(value) = values.next() else {
            return Ok(Self(None));
        };
        if values.next().is_some() {
            return Err(Problem::new(Code::InvalidHeader).field(HEADER, "must be there once"));
        }
        let key = value.to_str().map_err(|_| InvalidIdempotencyKey).and_then(str::parse);
        key.map(Some).map(Self).map_err(|error| Problem::new(Code::InvalidHeader).field(HEADER, error))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn key(values: &[&[u8]]) -> Result<Option<String>, String> {
        let (mut parts, ()) = Request::new(()).into_parts();
        for value in values {
            parts.headers.append(HEADER, HeaderValue::from_bytes(value).unwrap());
        }
        match OptionalKey::from_request_parts(&mut parts, &()).await {
            Ok(OptionalKey(key)) => Ok(key.map(|key| key.to_string())),
            Err(problem) => Err(problem.details()[0].clone()),
        }
    }

    #[tokio::test]
    async fn a_key_is_there_once_and_visible() {
        assert_eq!(key(&[]).await, Ok(None));
        assert_eq!(key(&[b"lesson-7/run-1"]).await, Ok(Some("lesson-7/run-1".to_owned())));
        let rule = "idempotency-key: must have 1 to 255 visible ASCII characters";
        for value in [b"".as_slice(), b"a b", b"\xc5\xbe", &[b'a'; 256]] {
            assert_eq!(key(&[value]).await, Err(rule.to_owned()));
        }
        assert_eq!(key(&[b"a", b"a"]).await, Err("idempotency-key: must be there once".to_owned()));
    }
}
