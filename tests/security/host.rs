//! What the host says of itself, whatever a bay's account says.

use std::fs;

/// Figures of the whole host at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Host {
    /// Memory that is in use and neither a process's own nor a copy of files: what the kernel keeps for itself.
    pub(crate) kernel_bytes: u64,
    /// Open files, of `fs.file-max`.
    pub(crate) files: u64,
    /// What TCP has, of `net.ipv4.tcp_mem`.
    pub(crate) tcp_bytes: u64,
}

impl Host {
    pub(crate) fn now() -> Self {
        let memory = fs::read_to_string("/proc/meminfo").expect("it can be read");
        let kilobytes = |name: &str| {
            let line = memory.lines().find(|line| line.split(':').next() == Some(name));
            number(line.unwrap_or_else(|| panic!("meminfo has {name}")), 1)
        };
        let told: u64 =
            ["MemFree", "Buffers", "Cached", "SwapCached", "AnonPages", "SReclaimable"].map(kilobytes).iter().sum();
        let sockets = fs::read_to_string("/proc/net/sockstat").expect("it can be read");
        let tcp = sockets.lines().find(|line| line.starts_with("TCP:")).expect("the host has TCP");
        Self {
            kernel_bytes: (kilobytes("MemTotal") - told) * 1024,
            files: number(&fs::read_to_string("/proc/sys/fs/file-nr").expect("it can be read"), 0),
            tcp_bytes: number(tcp, 10) * rustix::param::page_size() as u64,
        }
    }
}

/// Returns the word at a place in a line, which has to be a number.
fn number(line: &str, at: usize) -> u64 {
    let word = line.split_whitespace().nth(at);
    word.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("word {at} of {line:?} is a number"))
}
