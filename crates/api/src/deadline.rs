//! The longest time that a request may take.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;

use crate::problem::Code;
use crate::problem::Problem;

/// The longest `wait_ms`.
pub(crate) const MAX_WAIT_MS: u64 = 60_000;

const WORK: Duration = Duration::from_secs(30);

/// Answers 503 when a request takes longer than any healthy one.
pub(crate) async fn limit_time(request: Request, next: Next) -> Response {
    let limit = WORK + asked_wait(request.uri().query().unwrap_or_default());
    tokio::time::timeout(limit, next.run(request)).await.unwrap_or_else(|_| {
        Problem::new(Code::Timeout).cause(format!("not answered within {} s", limit.as_secs())).into_response()
    })
}

/// Reads `wait_ms` leniently: the route itself refuses what is wrong.
fn asked_wait(query: &str) -> Duration {
    let wait = query.split('&').filter_map(|pair| pair.strip_prefix("wait_ms=")?.parse().ok()).max();
    Duration::from_millis(wait.unwrap_or(0).min(MAX_WAIT_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_poll_has_its_wait_on_top() {
        assert_eq!(asked_wait("encoding=base64&wait_ms=2500"), Duration::from_millis(2500));
        assert_eq!(asked_wait("wait_ms=99999999"), Duration::from_millis(MAX_WAIT_MS));
        assert_eq!(asked_wait("wait_ms=-1"), Duration::ZERO);
        assert_eq!(asked_wait(""), Duration::ZERO);
    }
}
