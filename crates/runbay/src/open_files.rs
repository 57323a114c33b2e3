//! How many files the service may have open, and how many of them are connections of clients.

use anyhow::Context;
use rustix::process::Resource;
use rustix::process::Rlimit;

/// More connections than this are not taken, however many files may be open.
const MAX_CONNECTIONS: usize = 8192;

/// Fewer are of no use.
const MIN_CONNECTIONS: usize = 64;

/// The control stream, three pipes and the meter of a bay, and some to spare.
const FILES_OF_A_BAY: usize = 8;

/// The database, the log and the rest.
const OTHER_FILES: usize = 128;

/// Raises the limit as far as this process may.
pub(crate) fn raise_limit() -> anyhow::Result<()> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        .context("failed to raise the limit on open files")
}

/// Returns how many clients may be connected at one time so that they leave enough open files for `max_bays` bays:
/// otherwise a client with many connections could make the programs of others fail.
pub(crate) fn connections_beside(max_bays: usize) -> anyhow::Result<usize> {
    let limit = rustix::process::getrlimit(Resource::Nofile).current;
    let files = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    fitting(files, max_bays).with_context(|| {
        format!("{files} open files are too few for {max_bays} bays; raise ulimit -n or lower --slots")
    })
}

fn fitting(files: usize, max_bays: usize) -> Option<usize> {
    let left = files.checked_sub(max_bays.checked_mul(FILES_OF_A_BAY)?)?.checked_sub(OTHER_FILES)?;
    (left >= MIN_CONNECTIONS).then_some(left.min(MAX_CONNECTIONS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_leave_room_for_bays() {
        assert_eq!(fitting(1024, 32), Some(1024 - 32 * 8 - 128));
        assert_eq!(fitting(1_048_576, 32), Some(MAX_CONNECTIONS));
        assert_eq!(fitting(256, 32), None);
        assert_eq!(fitting(usize::MAX, usize::MAX), None);
    }
}
