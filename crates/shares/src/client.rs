//! Who shares the service with others.

use std::fmt;
use std::net::IpAddr;
use std::net::Ipv6Addr;

use crate::Share;

/// Who shares the service with others: at present an address. Where there are keys, a key will be a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Client {
    name: Name,
    share: Share,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Name {
    Address(IpAddr),
}

impl Client {
    /// Makes the client of an address. All addresses of one IPv6 network of 64 bits are one client, because whoever has
    /// one of them has all.
    #[must_use]
    pub fn of_address(address: IpAddr, share: Share) -> Self {
        let address = match address.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64))
            }
            address => address,
        };
        Self { name: Name::Address(address), share }
    }

    /// Returns how much of a whole it may have.
    #[must_use]
    pub const fn share(self) -> Share {
        self.share
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Name::Address(address @ IpAddr::V6(network)) if !network.is_loopback() => write!(f, "network {address}/64"),
            Name::Address(address) => write!(f, "address {address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> Client {
        Client::of_address(address.parse().unwrap(), Share::Ordinary)
    }

    #[test]
    fn one_network_of_64_bits_is_one_client() {
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:1:2:3"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_ne!(client("10.0.0.1"), client("10.0.0.2"));
        assert_eq!(client("::ffff:10.0.0.1"), client("10.0.0.1"));
    }

    #[test]
    fn a_client_is_called_by_its_address() {
        assert_eq!(client("10.0.0.7").to_string(), "address 10.0.0.7");
        assert_eq!(client("2001:db8::7").to_string(), "network 2001:db8::/64");
        assert_eq!(client("::1").to_string(), "address ::1");
    }
}
