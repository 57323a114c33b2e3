//! What the host says of itself, whatever a bay's account says.

use std::fs;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use crate::attack::MIB;

/// TCP counts in pages; machines with larger ones only look as if it had less.
const PAGE_BYTES: u64 = 4096;

/// Figures of the whole host at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Host {
    /// Memory that is in use and neither a process's own nor a copy of files: what the kernel keeps for itself.
    pub(crate) kernel_bytes: u64,
    /// Names and the like that the kernel could give back.
    pub(crate) reclaimable_bytes: u64,
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
            reclaimable_bytes: kilobytes("SReclaimable") * 1024,
            tcp_bytes: number(tcp, 10) * PAGE_BYTES,
        }
    }
}

/// What a program may cost the host beyond its memory limit.
pub(crate) const BEYOND_LIMIT: u64 = 64 * MIB;

/// How often the host is looked at, and how many times in a row something has to be seen: others take memory as well,
/// but not for long.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: usize = 10;

/// The most that the host lost for some time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) kernel_bytes: u64,
    pub(crate) tcp_bytes: u64,
}

impl Cost {
    /// Returns what comes of an action, and what it cost the host meanwhile.
    pub(crate) async fn of<T>(action: impl Future<Output = T>) -> (T, Self) {
        let before = Host::now();
        let mut looks = Vec::new();
        let mut action = pin!(action);
        let result = loop {
            tokio::select! {
                result = &mut action => break result,
                () = tokio::time::sleep(LOOK) => looks.push(Self::since(before)),
            }
        };
        let lasting =
            |bytes: fn(&Self) -> u64| looks.windows(LOOKS).filter_map(|looks| looks.iter().map(bytes).min()).max();
        let cost = Self {
            kernel_bytes: lasting(|cost| cost.kernel_bytes).unwrap_or(0),
            tcp_bytes: lasting(|cost| cost.tcp_bytes).unwrap_or(0),
        };
        (result, cost)
    }

    fn since(before: Host) -> Self {
        let now = Host::now();
        Self {
            kernel_bytes: now.kernel_bytes.saturating_sub(before.kernel_bytes),
            tcp_bytes: now.tcp_bytes.saturating_sub(before.tcp_bytes),
        }
    }

    pub(crate) fn assert_below(self, bytes: u64) {
        let Self { kernel_bytes, tcp_bytes } = self;
        assert!(kernel_bytes <= bytes, "the kernel took {} MiB for it", kernel_bytes / MIB);
        assert!(tcp_bytes <= BEYOND_LIMIT, "TCP took {} MiB for it", tcp_bytes / MIB);
    }
}

/// Returns the word at a place in a line, which has to be a number.
fn number(line: &str, at: usize) -> u64 {
    let word = line.split_whitespace().nth(at);
    word.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("word {at} of {line:?} is a number"))
}
