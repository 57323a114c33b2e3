//! The client: where the server is, and who asks.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::Method;
use reqwest::RequestBuilder;
use reqwest::header::AUTHORIZATION;
use reqwest::header::HeaderMap;
use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;
use url::Host;
use url::Url;

use crate::tls;

/// How long the way to the server may take.
const CONNECT: Duration = Duration::from_secs(10);

/// After how long without traffic the kernel asks whether the other side still lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Speaks to one server. Clones share its connections.
///
/// A proxy is used as `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say, but never for this machine.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    /// Its path ends with a slash.
    base: Url,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The text is no URL.
    #[error("{url:?} is no URL of a server")]
    NoUrl {
        /// The text.
        url: String,
        /// What is wrong with it.
        #[source]
        source: url::ParseError,
    },
    /// The URL is not that of a server of this API.
    #[error("the URL of a server begins with http:// or https:// and has no user, query or fragment: {0:?}")]
    OtherUrl(String),
    /// The key cannot be sent.
    #[error("a key has visible ASCII characters only")]
    Key,
    /// What encryption needs is missing.
    #[error("failed to prepare encryption")]
    Tls(#[from] rustls::Error),
    /// The HTTP client cannot be made.
    #[error("failed to prepare connections")]
    Http(#[from] reqwest::Error),
}

impl Client {
    /// Makes a client of the server at `base_url`, such as `https://runbay.example` or `http://localhost:8080/api`.
    ///
    /// `key` is sent with each request.
    ///
    /// # Errors
    ///
    /// [`ClientError`] when the URL or the key cannot be used. Nothing is sent.
    pub fn new(base_url: &str, key: Option<&str>) -> Result<Self, ClientError> {
        let base = parse(base_url)?;
        let tls = if base.scheme() == "https" { tls::trust_the_host() } else { tls::trust_nobody() }?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .default_headers(headers(key)?)
            .user_agent(concat!("runbay-client/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .tcp_keepalive(KEEP_ALIVE)
            // The key is for this server, and what a redirect makes of a POST is not what was meant.
            .redirect(Policy::none());
        if is_this_machine(&base) {
            builder = builder.no_proxy();
        }
        Ok(Self { http: builder.build()?, base })
    }

    /// Begins a request to the path that these segments make below the base.
    pub(crate) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        self.http.request(method, url)
    }
}

fn parse(text: &str) -> Result<Url, ClientError> {
    let mut url = Url::parse(text).map_err(|source| ClientError::NoUrl { url: text.to_owned(), source })?;
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && matches!(url.scheme(), "http" | "https");
    if !is_plain {
        // A password is not repeated.
        _ = url.set_password(None);
        return Err(ClientError::OtherUrl(url.into()));
    }
    Ok(url)
}

fn headers(key: Option<&str>) -> Result<HeaderMap, ClientError> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ClientError::Key);
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| ClientError::Key)?;
        // Neither logs nor error messages show it.
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(base: &str) -> String {
        let client = Client::new(base, None).unwrap();
        client.request(Method::GET, &["executions", "a/b", "events"]).build().unwrap().url().to_string()
    }

    #[test]
    fn paths_are_below_the_base() {
        for (base, url) in [
            ("http://localhost:8080", "http://localhost:8080/executions/a%2Fb/events"),
            ("http://localhost:8080/", "http://localhost:8080/executions/a%2Fb/events"),
            ("https://host.example/runbay/api", "https://host.example/runbay/api/executions/a%2Fb/events"),
            ("https://host.example/runbay/api/", "https://host.example/runbay/api/executions/a%2Fb/events"),
        ] {
            assert_eq!(path(base), url);
        }
    }

    #[test]
    fn other_urls_are_refused_without_their_password() {
        assert!(matches!(Client::new("localhost:8080", None), Err(ClientError::OtherUrl(_))));
        assert!(matches!(Client::new("8080", None), Err(ClientError::NoUrl { .. })));
        for url in ["ftp://host", "http://host/?a=b", "http://host/#a", "http://me:secret@host"] {
            let error = Client::new(url, None).unwrap_err().to_string();
            assert!(error.starts_with("the URL of a server begins with") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        let client = Client::new("http://localhost", Some("rb_secret")).unwrap();
        assert!(!format!("{client:?}").contains("rb_secret"));
        for key in ["", "a b", "a\n", "ž"] {
            assert!(matches!(Client::new("http://localhost", Some(key)), Err(ClientError::Key)), "{key:?}");
        }
    }
}
