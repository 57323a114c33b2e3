//! Reserving user numbers for the bays of a server.
//!
//! Two servers whose bays run as the same users would count each other's processes. Each says in a file which numbers
//! it has, and holds a lock on the file as long as it lives; so those of another container are not seen.

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use tracing::debug;

/// Where root keeps what lasts until the next start of the host.
const DIRECTORY: &str = "/run/runbay/bay-uids";

/// The reservation of a range of user numbers; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct BayUids {
    _lock: File,
}

/// Reserves the user numbers from `first` on; none where this host has no place to say so.
///
/// To be called as root.
pub(crate) fn reserve(first: u32, count: u32) -> anyhow::Result<Option<BayUids>> {
    reserve_in(Path::new(DIRECTORY), first..first.saturating_add(count))
}

fn reserve_in(directory: &Path, wanted: Range<u32>) -> anyhow::Result<Option<BayUids>> {
    match try_reserve(directory, &wanted) {
        Ok(Ok(reserved)) => Ok(Some(reserved)),
        Ok(Err(other)) => anyhow::bail!(
            "the user numbers {} to {} are for bays here, and another runbay on this host has {} to {}; give this one \
             others with --first-bay-uid or RUNBAY_FIRST_BAY_UID, such as {}",
            wanted.start,
            wanted.end - 1,
            other.start,
            other.end - 1,
            other.end.next_multiple_of(1000)
        ),
        Err(error) => {
            debug!(%error, "whether another server has the same user numbers for its bays cannot be seen");
            Ok(None)
        }
    }
}

/// Returns the range of another server if it overlaps.
fn try_reserve(directory: &Path, wanted: &Range<u32>) -> io::Result<Result<BayUids, Range<u32>>> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let own = directory.join(format!("{}-{}", wanted.start, wanted.end));
    let lock = open(&own, true)?;
    if !locked(&lock)? {
        return Ok(Err(wanted.clone()));
    }
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let Some(other) = path.file_name().and_then(|name| range(name.to_str()?)) else { continue };
        let overlaps = other.start < wanted.end && wanted.start < other.end;
        if path == own || !overlaps {
            continue;
        }
        if !locked(&open(&path, false)?)? {
            return Ok(Err(other));
        }
        // Its server has ended.
        fs::remove_file(&path)?;
    }
    Ok(Ok(BayUids { _lock: lock }))
}

fn open(path: &Path, create: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(create).truncate(false).mode(0o600).open(path)
}

fn locked(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn range(name: &str) -> Option<Range<u32>> {
    let (start, end) = name.split_once('-')?;
    Some(start.parse().ok()?..end.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_overlap_are_refused_while_their_server_lives() {
        let directory = tempfile::tempdir().unwrap();
        let reserve = |range| reserve_in(directory.path(), range);
        let first = reserve(100..200).unwrap().unwrap();
        for overlapping in [100..200, 150..160, 50..101, 199..300, 0..1000] {
            let error = reserve(overlapping).unwrap_err().to_string();
            assert!(error.contains("another runbay on this host has 100 to 199"), "{error}");
            assert!(error.contains("--first-bay-uid"), "{error}");
        }
        let _beside = [reserve(0..100).unwrap().unwrap(), reserve(200..300).unwrap().unwrap()];
        drop(first);
        reserve(150..160).unwrap().unwrap();
    }

    #[test]
    fn a_host_without_such_a_place_is_taken_as_it_is() {
        assert!(reserve_in(Path::new("/proc/none"), 1..2).unwrap().is_none());
    }
}
