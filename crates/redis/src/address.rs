//! The address of a Redis.

use std::fmt;
use std::str::FromStr;

use redis::Client;
use redis::ConnectionAddr;
use redis::ConnectionInfo;
use redis::IntoConnectionInfo;
use redis::ProtocolVersion;

/// The address of a Redis, with the name and the password to use there, which are never shown.
#[derive(Clone)]
pub struct Address {
    pub(crate) client: Client,
    shown: String,
}

/// Why a text is not the address of a Redis. The text is not shown, as it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// It does not have the form of an address.
    #[error(
        "not the address of a Redis: write redis://:password@host:6379/0, rediss://... for TLS, or \
         unix:///path/to/socket; characters such as @ / # in a password are written as %40 %2F %23"
    )]
    Malformed,
    /// It asks for something that is not supported.
    #[error("an address of a Redis ends before #; TLS without checking the certificate is not offered")]
    Fragment,
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        if text.contains('#') {
            return Err(InvalidAddress::Fragment);
        }
        // The reason is left out: it may quote a part of a password that was not escaped.
        let info = text.into_connection_info().map_err(|_| InvalidAddress::Malformed)?;
        // Only version 3 of the protocol lets the client tell when the connection breaks.
        let settings = info
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3)
            .set_lib_name("runbay", env!("CARGO_PKG_VERSION"));
        let info = info.set_redis_settings(settings);
        let shown = shown(&info);
        let client = Client::open(info).map_err(|_| InvalidAddress::Malformed)?;
        Ok(Self { client, shown })
    }
}

fn shown(info: &ConnectionInfo) -> String {
    match info.addr() {
        ConnectionAddr::Tcp(host, port) => format!("{}:{port}", bracketed(host)),
        ConnectionAddr::TcpTls { host, port, .. } => format!("{}:{port} (TLS)", bracketed(host)),
        ConnectionAddr::Unix(path) => path.display().to_string(),
        _ => "an unknown place".to_owned(),
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

impl Address {
    /// Returns whether the connection is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        matches!(self.client.get_connection_info().addr(), ConnectionAddr::TcpTls { .. })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_name_nor_password_is_shown() {
        for text in [
            "redis://somebody:s3cret@example.org:7000/2",
            "rediss://:s3cret@[::1]/",
            "unix:///run/redis/socket?user=somebody&pass=s3cret",
        ] {
            let address: Address = text.parse().unwrap();
            let shown = format!("{address} {address:?}");
            assert!(!shown.contains("s3cret") && !shown.contains("somebody"), "{shown}");
        }
    }

    #[test]
    fn every_kind_of_address_is_understood() {
        for (text, shown, encrypted) in [
            ("redis://localhost", "localhost:6379", false),
            ("valkey://localhost:1", "localhost:1", false),
            ("rediss://[::1]:7/1", "[::1]:7 (TLS)", true),
            ("unix:///run/redis/socket", "/run/redis/socket", false),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.is_encrypted()), (shown, encrypted));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_quoting_it() {
        for text in ["", "localhost", "http://s3cret", "redis://", "redis://:s3/cret@host", "redis://h/s3cret"] {
            let error = text.parse::<Address>().expect_err(text);
            assert!(!error.to_string().contains("s3"), "{error}");
        }
        assert_eq!("rediss://host#insecure".parse::<Address>().err(), Some(InvalidAddress::Fragment));
    }
}
