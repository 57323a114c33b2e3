//! What programs may not do with sockets.
//!
//! What sockets hold counts for a bay only in part: answers of netlink and datagrams count for nobody on version 1 of
//! cgroups, and what arrives for a connection counts nowhere until it is accepted. So each socket holds little (the
//! options here, and the settings in `forker/network.rs`), and there are not too many (`bay/counted.rs`).

use super::FILTERS;
use super::Rule;
use super::Test;
use super::always;
use super::when;
use super::word;

const FAMILIES: &str = "socket families other than unix, inet, inet6 and route are no use in a bay";
const PROTOCOLS: &str = "other protocols than TCP and UDP are no use in a bay, and the kernel loads modules for them";
const KERNEL_TLS: &str = "TLS in the kernel: no use on a loopback, and a history of kernel faults";
const URGENT_DATA: &str = "hardly used by anybody, and in unix sockets the way out of a browser's sandbox";
const KEPT: &str = "what it keeps for each connection or datagram counts for no memory limit";
const REPAIR: &str = "makes connections up; only for those who move processes between hosts";
const FLOW_LABELS: &str = "the host has so many labels for all sockets together";
const HOST_NUMBERS: &str = "tells how many network namespaces there have been, and so how many bays";
const BUFFERS: &str = "buffers do not count everywhere, so they have the size that the bay gives them";
const HELD: &str = "what it holds does not count everywhere";

/// Which network namespace a socket is in (Linux 5.14); libc does not name it.
const SO_NETNS_COOKIE: libc::c_int = 71;

/// The first of the options for another way to sign segments (Linux 6.7).
const TCP_AO_ADD_KEY: u32 = 38;

/// A rule for one option of setsockopt(2).
macro_rules! option {
    ($level:expr, $name:expr, $why:expr) => {
        when(libc::SYS_setsockopt, &[Test::Equal(1, word($level)), Test::Equal(2, word($name))], $why)
    };
}

/// The families inet (2) and inet6 (10), which differ in one bit.
const INTERNET: Test = Test::EqualBut(0, word(libc::AF_INET), word(libc::AF_INET ^ libc::AF_INET6));

pub(super) const FORBIDDEN: &[Rule] = &[
    when(
        libc::SYS_socket,
        &[
            Test::NotEqual(0, word(libc::AF_UNIX)),
            Test::NotEqual(0, word(libc::AF_INET)),
            Test::NotEqual(0, word(libc::AF_INET6)),
            Test::NotEqual(0, word(libc::AF_NETLINK)),
        ],
        FAMILIES,
    ),
    when(
        libc::SYS_socket,
        // getifaddrs(3) and the runtimes that list interfaces need NETLINK_ROUTE, and no other protocol.
        &[Test::Equal(0, word(libc::AF_NETLINK)), Test::NotEqual(2, word(libc::NETLINK_ROUTE))],
        FAMILIES,
    ),
    // Linux makes pairs of unix sockets only, but the family's code runs first.
    when(libc::SYS_socketpair, &[Test::NotEqual(0, word(libc::AF_UNIX))], FAMILIES),
    when(
        libc::SYS_socket,
        &[
            INTERNET,
            Test::NotEqual(2, 0),
            Test::NotEqual(2, word(libc::IPPROTO_TCP)),
            Test::NotEqual(2, word(libc::IPPROTO_UDP)),
        ],
        PROTOCOLS,
    ),
    // The protocol 0 means the one that belongs to the type: of types 1 to 10, these bits leave stream and datagram.
    when(libc::SYS_socket, &[INTERNET, Test::HasFlags(1, 3)], PROTOCOLS),
    when(libc::SYS_socket, &[INTERNET, Test::HasFlags(1, 4)], PROTOCOLS),
    when(libc::SYS_socket, &[INTERNET, Test::HasFlags(1, 8)], PROTOCOLS),
    when(libc::SYS_sendto, &[Test::HasFlags(3, word(libc::MSG_OOB))], URGENT_DATA),
    when(libc::SYS_sendmsg, &[Test::HasFlags(2, word(libc::MSG_OOB))], URGENT_DATA),
    when(libc::SYS_sendmmsg, &[Test::HasFlags(3, word(libc::MSG_OOB))], URGENT_DATA),
    when(
        libc::SYS_getsockopt,
        &[Test::Equal(1, word(libc::SOL_SOCKET)), Test::Equal(2, word(SO_NETNS_COOKIE))],
        HOST_NUMBERS,
    ),
];

/// Answered with ENOPROTOOPT, as the kernel answers for options that it does not have.
pub(super) const UNKNOWN_OPTIONS: &[Rule] = &[
    option!(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, FILTERS),
    option!(libc::SOL_SOCKET, libc::SO_ATTACH_REUSEPORT_CBPF, FILTERS),
    option!(libc::IPPROTO_TCP, libc::TCP_ULP, KERNEL_TLS),
    option!(libc::IPPROTO_TCP, libc::TCP_MD5SIG, KEPT),
    option!(libc::IPPROTO_TCP, libc::TCP_MD5SIG_EXT, KEPT),
    option!(libc::IPPROTO_TCP, libc::TCP_SAVE_SYN, KEPT),
    option!(libc::IPPROTO_TCP, libc::TCP_FASTOPEN_KEY, KEPT),
    option!(libc::IPPROTO_TCP, libc::TCP_REPAIR, REPAIR),
    option!(libc::IPPROTO_TCP, libc::TCP_REPAIR_WINDOW, REPAIR),
    when(libc::SYS_setsockopt, &[Test::Equal(1, word(libc::IPPROTO_TCP)), Test::AtLeast(2, TCP_AO_ADD_KEY)], KEPT),
    // Datagrams that are held together, and protocols that are wrapped into them.
    when(libc::SYS_setsockopt, &[Test::Equal(1, word(libc::IPPROTO_UDP))], KEPT),
    option!(libc::IPPROTO_IPV6, libc::IPV6_FLOWLABEL_MGR, FLOW_LABELS),
];

/// Answered with success, without being done: the kernel takes such numbers for wishes, too.
pub(super) const FIXED_OPTIONS: &[Rule] =
    &[option!(libc::SOL_SOCKET, libc::SO_SNDBUF, BUFFERS), option!(libc::SOL_SOCKET, libc::SO_RCVBUF, BUFFERS)];

pub(super) const COUNTED: &[Rule] = &[
    when(libc::SYS_socket, &[INTERNET], HELD),
    when(libc::SYS_socket, &[Test::Equal(0, word(libc::AF_NETLINK))], HELD),
    // It makes the other end of the connection.
    always(libc::SYS_connect, HELD),
];
