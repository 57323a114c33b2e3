//! The file with settings.

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use serde::de::DeserializeOwned;

use super::words::plain;

/// A file with settings, whose keys are the names of the flags with `_` for `-`; empty where there is none.
#[derive(Debug, Default)]
pub(crate) struct SettingsFile {
    path: PathBuf,
    text: String,
}

impl SettingsFile {
    /// Reads a file, and refuses keys that are not among the `known` ones.
    pub(super) fn read(path: Option<&Path>, known: &BTreeSet<String>) -> anyhow::Result<Self> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
        let file = Self { path: path.to_owned(), text };
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
            let (path, message) = (self.path.display(), plain(error.message()));
            let key = self.text.lines().nth(line - 1).and_then(key_of).filter(|_| message.starts_with("must be "));
            let key = key.map(|key| format!("{key} ")).unwrap_or_default();
            anyhow::anyhow!("{path} is not a valid configuration, see line {line}: {key}{message}")
        })
    }
}

/// Returns the key that a line sets.
fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_').then_some(key)
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use super::*;
    use crate::settings::ProgramSettings;
    use crate::settings::WrittenBackend;
    use crate::settings::WrittenLimits;
    use crate::settings::known_keys;

    pub(crate) fn file(text: &str) -> anyhow::Result<SettingsFile> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        SettingsFile::read(Some(file.path()), &known_keys())
    }

    #[test]
    fn each_command_takes_its_part() {
        let file = file("slots = 3\nredis_url = \"redis://h\"\nlisten = \"127.0.0.1:1\"\n").unwrap();
        assert_eq!(file.group::<ProgramSettings>().unwrap().slots, Some(3));
        file.group::<WrittenBackend>().unwrap();
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let error = file("log = \"info\"\nslot = 3\n").unwrap_err().to_string();
        assert!(error.contains("unknown field `slot`; there are allow_degraded, "), "{error}");
        let error = file("[max_limits]\nwall_time = 5\n").unwrap().group::<WrittenLimits>().unwrap_err().to_string();
        assert!(error.contains("see line 2: unknown field `wall_time`"), "{error}");
        let error = file("log = \"info\"\nslots = true\n").unwrap().group::<ProgramSettings>().unwrap_err().to_string();
        assert!(error.contains("see line 2: slots must be a whole number from 0 on, not true or false"), "{error}");
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
                Ok(file) => file.group::<WrittenBackend>().unwrap_err(),
            };
            let shown = format!("{error:#} {error:?}");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
}
