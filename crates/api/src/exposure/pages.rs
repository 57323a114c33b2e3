//! Protection from web pages.
//!
//! A page on the internet can make the browser of somebody who runs the service at home send requests to it. It
//! cannot forge two headers: `Host` names the page's own domain even when that domain resolves to 127.0.0.1 (DNS
//! rebinding), and `Origin` names the page on every write.

use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use axum::http::header::ORIGIN;
use axum::http::header::UPGRADE;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;

use super::Exposure;
use super::Listening;
use super::WebOrigin;
use super::reach::asked_host;
use super::reach::is_loopback_name;
use super::reach::names;
use crate::problem::Code;
use crate::problem::Problem;

/// The longest host that a refusal quotes, in characters; names have 253 at most (RFC 1035).
const LONGEST_HOST: usize = 260;

/// Refuses requests that a foreign web page makes a browser send, and notes where all others come from.
pub(crate) async fn guard(State(exposure): State<Arc<Exposure>>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    if let Err(problem) = exposure.check(&head) {
        return problem.into_response();
    }
    let reach = exposure.reach(&head);
    head.extensions.insert(reach);
    next.run(Request::from_parts(head, body)).await
}

impl Exposure {
    fn check(&self, request: &Parts) -> Result<(), Problem> {
        let host = asked_host(request);
        if self.listening == Listening::Loopback
            && let Some(host) = host
            && !is_loopback_name(host)
            && !self.public.iter().any(|origin| names(request, origin))
        {
            let host: String = host.chars().take(LONGEST_HOST).collect();
            return Err(Problem::new(Code::ForeignHost).detail(format!(
                "The request asks for the host {host:?}. This server listens on loopback and answers to its loopback \
                 names and to those that --public-url or RUNBAY_PUBLIC_URL gives it. If it is reached so over a proxy, \
                 start it with that setting, or let the proxy pass on the host that the browser asked for."
            )));
        }
        // A page may open a WebSocket to anywhere, and what comes over it changes things.
        let may_change = !request.method.is_safe() || request.headers.contains_key(UPGRADE);
        let Some(origin) = request.headers.get(ORIGIN).filter(|_| may_change) else {
            return Ok(());
        };
        let origin = origin.to_str().unwrap_or_default();
        if self.is_own(origin, host) || self.allowed.has(origin) {
            return Ok(());
        }
        Err(Problem::new(Code::ForeignOrigin).detail(
            "Only pages of this server itself may change anything here, and those of the origins that --public-url and \
             --allowed-origins (RUNBAY_PUBLIC_URL, RUNBAY_ALLOWED_ORIGINS) name. If this page is yours, start the server \
             with its origin in one of them.",
        ))
    }

    /// Returns whether a page is one of the server itself: of the host that the request asks for, or of a public name.
    fn is_own(&self, origin: &str, host: Option<&str>) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else { return false };
        if !matches!(scheme, "http" | "https") {
            return false;
        }
        match host {
            Some(host) if authority.eq_ignore_ascii_case(host) => return true,
            // Browsers leave out the usual port of a page, and proxies may name it.
            Some(host) if format!("{scheme}://{host}").parse() == origin.parse::<WebOrigin>() => return true,
            None if is_loopback_name(authority) => return true,
            _ => {}
        }
        origin.parse().is_ok_and(|origin| self.public.contains(&origin))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use axum::http::Request;

    use super::*;
    use crate::exposure::AllowedOrigins;

    fn code(exposure: &Exposure, method: &Method, headers: &[(&str, &str)]) -> Option<Code> {
        let request = Request::builder().method(method).uri("/executions");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        exposure.check(&request.body(()).unwrap().into_parts().0).err().map(|problem| problem.code())
    }

    fn loopback() -> Exposure {
        Exposure::of("127.0.0.1:8080".parse().unwrap())
    }

    fn behind_a_proxy() -> Exposure {
        loopback().public(vec!["https://code.example".parse().unwrap()])
    }

    #[test]
    fn only_loopback_names_are_answered() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "127.1.2.3",
            "[::1]:8080",
            "[::ffff:127.0.0.1]",
            "localhost.",
        ] {
            assert_eq!(code(&loopback(), &Method::GET, &[("host", host)]), None, "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "10.0.0.1:8080", "127.0.0.1.evil.example", "", "a b"] {
            assert_eq!(code(&loopback(), &Method::GET, &[("host", host)]), Some(Code::ForeignHost), "{host}");
            assert_eq!(code(&behind_a_proxy(), &Method::GET, &[("host", host)]), Some(Code::ForeignHost), "{host}");
        }
        for host in ["code.example", "Code.Example", "code.example:443", "localhost:8080"] {
            assert_eq!(code(&behind_a_proxy(), &Method::GET, &[("host", host)]), None, "{host}");
        }
        // A header that a page may set for itself opens nothing.
        let claimed = [("host", "evil.example"), ("x-forwarded-host", "code.example")];
        assert_eq!(code(&behind_a_proxy(), &Method::GET, &claimed), Some(Code::ForeignHost));
    }

    #[test]
    fn only_the_own_page_may_write() {
        let host = ("host", "localhost:8080");
        assert_eq!(code(&loopback(), &Method::POST, &[host]), None);
        assert_eq!(code(&loopback(), &Method::POST, &[host, ("origin", "http://localhost:8080")]), None);
        assert_eq!(code(&loopback(), &Method::GET, &[host, ("origin", "https://evil.example")]), None);
        for origin in
            ["https://evil.example", "null", "http://localhost:3000", "http://localhost:8080.evil.example", ""]
        {
            let headers = [host, ("origin", origin)];
            assert_eq!(code(&loopback(), &Method::POST, &headers), Some(Code::ForeignOrigin), "{origin}");
        }
    }

    #[test]
    fn behind_a_proxy_the_public_page_may_write_whatever_host_the_proxy_names() {
        for host in ["code.example", "127.0.0.1:8080"] {
            let from = |origin| code(&behind_a_proxy(), &Method::POST, &[("host", host), ("origin", origin)]);
            assert_eq!(from("https://code.example"), None, "{host}");
            assert_eq!(from("https://evil.example"), Some(Code::ForeignOrigin), "{host}");
            assert_eq!(from("http://code.example:81"), Some(Code::ForeignOrigin), "{host}");
        }
    }

    #[test]
    fn a_page_of_another_host_is_refused_on_a_network_too() {
        let network = Exposure::of("0.0.0.0:8080".parse().unwrap());
        let headers = [("host", "10.0.0.5:8080"), ("origin", "https://evil.example")];
        assert_eq!(code(&network, &Method::POST, &headers), Some(Code::ForeignOrigin));
        let usual_port = [("host", "code.example:443"), ("origin", "https://code.example")];
        assert_eq!(code(&network, &Method::POST, &usual_port), None);
        let told = network.allowed(AllowedOrigins::These(vec!["https://lms.example".parse().unwrap()]));
        assert_eq!(code(&told, &Method::POST, &headers), Some(Code::ForeignOrigin));
        for origin in ["https://lms.example", "http://10.0.0.5:8080"] {
            assert_eq!(code(&told, &Method::POST, &[("host", "10.0.0.5:8080"), ("origin", origin)]), None, "{origin}");
        }
    }

    #[test]
    fn the_target_replaces_the_host_header() {
        let request = Request::builder().uri("http://evil.example/").header("host", "localhost");
        let (request, ()) = request.body(()).unwrap().into_parts();
        assert!(loopback().check(&request).is_err());
    }
}
