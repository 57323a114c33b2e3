//! Where a server is found that several test processes share.

use std::env;
use std::path::PathBuf;

/// Where a shared server is found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SharedServer {
    pub(super) directory: PathBuf,
    pub(super) port: u16,
}

impl SharedServer {
    /// Returns the one that the environment names.
    pub(super) fn of_environment(name: &str) -> Option<Self> {
        let text = env::var(variable(name)).ok()?;
        Some(Self::of_text(&text).unwrap_or_else(|| panic!("{} is {text:?}, no port and directory", variable(name))))
    }

    pub(super) fn to_text(&self) -> String {
        format!("{}:{}", self.port, self.directory.display())
    }

    fn of_text(text: &str) -> Option<Self> {
        let (port, directory) = text.split_once(':')?;
        Some(Self { directory: PathBuf::from(directory), port: port.parse().ok()? })
    }
}

/// Returns the environment variable with the port and the directory of a server.
pub(super) fn variable(name: &str) -> String {
    format!("RUNBAY_TEST_{}", name.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_found_by_what_was_announced() {
        let server = SharedServer { directory: PathBuf::from("/tmp/a:b"), port: 7 };
        assert_eq!(SharedServer::of_text(&server.to_text()), Some(server));
        assert_eq!(SharedServer::of_text("/tmp/a"), None);
    }
}
