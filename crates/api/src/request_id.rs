//! The id under which the logs have a request.

use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use uuid::Uuid;

/// The header that carries the id in both directions.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id, in bytes, that is taken from a client.
const LONGEST: usize = 64;

/// Names a request in answers and logs.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// Takes the id that the client sent if it is short and plain, else makes one.
    ///
    /// The id is written into log lines, so it must hold nothing that could forge or flood them.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        headers.get(HEADER).filter(|value| is_plain(value.as_bytes())).cloned().map_or_else(Self::random, Self)
    }

    /// Returns the id as text.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Returns the id as the value of a header.
    pub(crate) fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }

    fn random() -> Self {
        let id = Uuid::new_v4().hyphenated().to_string();
        Self(HeaderValue::try_from(id).expect("a UUID is a valid header value"))
    }
}

fn is_plain(id: &[u8]) -> bool {
    (1..=LONGEST).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(sent: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, sent.parse().unwrap());
        RequestId::of(&headers).as_str().to_owned()
    }

    #[test]
    fn a_plain_id_is_kept() {
        assert_eq!(id_of("build-42.step:7_a"), "build-42.step:7_a");
    }

    #[test]
    fn anything_else_is_replaced() {
        for sent in ["", "a b", "a\"b", &"a".repeat(65)] {
            assert_eq!(id_of(sent).len(), 36, "{sent:?}");
        }
        assert_eq!(RequestId::of(&HeaderMap::new()).as_str().len(), 36);
    }
}
