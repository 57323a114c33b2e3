//! Which client a request or a connection belongs to.

use std::convert::Infallible;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use runbay_shares::Client;
use runbay_shares::Share;

/// The most addresses of `X-Forwarded-For` that are looked at, from the last one on.
const MAX_PROXIES: usize = 8;

/// How clients are told from each other, as the operator has set it up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clients {
    /// Proxies beside those on this machine, whose `X-Forwarded-For` is believed.
    proxies: Vec<AddressRange>,
    /// Who passes on the requests of many, beside the programs on this machine.
    bulk: Vec<AddressRange>,
}

/// Addresses with the same first bits, such as `10.0.0.0/8`, or a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    address: IpAddr,
    bits: u32,
}

/// Says that a text is no range of addresses.
#[derive(Debug, thiserror::Error)]
#[error("must be an address or a range of addresses, such as 10.0.0.5 or 10.0.0.0/8")]
pub struct InvalidRange;

impl Clients {
    /// Believes what these proxies say of their clients, and gives these clients the share of those who pass on the
    /// requests of many. Programs on this machine are both by themselves.
    #[must_use]
    pub const fn new(proxies: Vec<AddressRange>, bulk: Vec<AddressRange>) -> Self {
        Self { proxies, bulk }
    }

    /// Returns the client at the other end of a connection, where a proxy stands for all its clients.
    pub(crate) fn of_peer(&self, peer: IpAddr) -> Client {
        let is_bulk = self.is_proxy(peer) || has(&self.bulk, peer);
        Client::of_address(peer, if is_bulk { Share::Bulk } else { Share::Ordinary })
    }

    /// Returns the client that a request comes from.
    pub(crate) fn of_request(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let Some(address) = self.is_proxy(peer).then(|| self.forwarded(headers)).flatten() else {
            return self.of_peer(peer);
        };
        // A forwarded address is believed, and gives no more rights than the operator has given it by name.
        let share = if has(&self.bulk, address) { Share::Bulk } else { Share::Ordinary };
        Client::of_address(address, share)
    }

    /// Returns the last address that the proxies have not written of each other.
    fn forwarded(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let lines = headers.get_all("x-forwarded-for").into_iter().rev();
        let entries = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.rsplit(','));
        let mut nearest = None;
        for entry in entries.take(MAX_PROXIES) {
            // What stands before an entry that is no address may be anything.
            let Some(address) = address(entry.trim()) else { break };
            nearest = Some(address);
            if !self.is_proxy(address) {
                break;
            }
        }
        nearest
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        address.to_canonical().is_loopback() || has(&self.proxies, address)
    }
}

/// Reads an address as proxies write it: some add the port.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.trim_start_matches('[').split(']').next().unwrap_or_default();
    text.parse()
        .or_else(|_| text.parse().map(|with_port: std::net::SocketAddr| with_port.ip()))
        .ok()
        .or_else(|| plain.parse().ok())
}

fn has(ranges: &[AddressRange], address: IpAddr) -> bool {
    ranges.iter().any(|range| range.has(address))
}

impl AddressRange {
    fn has(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(range), IpAddr::V4(address)) => {
                same(range.to_bits().into(), address.to_bits().into(), self.bits, 32)
            }
            (IpAddr::V6(range), IpAddr::V6(address)) => same(range.to_bits(), address.to_bits(), self.bits, 128),
            _ => false,
        }
    }
}

/// Returns whether two numbers of `length` bits have the same first `bits`.
fn same(one: u128, other: u128, bits: u32, length: u32) -> bool {
    (one ^ other).checked_shr(length - bits).unwrap_or(0) == 0
}

impl FromStr for AddressRange {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, InvalidRange> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| InvalidRange)?;
        let length = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(length), |bits| bits.parse().map_err(|_| InvalidRange))?;
        if bits > length { Err(InvalidRange) } else { Ok(Self { address: address.to_canonical(), bits }) }
    }
}

/// The client that asks; absent in tests of a single route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking(pub(crate) Option<Client>);

impl<S: Sync> FromRequestParts<S> for Asking {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().copied()))
    }
}

/// Returns the client of a request without an address, as in tests.
pub(crate) const fn nowhere() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients() -> Clients {
        Clients::new(vec!["10.1.0.0/16".parse().unwrap()], vec!["10.2.0.7".parse().unwrap()])
    }

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let client = clients().of_request(peer.parse().unwrap(), &headers);
        format!("{client} {:?}", client.share())
    }

    #[test]
    fn proxies_on_this_machine_and_those_that_are_named_are_believed() {
        assert_eq!(client("127.0.0.1", &["203.0.113.9"]), "address 203.0.113.9 Ordinary");
        assert_eq!(client("10.1.2.3", &["203.0.113.9, 10.1.0.1"]), "address 203.0.113.9 Ordinary");
        assert_eq!(client("::1", &["203.0.113.9", "203.0.113.10:4711"]), "address 203.0.113.10 Ordinary");
        assert_eq!(client("127.0.0.1", &["[2001:db8::1]:443"]), "network 2001:db8::/64 Ordinary");
        assert_eq!(client("10.3.0.1", &["203.0.113.9"]), "address 10.3.0.1 Ordinary", "anybody can write it");
    }

    #[test]
    fn what_clients_wrote_before_the_proxy_counts_for_nothing() {
        assert_eq!(client("127.0.0.1", &["127.0.0.1, 203.0.113.9"]), "address 203.0.113.9 Ordinary");
        assert_eq!(client("127.0.0.1", &["198.51.100.1, x, 10.1.0.1"]), "address 10.1.0.1 Ordinary");
        assert_eq!(client("127.0.0.1", &["nobody"]), "address 127.0.0.1 Bulk");
        assert_eq!(client("127.0.0.1", &["127.0.0.1"]), "address 127.0.0.1 Ordinary", "a claim gives no rights");
    }

    #[test]
    fn who_passes_on_the_requests_of_many_has_a_larger_share() {
        for peer in ["127.0.0.1", "127.0.0.2", "::1", "10.1.9.9", "10.2.0.7", "::ffff:127.0.0.1"] {
            assert!(client(peer, &[]).ends_with(" Bulk"), "{peer}");
        }
        assert_eq!(client("10.2.0.8", &[]), "address 10.2.0.8 Ordinary");
        assert_eq!(client("127.0.0.1", &["10.2.0.7"]), "address 10.2.0.7 Bulk");
    }

    #[test]
    fn a_range_has_an_address_and_perhaps_a_number_of_bits() {
        for text in ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "::/129", "example.org"] {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
        let everybody: AddressRange = "0.0.0.0/0".parse().unwrap();
        assert!(everybody.has([203, 0, 113, 9].into()));
        let network: AddressRange = "2001:db8::/32".parse().unwrap();
        assert!(network.has("2001:db8:1::1".parse().unwrap()) && !network.has("2001:db9::1".parse().unwrap()));
    }
}
