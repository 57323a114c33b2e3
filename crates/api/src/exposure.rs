//! Protection of a loopback server from web pages.
//!
//! A page on the internet can make the browser of somebody who runs the service at home send requests to it. It
//! cannot forge two headers: `Host` names the page's own domain even when that domain resolves to 127.0.0.1 (DNS
//! rebinding), and `Origin` names the page on every write.

use std::net::IpAddr;
use std::net::SocketAddr;

use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::header::HOST;
use axum::http::header::ORIGIN;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;

use crate::problem::Code;
use crate::problem::Problem;

/// Who can reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// Only programs on this machine, browsers among them.
    Loopback,
    /// Other machines.
    Network,
}

impl Exposure {
    /// Returns who can reach a server that listens on `address`.
    #[must_use]
    pub fn of(address: SocketAddr) -> Self {
        if address.ip().to_canonical().is_loopback() { Self::Loopback } else { Self::Network }
    }
}

/// Refuses requests that a foreign web page makes a browser send to a loopback server.
pub(crate) async fn refuse_foreign_pages(State(exposure): State<Exposure>, request: Request, next: Next) -> Response {
    if exposure == Exposure::Network {
        return next.run(request).await;
    }
    match check(request.method(), request.uri().authority(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check(method: &Method, target: Option<&Authority>, headers: &HeaderMap) -> Result<(), Problem> {
    let host = headers.get(HOST).map(|host| host.to_str().unwrap_or_default());
    // A target in absolute form replaces the Host header (RFC 9112, section 3.2.2).
    let Some(host) = target.map(Authority::as_str).or(host) else {
        // Programs may leave it out; browsers never do.
        return Ok(());
    };
    if !is_loopback_name(host) {
        return Err(Problem::new(Code::ForeignHost)
            .detail("This server listens on loopback and answers only to its loopback names."));
    }
    if method.is_safe() {
        return Ok(());
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let own = ["http://", "https://"].iter().filter_map(|scheme| origin.strip_prefix(scheme));
    if own.into_iter().any(|authority| authority.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    Err(Problem::new(Code::ForeignOrigin).detail("Only pages of this server itself may change anything here."))
}

fn is_loopback_name(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else {
        return false;
    };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(method: &Method, headers: &[(&'static str, &str)]) -> Option<Code> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        check(method, None, &map).err().map(|problem| problem.code())
    }

    #[test]
    fn only_loopback_names_are_answered() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080", "[::ffff:127.0.0.1]"] {
            assert_eq!(code(&Method::GET, &[("host", host)]), None, "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "10.0.0.1:8080", "127.0.0.1.evil.example", "", "a b"] {
            assert_eq!(code(&Method::GET, &[("host", host)]), Some(Code::ForeignHost), "{host}");
        }
    }

    #[test]
    fn only_the_own_page_may_write() {
        let host = ("host", "localhost:8080");
        assert_eq!(code(&Method::POST, &[host]), None);
        assert_eq!(code(&Method::POST, &[host, ("origin", "http://localhost:8080")]), None);
        assert_eq!(code(&Method::GET, &[host, ("origin", "https://evil.example")]), None);
        for origin in
            ["https://evil.example", "null", "http://localhost:3000", "http://localhost:8080.evil.example", ""]
        {
            assert_eq!(code(&Method::POST, &[host, ("origin", origin)]), Some(Code::ForeignOrigin), "{origin}");
        }
    }

    #[test]
    fn the_target_replaces_the_host_header() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "localhost".parse().unwrap());
        let target = "evil.example".parse().unwrap();
        assert!(check(&Method::GET, Some(&target), &headers).is_err());
    }

    #[test]
    fn a_loopback_address_is_loopback_in_both_families() {
        assert_eq!(Exposure::of("127.0.0.1:1".parse().unwrap()), Exposure::Loopback);
        assert_eq!(Exposure::of("[::1]:1".parse().unwrap()), Exposure::Loopback);
        assert_eq!(Exposure::of("0.0.0.0:1".parse().unwrap()), Exposure::Network);
    }
}
