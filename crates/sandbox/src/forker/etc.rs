//! The small files of /etc that programs and the C library ask for.
//!
//! They are the same on every host: the host's own may be missing, and would tell of it.

/// Where they are, and what is in them.
pub(super) const FILES: &[(&str, &str)] = &[
    ("etc/group", include_str!("etc/group")),
    ("etc/host.conf", include_str!("etc/host.conf")),
    ("etc/hostname", include_str!("etc/hostname")),
    ("etc/hosts", include_str!("etc/hosts")),
    ("etc/networks", include_str!("etc/networks")),
    ("etc/nsswitch.conf", include_str!("etc/nsswitch.conf")),
    ("etc/passwd", include_str!("etc/passwd")),
    ("etc/protocols", include_str!("etc/protocols")),
    ("etc/resolv.conf", ""),
    ("etc/services", include_str!("etc/services")),
    ("etc/timezone", include_str!("etc/timezone")),
];

/// Links into /usr, with what they lead to where the host has it.
pub(super) const LINKS: &[(&str, &str)] =
    &[("etc/localtime", "/usr/share/zoneinfo/Etc/UTC"), ("etc/os-release", "../usr/lib/os-release")];

/// The name that the host has in bays, which must stand in `etc/hosts` as well.
pub(super) const HOST_NAME: &str = "runbay";

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(name: &str) -> impl Iterator<Item = Vec<&'static str>> {
        let (_, text) = FILES.iter().find(|(known, _)| *known == name).expect("the file is there");
        text.lines().map(|line| line.split_ascii_whitespace().collect())
    }

    #[test]
    fn the_hosts_own_name_leads_to_both_loopbacks() {
        for address in ["127.0.0.1", "::1"] {
            // Each is the first in its line, and so no alias of the other.
            for name in [HOST_NAME, "localhost"] {
                assert!(lines("etc/hosts").any(|line| line.starts_with(&[address, name])), "{address} {name}");
            }
        }
        assert_eq!(lines("etc/hostname").collect::<Vec<_>>(), [[HOST_NAME]]);
    }

    #[test]
    fn services_and_protocols_have_numbers() {
        for line in lines("etc/services") {
            let (port, protocol) = line[1].split_once('/').expect("a port and a protocol");
            assert!(port.parse::<u16>().is_ok(), "{line:?}");
            assert!(lines("etc/protocols").any(|known| known[0] == protocol), "{line:?}");
        }
        assert!(lines("etc/protocols").all(|line| line[1].parse::<u16>().is_ok()));
    }
}
