//! Who can reach the server, and what that changes for a request.
//!
//! There are no keys, so everybody who can send a request is taken at their word. What protects the server is who can
//! send one: programs on this machine may do everything, and everybody else has to know the id of what they ask for.

mod cors;
mod origin;
mod pages;
mod reach;

use std::net::SocketAddr;

pub(crate) use cors::cors;
pub use origin::AllowedOrigins;
pub use origin::OriginError;
pub use origin::WebOrigin;
pub(crate) use pages::guard;
pub use reach::Reach;

/// Who can reach the server, as the operator has set it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    listening: Listening,
    /// Where proxies and browsers reach the server, apart from the address that it listens on.
    public: Vec<WebOrigin>,
    allowed: AllowedOrigins,
}

/// For whom the server runs programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// People and programs on this machine.
    ThisMachine,
    /// Others as well.
    Others,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listening {
    /// Only programs on this machine can connect, browsers and proxies among them.
    Loopback,
    /// Other machines can.
    Network,
}

impl Exposure {
    /// Returns who can reach a server that listens on `address`, under no other name and for no page but its own.
    #[must_use]
    pub fn of(address: SocketAddr) -> Self {
        let loopback = address.ip().to_canonical().is_loopback();
        let listening = if loopback { Listening::Loopback } else { Listening::Network };
        Self { listening, public: Vec::new(), allowed: AllowedOrigins::default() }
    }

    /// Adds where else the server is reached, as over a proxy.
    #[must_use]
    pub fn public(mut self, origins: Vec<WebOrigin>) -> Self {
        self.public = origins;
        self
    }

    /// Sets whose pages may use the API beside those of the server itself.
    #[must_use]
    pub fn allowed(mut self, origins: AllowedOrigins) -> Self {
        self.allowed = origins;
        self
    }

    /// Returns for whom the server runs programs.
    #[must_use]
    pub fn audience(&self) -> Audience {
        if self.listening == Listening::Loopback && self.public.is_empty() {
            Audience::ThisMachine
        } else {
            Audience::Others
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loopback_server_without_a_public_name_is_for_this_machine() {
        for (address, audience) in [
            ("127.0.0.1:1", Audience::ThisMachine),
            ("[::1]:1", Audience::ThisMachine),
            ("[::ffff:127.0.0.1]:1", Audience::ThisMachine),
            ("0.0.0.0:1", Audience::Others),
            ("[::]:1", Audience::Others),
            ("10.0.0.5:1", Audience::Others),
        ] {
            assert_eq!(Exposure::of(address.parse().unwrap()).audience(), audience, "{address}");
        }
        let behind_a_proxy = Exposure::of("127.0.0.1:1".parse().unwrap());
        let behind_a_proxy = behind_a_proxy.public(vec!["https://code.example".parse().unwrap()]);
        assert_eq!(behind_a_proxy.audience(), Audience::Others);
    }
}
