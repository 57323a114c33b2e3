//! Where requests come from, for the log.

use std::net::IpAddr;

use axum::http::HeaderMap;

/// The longest `X-Forwarded-For` that is logged, in bytes: a handful of addresses.
const LONGEST_FORWARDED: usize = 200;

/// The address of the other end of the connection, which may be a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// Returns what proxies say of the client, if it looks like addresses.
pub(crate) fn forwarded_for(headers: &HeaderMap) -> Option<&str> {
    let said = headers.get("x-forwarded-for")?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:,[] ".contains(&byte);
    (said.len() <= LONGEST_FORWARDED && said.bytes().all(is_plain)).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", value.parse().unwrap());
        forwarded_for(&headers).map(str::to_owned)
    }

    #[test]
    fn only_addresses_reach_the_log() {
        for addresses in ["10.0.0.7", "10.0.0.7, 192.168.1.1", "[2001:db8::1]:443"] {
            assert_eq!(said(addresses).as_deref(), Some(addresses));
        }
        for text in ["<script>", "a\tb", "x\"y", &"1".repeat(201)] {
            assert_eq!(said(text), None, "{text}");
        }
    }
}
