//! The file with settings.

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use clap::Command;
use serde::de::DeserializeOwned;

use super::AcceptanceFlags;
use super::BackendFlags;
use super::DataFlags;
use super::LimitFlags;
use super::ListenFlags;
use super::ProcessFlags;
use super::ProgramFlags;
use super::UpkeepFlags;

/// A file with settings, whose keys are the names of the flags with `_` for `-`; empty where there is none.
#[derive(Debug, Default)]
pub(crate) struct SettingsFile {
    path: PathBuf,
    text: String,
}

impl SettingsFile {
    /// Reads a file and refuses keys that no command knows.
    pub(crate) fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
        let file = Self { path: path.to_owned(), text };
        let known = known_keys();
        for key in file.group::<toml::Table>()?.keys() {
            if !known.contains(key) {
                let known = known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                anyhow::bail!("{}: unknown field `{key}`; there are {known}", path.display());
            }
        }
        Ok(file)
    }

    /// Returns what the file sets of one group of settings.
    pub(crate) fn group<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        // The error would show the line, which may hold a password.
        toml::from_str(&self.text).map_err(|error| {
            let before = error.span().and_then(|span| self.text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let (path, message) = (self.path.display(), error.message());
            anyhow::anyhow!("{path} is not a valid configuration, see line {line}: {message}")
        })
    }
}

fn known_keys() -> BTreeSet<String> {
    let command = ListenFlags::augment_args(Command::new(""));
    let command = BackendFlags::augment_args(DataFlags::augment_args(command));
    let command = ProgramFlags::augment_args(LimitFlags::augment_args(command));
    let command = UpkeepFlags::augment_args(AcceptanceFlags::augment_args(command));
    let command = ProcessFlags::augment_args(command);
    command.get_arguments().map(|argument| argument.get_id().to_string()).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use super::*;

    pub(crate) fn file(text: &str) -> anyhow::Result<SettingsFile> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        SettingsFile::read(Some(file.path()))
    }

    #[test]
    fn each_command_takes_its_part() {
        let file = file("slots = 3\nredis_url = \"redis://h\"\nlisten = \"127.0.0.1:1\"\n").unwrap();
        assert_eq!(file.group::<ProgramFlags>().unwrap().slots, Some(3));
        file.group::<BackendFlags>().unwrap();
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let error = file("log = \"info\"\nslot = 3\n").unwrap_err().to_string();
        assert!(error.contains("unknown field `slot`; there are allow_degraded, "), "{error}");
        let error = file("[max_limits]\nwall_time = 5\n").unwrap().group::<LimitFlags>().unwrap_err().to_string();
        assert!(error.contains("see line 2: unknown field `wall_time`"), "{error}");
        let error = file("log = \"info\"\nslots = true\n").unwrap().group::<ProgramFlags>().unwrap_err().to_string();
        assert!(error.contains("see line 2: invalid type: boolean"), "{error}");
    }

    #[test]
    fn no_mistake_shows_a_password() {
        for text in [
            "database_url = \"postgres://u:s3cret@h/d",
            "database_url = [\"postgres://u:s3cret@h/d\"]",
            "redis_url = \"redis://:s3cret@h\" slots = 3",
            "database_url = postgres://u:s3cret@h/d",
        ] {
            let error = match file(text) {
                Err(error) => error,
                Ok(file) => file.group::<BackendFlags>().unwrap_err(),
            };
            let shown = format!("{error:#} {error:?}");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
}
