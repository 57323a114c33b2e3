//! A port that stays the same while its server is down.

use std::net::Ipv4Addr;
use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A loopback port that nobody else gets, even while no server listens on it.
///
/// A bound socket that does not listen keeps the kernel from handing out the port, and refuses connections. A server
/// can listen on it all the same, as both ask for `SO_REUSEADDR`; PostgreSQL, MariaDB and Redis do.
#[derive(Debug)]
pub(super) struct Port {
    number: u16,
    _reserved: TcpSocket,
}

impl Port {
    pub(super) fn reserve() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket can be opened");
        socket.set_reuseaddr(true).expect("the option exists");
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a loopback port is free");
        let number = socket.local_addr().expect("the socket is bound").port();
        Self { number, _reserved: socket }
    }

    pub(super) const fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::TcpListener;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_server_can_come_and_go_on_a_reserved_port() {
        let port = Port::reserve();
        let address = (Ipv4Addr::LOCALHOST, port.number());
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        for _ in 0..2 {
            // The standard library sets SO_REUSEADDR on listeners.
            let server = TcpListener::bind(address).unwrap();
            TcpStream::connect(address).unwrap();
            server.accept().unwrap();
        }
    }

    #[test]
    fn nobody_is_given_a_reserved_port() {
        let reserved: Vec<Port> = (0..200).map(|_| Port::reserve()).collect();
        let numbers: std::collections::HashSet<u16> = reserved.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), reserved.len());
        let others: Vec<TcpListener> = (0..200).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
        assert!(others.iter().all(|other| !numbers.contains(&other.local_addr().unwrap().port())));
    }
}
