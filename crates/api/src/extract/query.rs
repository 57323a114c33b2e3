//! Query strings.

mod text;

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;

use self::text::Text;
use super::words::Complaint;
use super::words::complaint;
use crate::problem::Code;
use crate::problem::Problem;

/// Parameters of a request's query.
///
/// A parameter that is none of `T`'s may be another extractor's; the layer around all routes refuses those that are
/// nobody's.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let pairs = pairs(&parts.uri).into_iter().map(|(name, value)| (name, Text(value)));
        serde_path_to_error::deserialize(MapDeserializer::new(pairs)).map(Self).map_err(|error| {
            let path = error.path().to_string();
            let text = error.inner().to_string();
            let Complaint { member, message } = complaint(&text);
            Problem::new(Code::InvalidQuery).field(member.unwrap_or(&path), message)
        })
    }
}

/// Returns the parameters of a request, decoded.
pub(crate) fn pairs(uri: &Uri) -> Vec<(String, String)> {
    // Every query is a list of pairs of texts.
    axum::extract::Query::try_from_uri(uri).map(|query| query.0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Parameters {
        limit: Option<u8>,
        erase: Option<bool>,
        encoding: Option<Encoding>,
        ids: String,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Encoding {
        Text,
        Base64,
    }

    async fn read(query: &str) -> Result<Parameters, String> {
        let (mut parts, ()) = Request::get(format!("/?{query}")).body(()).unwrap().into_parts();
        match Query::from_request_parts(&mut parts, &()).await {
            Ok(Query(parameters)) => Ok(parameters),
            Err(problem) => {
                assert_eq!(problem.code(), Code::InvalidQuery);
                Err(problem.details().join("\n"))
            }
        }
    }

    #[tokio::test]
    async fn values_are_read_by_the_type_of_their_parameter() {
        let read = read("ids=a%2Cb&limit=5&erase=true&encoding=base64&other=1").await;
        let (limit, erase, encoding) = (Some(5), Some(true), Some(Encoding::Base64));
        assert_eq!(read, Ok(Parameters { limit, erase, encoding, ids: "a,b".to_owned() }));
    }

    #[tokio::test]
    async fn the_parameter_is_named() {
        for (query, complaint) in [
            ("ids=&limit=many", "limit: must be an integer from 0 on"),
            ("ids=&limit=", "limit: must be an integer from 0 on"),
            ("ids=&limit=256", "limit: must be an integer from 0 on, not 256"),
            ("ids=&erase=yes", "erase: must be true or false"),
            ("ids=&encoding=Text", "encoding: must be text or base64; did you mean text?"),
            ("ids=&limit=1&limit=2", "limit: must be there once, under one name"),
            ("", "ids: is missing"),
        ] {
            assert_eq!(read(query).await, Err(complaint.to_owned()), "{query}");
        }
    }
}
