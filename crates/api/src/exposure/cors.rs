//! What browsers are told about pages of other origins (Fetch standard, section 3.2, CORS).

use std::time::Duration;

use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::header::AUTHORIZATION;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::LOCATION;
use axum::http::header::RETRY_AFTER;
use tower_http::cors::AllowOrigin;
use tower_http::cors::CorsLayer;

use super::AllowedOrigins;
use super::Exposure;
use super::WebOrigin;
use crate::idempotency;
use crate::request_id;

/// How long browsers may remember the answer to a preflight; the most that they all take.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Returns the layer that lets pages of the allowed origins use the API; none where there are no such origins.
pub(crate) fn cors(exposure: &Exposure) -> Option<CorsLayer> {
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::PUT, Method::DELETE])
        .allow_headers([
            CONTENT_TYPE,
            AUTHORIZATION,
            HeaderName::from_static("idempotency-key"),
            request_id::HEADER,
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([LOCATION, RETRY_AFTER, idempotency::REPLAYED.0, request_id::HEADER])
        .max_age(REMEMBERED);
    match &exposure.allowed {
        AllowedOrigins::None => None,
        AllowedOrigins::Any => Some(layer.allow_origin(AllowOrigin::any())),
        AllowedOrigins::These(origins) => {
            let origins = origins.clone();
            let listed = move |origin: &HeaderValue| {
                let origin = origin.to_str().ok().and_then(|origin| origin.parse::<WebOrigin>().ok());
                origin.is_some_and(|origin| origins.contains(&origin))
            };
            // A public page may ask a server on loopback or in a private network only where that says so.
            let layer = layer.allow_credentials(true).allow_private_network(true);
            Some(layer.allow_origin(AllowOrigin::predicate(move |origin, _| listed(origin))))
        }
    }
}
