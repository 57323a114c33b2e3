//! Origins of pages, such as `https://code.example` (RFC 6454).

use std::fmt;
use std::str::FromStr;

use axum::http::Uri;

/// The scheme, host and port that a page comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrigin {
    /// `http` or `https`.
    scheme: &'static str,
    /// The host in lower case, and the port where it is not that of the scheme.
    authority: String,
}

/// A text that is no origin; says what it should look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginError {
    written: String,
}

/// Whose pages may use the API beside those of the server itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Nobody's.
    #[default]
    None,
    /// Everybody's, without their cookies and logins.
    Any,
    /// Those of these origins.
    These(Vec<WebOrigin>),
}

impl WebOrigin {
    /// Returns the host, without the brackets of IPv6.
    pub(super) fn host(&self) -> &str {
        host(&self.authority)
    }
}

/// Returns the host of `host:port`, without the brackets of IPv6.
pub(super) fn host(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => authority.split(':').next().unwrap_or(authority),
    }
}

impl FromStr for WebOrigin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let error = || OriginError { written: text.to_owned() };
        let uri: Uri = text.parse().map_err(|_| error())?;
        let scheme = match uri.scheme_str() {
            Some("http") => "http",
            Some("https") => "https",
            _ => return Err(error()),
        };
        let authority = uri.authority().ok_or_else(error)?;
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none() && !authority.as_str().contains('@');
        let has_port = !authority.as_str().ends_with(authority.host());
        if !bare || authority.host().is_empty() || authority.host().contains('*') {
            return Err(error());
        }
        if has_port && authority.port_u16().is_none() {
            return Err(error());
        }
        let host = authority.host().to_ascii_lowercase();
        let authority = match (authority.port_u16(), scheme) {
            (None, _) | (Some(80), "http") | (Some(443), "https") => host,
            (Some(port), _) => format!("{host}:{port}"),
        };
        Ok(Self { scheme, authority })
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} must be scheme, host and, if it is not the usual one, port, without a path, such as \
             https://code.example or http://localhost:3000",
            self.written
        )
    }
}

impl std::error::Error for OriginError {}

impl AllowedOrigins {
    /// Returns whether pages of `origin` may use the API.
    pub(super) fn has(&self, origin: &str) -> bool {
        match self {
            Self::None => false,
            Self::Any => true,
            Self::These(origins) => origin.parse().is_ok_and(|origin: WebOrigin| origins.contains(&origin)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (text, origin) in [
            ("https://code.example", "https://code.example"),
            ("https://Code.Example/", "https://code.example"),
            ("https://code.example:443", "https://code.example"),
            ("http://code.example:443", "http://code.example:443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(text.parse::<WebOrigin>().unwrap().to_string(), origin);
        }
        for text in [
            "",
            "code.example",
            "ftp://code.example",
            "https://",
            "https://a/b",
            "https://a?b",
            "https://u@a",
            "null",
            "*",
            "https://*.a",
            "https://a:99999",
        ] {
            let error = text.parse::<WebOrigin>().unwrap_err().to_string();
            assert!(error.contains("such as https://code.example"), "{error}");
        }
    }

    #[test]
    fn a_host_has_no_port_and_no_brackets() {
        for (authority, name) in [("a.example:8", "a.example"), ("[::1]:80", "::1"), ("[::1]", "::1"), ("a", "a")] {
            assert_eq!(host(authority), name);
        }
    }

    #[test]
    fn allowed_origins_are_compared_as_a_whole() {
        let these = AllowedOrigins::These(vec!["https://lms.example".parse().unwrap()]);
        assert!(these.has("https://lms.example") && these.has("https://LMS.example:443"));
        for other in ["http://lms.example", "https://lms.example.evil.example", "https://lms.example:8443", "null", ""]
        {
            assert!(!these.has(other), "{other}");
            assert!(AllowedOrigins::Any.has(other) && !AllowedOrigins::None.has(other));
        }
    }
}
