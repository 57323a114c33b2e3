//! How many files the service may have open, and what they are for.

use anyhow::Context;
use rustix::process::Resource;
use rustix::process::Rlimit;

/// The most connections that are taken, however many files may be open.
const MAX_CONNECTIONS: usize = 8192;

/// The fewest connections that are of use.
const MIN_CONNECTIONS: usize = 64;

/// Files of one bay: its control stream, three pipes and its meter, and some to spare.
const FILES_OF_A_BAY: usize = 8;

/// Files for the database, the log, the spare connections, and the rest.
const OTHER_FILES: usize = 192;

/// Raises the limit on open files as far as this process may.
pub(crate) fn raise_limit() -> anyhow::Result<()> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        .context("failed to raise the limit on open files")
}

/// How many files connections and artefacts may have open without taking them from bays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Clients that are connected at one time. Without a bound, one client with many connections could make the
    /// programs of others fail.
    pub(crate) connections: usize,
    /// Artefacts in the compile cache.
    pub(crate) artefacts: usize,
}

/// Shares out the files that `max_bays` bays leave; at most `artefacts` of them are for artefacts.
pub(crate) fn share_out(max_bays: usize, artefacts: usize) -> anyhow::Result<Shares> {
    let limit = rustix::process::getrlimit(Resource::Nofile).current;
    let files = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    fitting(files, max_bays, artefacts).with_context(|| {
        format!("{files} open files are too few for {max_bays} bays; raise ulimit -n or lower --slots")
    })
}

fn fitting(files: usize, max_bays: usize, artefacts: usize) -> Option<Shares> {
    let left = files.checked_sub(max_bays.checked_mul(FILES_OF_A_BAY)?)?.checked_sub(OTHER_FILES)?;
    let artefacts = artefacts.min(left / 2);
    let connections = (left - artefacts).min(MAX_CONNECTIONS);
    (connections >= MIN_CONNECTIONS).then_some(Shares { connections, artefacts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bays_come_first() {
        let shares = |connections, artefacts| Some(Shares { connections, artefacts });
        assert_eq!(fitting(1024, 32, 0), shares(1024 - 32 * 8 - 192, 0));
        assert_eq!(fitting(1024, 32, 4096), shares(288, 288));
        assert_eq!(fitting(1_048_576, 32, 4096), shares(MAX_CONNECTIONS, 4096));
        assert_eq!(fitting(256, 32, 4096), None);
        assert_eq!(fitting(usize::MAX, usize::MAX, 0), None);
    }
}
