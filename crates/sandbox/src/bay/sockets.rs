//! How many sockets a bay may have.
//!
//! What they hold counts for the bay only in part (`policy/rules/sockets.rs`), so there are only so many that all of
//! them together hold little beyond its memory limit: with the settings of its network (`forker/network.rs`) a
//! connection holds up to 32 KiB for which nobody pays, and a datagram or netlink socket up to half a megabyte.

use std::os::fd::OwnedFd;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

/// All sockets of a bay, and connections that are not accepted yet.
const MOST: u64 = 512;

/// Those of them that are neither unix sockets nor TCP sockets in use, when one for datagrams or netlink is made.
const MOST_OTHERS: u64 = 32;

/// Where the kernel tells how many sockets there are in the bay's network namespace (proc(5)).
pub(super) struct Sockets {
    version_4: OwnedFd,
    /// None where the kernel has no version 6 of the internet protocol.
    version_6: Option<OwnedFd>,
    protocols: OwnedFd,
}

impl Sockets {
    pub(super) fn open() -> Result<Self, Errno> {
        let open = |path| rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        let version_6 = match open("/proc/net/sockstat6") {
            Err(Errno::NOENT) => None,
            result => Some(result?),
        };
        Ok(Self { version_4: open("/proc/net/sockstat")?, version_6, protocols: open("/proc/net/protocols")? })
    }

    /// Fails if there is no room for one more socket.
    pub(super) fn room_for(&self, family: i32, kind: i32) -> Result<(), Errno> {
        self.count()?.room_for(family, kind)
    }

    /// Fails if there is no room for the other end of a connection.
    pub(super) fn room_for_connection(&self) -> Result<(), Errno> {
        self.count()?.room_for_connection()
    }

    fn count(&self) -> Result<Count, Errno> {
        let version_6 = self.version_6.as_ref().map(read).transpose()?;
        let version_6 = version_6.as_deref().unwrap_or_default();
        Count::parse(&read(&self.version_4)?, version_6, &read(&self.protocols)?).ok_or(Errno::NOBUFS)
    }
}

/// Sockets that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    all: u64,
    /// TCP sockets that listen or are connected.
    tcp: u64,
    /// What these hold counts for the bay.
    unix: u64,
}

impl Count {
    /// Reads what is in `sockstat`, `sockstat6` and `protocols`.
    fn parse(version_4: &str, version_6: &str, protocols: &str) -> Option<Self> {
        let all = number(version_4, "sockets: used ")?;
        let tcp = number(version_4, "TCP: inuse ")? + number(version_6, "TCP6: inuse ").unwrap_or(0);
        // Two protocols; the name, the size of a socket, and how many there are.
        let unix = protocols.lines().filter(|line| line.starts_with("UNIX"));
        let unix = unix.filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok()).sum();
        Some(Self { all, tcp, unix })
    }

    fn room_for(self, family: i32, kind: i32) -> Result<(), Errno> {
        // Without the flags that may come with it, see socket(2).
        let is_stream = family != libc::AF_NETLINK && kind & 0xf == libc::SOCK_STREAM;
        let others = self.all.saturating_sub(self.tcp + self.unix);
        if !is_stream && others >= MOST_OTHERS {
            return Err(Errno::NOBUFS);
        }
        self.room_for_connection()
    }

    fn room_for_connection(self) -> Result<(), Errno> {
        if self.all < MOST { Ok(()) } else { Err(Errno::NOBUFS) }
    }
}

/// Reads a file of at most some thousand bytes, which the kernel writes anew each time.
fn read(file: &OwnedFd) -> Result<String, Errno> {
    let mut text = [0; 8192];
    let count = rustix::io::pread(file, &mut text, 0)?;
    Ok(String::from_utf8_lossy(&text[..count]).into_owned())
}

/// Returns the number that follows `start` in the line that begins with it.
fn number(text: &str, start: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(start))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION_4: &str = "sockets: used 31\nTCP: inuse 4 orphan 0 tw 2 alloc 18 mem 17\nUDP: inuse 3 mem 0\n";
    const VERSION_6: &str = "TCP6: inuse 5\nUDP6: inuse 6\n";

    #[test]
    fn both_versions_and_both_kinds_of_unix_sockets_count() {
        let protocols =
            "protocol  size sockets\nNETLINK   1104     13\nUNIX-STREAM 1024     33\nUNIX      1024      7\n";
        assert_eq!(Count::parse(VERSION_4, VERSION_6, protocols), Some(Count { all: 31, tcp: 9, unix: 40 }));
        assert_eq!(Count::parse(VERSION_4, "", ""), Some(Count { all: 31, tcp: 4, unix: 0 }));
        assert_eq!(Count::parse("", "", ""), None);
    }

    #[test]
    fn the_kernel_tells_of_this_process() {
        let _datagrams = std::net::UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let _pair = std::os::unix::net::UnixStream::pair().unwrap();
        let count = Sockets::open().unwrap().count().unwrap();
        assert!(count.all >= 3 && count.unix >= 2, "{count:?}");
    }

    #[test]
    fn there_is_less_room_for_datagrams_than_for_connections() {
        let datagrams = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
        let streams = libc::SOCK_STREAM | libc::SOCK_NONBLOCK;
        let room = |all, tcp, family, kind| Count { all, tcp, unix: 0 }.room_for(family, kind).is_ok();
        assert!(Count { all: 132, tcp: 50, unix: 60 }.room_for(libc::AF_INET, datagrams).is_ok());
        for (family, kind) in [(libc::AF_INET, datagrams), (libc::AF_INET6, datagrams), (libc::AF_NETLINK, streams)] {
            assert!(room(31, 0, family, kind) && room(300, 270, family, kind));
            assert!(!room(32, 0, family, kind) && !room(512, 500, family, kind));
        }
        assert!(room(511, 0, libc::AF_INET, streams) && !room(512, 0, libc::AF_INET, streams));
    }
}
