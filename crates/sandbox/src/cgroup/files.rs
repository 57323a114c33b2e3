//! Reading and writing the small files of a cgroup directory.

use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

/// Opens a directory below `at` for use in later `*at` calls.
pub(super) fn open_directory(at: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(at, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty())
}

/// Makes a directory below `at` and opens it.
///
/// Names are new, so one that exists was just made in the same hierarchy under the name of another controller.
pub(super) fn make_directory(at: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    match rustix::fs::mkdirat(&at, name, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => open_directory(at, name),
        Err(error) => Err(error),
    }
}

/// Removes an empty directory below `at`; one that is already gone is fine.
pub(super) fn remove_directory(at: impl AsFd, name: &str) -> Result<(), Errno> {
    match rustix::fs::unlinkat(at, name, rustix::fs::AtFlags::REMOVEDIR) {
        Err(Errno::NOENT) => Ok(()),
        result => result,
    }
}

/// Opens a control file.
pub(super) fn open(directory: impl AsFd, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(directory, name, flags | OFlags::CLOEXEC, Mode::empty())
}

/// Writes a control file in one write, as cgroupfs wants it.
pub(super) fn write(directory: impl AsFd, name: &str, value: &str) -> Result<(), Errno> {
    let file = open(directory, name, OFlags::WRONLY)?;
    rustix::io::write(&file, value.as_bytes()).map(|_| ())
}

/// Writes a control file that older kernels or other configurations do not have.
pub(super) fn write_if_present(directory: impl AsFd, name: &str, value: &str) -> Result<(), Errno> {
    match write(directory, name, value) {
        Err(Errno::NOENT | Errno::OPNOTSUPP) => Ok(()),
        result => result,
    }
}

/// Reads a control file of at most a few kilobytes.
pub(super) fn read(directory: impl AsFd, name: &str) -> Result<String, Errno> {
    let file = open(directory, name, OFlags::RDONLY)?;
    let mut text = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match rustix::io::read(&file, &mut chunk)? {
            0 => return Ok(String::from_utf8_lossy(&text).into_owned()),
            count => text.extend_from_slice(&chunk[..count]),
        }
    }
}

/// Parses a file that holds one number.
pub(super) fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// Finds `key` in a file of `key value` lines.
pub(super) fn keyed_number(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| number(line.strip_prefix(key)?.strip_prefix(' ')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_whole_keys_only() {
        let text = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n";
        assert_eq!(keyed_number(text, "oom_kill"), Some(3));
        assert_eq!(keyed_number(text, "oom"), None);
        assert_eq!(keyed_number(text, "max"), None);
    }

    #[test]
    fn a_number_may_end_with_a_newline() {
        assert_eq!(number("42\n"), Some(42));
        assert_eq!(number("max\n"), None);
    }
}
