//! A temporary directory that is removed even if the process is killed.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

/// A script that waits for the end of its standard input and removes its first argument. Killed servers may still write
/// for a moment.
const REMOVER: &str = r#"cat; for _ in $(seq 100); do rm -rf "$0" && exit; sleep 0.1; done"#;

/// A directory that is removed when it is dropped, and when the process ends in whatever way.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// The process that removes the directory. Its standard input ends when the kernel closes the only other end, with
    /// this process.
    remover: Child,
}

impl Directory {
    pub(super) fn create(name: &str) -> Self {
        let directory = tempfile::Builder::new().prefix(&format!("runbay-{name}-")).tempdir();
        let path = directory.expect("a temporary directory").keep();
        let mut command = Command::new("sh");
        command.args(["-c", REMOVER]).arg(&path);
        // A signal from the terminal ends the tests, but not the cleaning up after them.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let remover = command.spawn().expect("a shell can be started");
        Self { path, remover }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Waiting closes its standard input first.
        self.remover.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_directory_is_gone() {
        let directory = Directory::create("test");
        let path = directory.path().to_owned();
        std::fs::create_dir_all(path.join("a/b")).unwrap();
        drop(directory);
        assert!(!path.exists());
    }
}
