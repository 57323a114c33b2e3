//! Where a request comes from.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::Version;
use axum::http::header::HOST;
use axum::http::header::ORIGIN;
use axum::http::header::REFERER;
use axum::http::request::Parts;
use axum::http::uri::Authority;

use super::Audience;
use super::Exposure;
use super::origin::WebOrigin;
use super::origin::host;
use crate::problem::Code;
use crate::problem::Problem;

/// What proxies and content delivery networks add; programs on the same machine have no use for any of it.
const PROXY_HEADERS: &[&str] = &[
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-proxyuser-ip",
    "x-host",
    "x-scheme",
    "client-ip",
    "true-client-ip",
    "cdn-loop",
    "max-forwards",
];
const PROXY_PREFIXES: &[&str] = &[
    "x-forwarded",
    "x-original-",
    "x-envoy-",
    "x-azure-",
    "x-arr-",
    "x-appengine-",
    "x-amzn-",
    "x-amz-cf-",
    "cf-",
    "fly-",
    "fastly-",
];

/// Where a request comes from.
///
/// It is only ever used to refuse: headers that claim to come from somewhere else take rights away and give none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// A program or a person on this machine.
    ThisMachine,
    /// Another machine, or one that cannot be told from it.
    Elsewhere,
    /// A proxy passed it on.
    Proxy,
}

impl Reach {
    /// Returns the refusal of a route for those who keep the service up.
    pub(crate) fn operations_refused() -> Problem {
        Problem::new(Code::OperationsRefused).detail(
            "There are no keys, so this is only for programs on the server's own machine, and only while it listens on \
             loopback and has no --public-url. With a database server, `runbay dead-letters` works there in any case, \
             and one more `runbay api` on loopback answers the rest.",
        )
    }
}

impl Exposure {
    /// Returns where a request comes from.
    pub(super) fn reach(&self, request: &Parts) -> Reach {
        let named = self.public.iter().any(|origin| names(request, origin));
        if named || was_forwarded(request) {
            Reach::Proxy
        } else if self.audience() == Audience::Others || is_of_foreign_page(&request.headers) {
            // A proxy that says nothing of itself asks just as a program on this machine does.
            Reach::Elsewhere
        } else {
            Reach::ThisMachine
        }
    }
}

/// Returns the host and port that a request asks for; none where a program left them out, as browsers never do.
pub(super) fn asked_host(request: &Parts) -> Option<&str> {
    // A target in absolute form replaces the Host header (RFC 9112, section 3.2.2).
    let target = request.uri.authority().map(Authority::as_str);
    target.or_else(|| request.headers.get(HOST).map(|host| host.to_str().unwrap_or_default()))
}

/// Returns whether a request asks for the host of `origin`; proxies may leave the port out.
pub(super) fn names(request: &Parts, origin: &WebOrigin) -> bool {
    asked_host(request).is_some_and(|asked| host(asked).trim_end_matches('.').eq_ignore_ascii_case(origin.host()))
}

/// Returns whether `authority` names the loopback of this machine.
pub(super) fn is_loopback_name(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else {
        return false;
    };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

fn was_forwarded(request: &Parts) -> bool {
    let by_header = request.headers.keys().any(|name| {
        let name = name.as_str();
        PROXY_HEADERS.contains(&name) || PROXY_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    });
    // nginx says nothing of itself unless it is told to, but asks in the old version.
    by_header || request.version < Version::HTTP_11
}

/// Returns whether a browser says that a page from another machine sent it here.
fn is_of_foreign_page(headers: &HeaderMap) -> bool {
    [ORIGIN, REFERER].iter().filter_map(|name| headers.get(name)).any(|page| {
        let page = page.to_str().unwrap_or_default();
        let authority = page.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
        !authority.is_some_and(is_loopback_name)
    })
}

impl<S: Sync> FromRequestParts<S> for Reach {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        // Only a route without the layers around it, in a test of its own, is asked without one.
        Ok(parts.extensions.get().copied().unwrap_or(Self::Elsewhere))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let request = Request::builder().uri("/code-sessions");
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .body(())
            .unwrap()
            .into_parts()
            .0
    }

    fn loopback() -> Exposure {
        Exposure::of("127.0.0.1:8080".parse().unwrap())
    }

    #[test]
    fn what_a_proxy_adds_makes_a_request_foreign() {
        let host = ("host", "127.0.0.1:8080");
        assert_eq!(loopback().reach(&parts(&[host])), Reach::ThisMachine);
        for name in
            ["forwarded", "via", "x-forwarded-for", "x-forwarded", "x-real-ip", "cf-connecting-ip", "x-envoy-peer"]
        {
            assert_eq!(loopback().reach(&parts(&[host, (name, "10.0.0.7")])), Reach::Proxy, "{name}");
            assert_eq!(loopback().reach(&parts(&[host, (name, "127.0.0.1")])), Reach::Proxy, "{name}");
        }
        let mut plain = parts(&[host]);
        plain.version = Version::HTTP_10;
        assert_eq!(loopback().reach(&plain), Reach::Proxy);
    }

    #[test]
    fn a_page_of_another_machine_makes_a_request_foreign() {
        let host = ("host", "127.0.0.1:8080");
        for (name, page, reach) in [
            ("origin", "http://localhost:8080", Reach::ThisMachine),
            ("referer", "http://127.0.0.1:8080/docs?a=b", Reach::ThisMachine),
            ("origin", "https://code.example", Reach::Elsewhere),
            ("origin", "null", Reach::Elsewhere),
            ("referer", "https://code.example/task/1", Reach::Elsewhere),
        ] {
            assert_eq!(loopback().reach(&parts(&[host, (name, page)])), reach, "{name}: {page}");
        }
    }

    #[test]
    fn with_a_public_name_nobody_is_known_to_be_here() {
        let exposure = loopback().public(vec!["https://code.example".parse().unwrap()]);
        assert_eq!(exposure.reach(&parts(&[("host", "127.0.0.1:8080")])), Reach::Elsewhere);
        for host in ["code.example", "CODE.example:443"] {
            assert_eq!(exposure.reach(&parts(&[("host", host)])), Reach::Proxy);
        }
        let network = Exposure::of("0.0.0.0:8080".parse().unwrap());
        assert_eq!(network.reach(&parts(&[("host", "127.0.0.1:8080")])), Reach::Elsewhere);
    }
}
