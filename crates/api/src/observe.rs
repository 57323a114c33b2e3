//! The outermost layer: gives every request an id, a face, a span and a log line, and counts it.

use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::extract::MatchedPath;
use axum::extract::RawPathParams;
use axum::extract::Request;
use axum::extract::State;
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use runbay_model::SessionId;
use tracing::Instrument;

use crate::client_address::ClientAddress;
use crate::client_address::forwarded_for;
use crate::face::Faces;
use crate::metrics::InFlight;
use crate::metrics::count_request;
use crate::request_id;
use crate::request_id::RequestId;

/// Names, traces and counts a request, and has its face write errors.
///
/// It is the outermost layer, so that every answer passes it.
pub(crate) async fn observe(State(faces): State<Faces>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = RequestId::of(request.headers());
    let face = faces.of(request.uri().path());
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(face);
    let method = known_name(request.method());
    // The template and not the path, which has ids in it: they are capabilities, and unbounded as labels.
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let client = request.extensions().get::<ClientAddress>().map(|client| client.0);
    let forwarded_for = forwarded_for(request.headers()).map(str::to_owned);
    let (mut head, body) = request.into_parts();
    let session = session_of(&mut head).await;
    let request = Request::from_parts(head, body);
    let span = tracing::info_span!(
        "request",
        request.id = id.as_str(),
        http.method = method,
        http.route = route,
        session.id = session.map(tracing::field::display),
        client.address = client.map(tracing::field::display),
        client.forwarded_for = forwarded_for,
    );

    async move {
        // CANCEL: dropped with the future when the client goes away before its answer.
        let _in_flight = InFlight::begin();
        let mut response = face.render(next.run(request).await, &id);
        response.headers_mut().insert(request_id::HEADER, id.header_value());
        let duration = start.elapsed();
        let status = response.status().as_u16();
        tracing::debug!(
            http.status = status,
            duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            "request answered"
        );
        count_request(method, route, status, duration);
        response
    }
    .instrument(span)
    .await
}

/// Returns the session that the path names.
async fn session_of(head: &mut Parts) -> Option<SessionId> {
    let parameters = RawPathParams::from_request_parts(head, &()).await.ok()?;
    let (_, id) = parameters.iter().find(|(name, _)| *name == "session_id")?;
    id.parse().ok()
}

/// Returns one name of a fixed list, because clients may invent methods.
fn known_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
