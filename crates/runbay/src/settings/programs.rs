//! How programs are run.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use serde::Deserialize;

use super::SettingsFile;
use super::positive;
use crate::sandbox::FIRST_BAY_UID;

/// How programs are run.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default)]
pub(crate) struct ProgramFlags {
    /// Executions that run at one time [default: by cores and memory]
    #[arg(long, env = "RUNBAY_SLOTS", value_name = "COUNT")]
    pub(super) slots: Option<usize>,

    /// Languages to offer, separated by commas [default: all that this host has]
    #[arg(long, env = "RUNBAY_LANGUAGES", value_name = "IDS", value_delimiter = ',')]
    languages: Option<Vec<String>>,

    /// Folder with recipes of more languages, or of the same in another way
    #[arg(long, env = "RUNBAY_LANGUAGES_DIR", value_name = "DIRECTORY")]
    languages_dir: Option<PathBuf>,

    /// Memory for what was compiled, to be used again for the same code; 0 for none [default: 268435456]
    #[arg(long, env = "RUNBAY_COMPILE_CACHE_BYTES", value_name = "BYTES")]
    compile_cache_bytes: Option<u64>,

    /// Use what was compiled for one tenant for others with the same code
    #[arg(long, env = "RUNBAY_SHARE_COMPILE_CACHE", value_name = "YES", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "yes", value_parser = BoolishValueParser::new())]
    share_compile_cache: Option<bool>,

    /// Seconds that running executions get to end when the process is stopped [default: 10]
    #[arg(long, env = "RUNBAY_DRAIN_SECONDS", value_name = "SECONDS")]
    drain_seconds: Option<u64>,

    /// First of the user numbers that bays run as; two servers on one host need different ones [default: 1879049216]
    #[arg(long, env = "RUNBAY_FIRST_BAY_UID", value_name = "UID")]
    first_bay_uid: Option<u32>,

    /// Run the programs of other machines even if they cannot be limited as they should be, see `runbay doctor`
    #[arg(long, env = "RUNBAY_ALLOW_DEGRADED", value_name = "YES", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "yes", value_parser = BoolishValueParser::new())]
    allow_degraded: Option<bool>,
}

/// How programs are run, complete.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ProgramSettings {
    pub(crate) slots: Option<usize>,
    pub(crate) languages: Option<Vec<String>>,
    pub(crate) languages_dir: Option<PathBuf>,
    pub(crate) compile_cache_bytes: u64,
    pub(crate) share_compile_cache: bool,
    pub(crate) drain: Duration,
    pub(crate) first_bay_uid: u32,
    pub(crate) allow_degraded: bool,
}

impl ProgramFlags {
    pub(crate) fn complete(self, file: &SettingsFile) -> anyhow::Result<ProgramSettings> {
        let file: Self = file.group()?;
        let first_bay_uid = self.first_bay_uid.or(file.first_bay_uid).unwrap_or(FIRST_BAY_UID);
        anyhow::ensure!(
            (65_536..=4_000_000_000).contains(&first_bay_uid),
            "first_bay_uid must be from 65536, below which accounts are, to 4000000000"
        );
        Ok(ProgramSettings {
            slots: positive("slots", self.slots.or(file.slots))?,
            languages: self.languages.or(file.languages),
            languages_dir: self.languages_dir.or(file.languages_dir),
            compile_cache_bytes: self.compile_cache_bytes.or(file.compile_cache_bytes).unwrap_or(256 * 1024 * 1024),
            share_compile_cache: self.share_compile_cache.or(file.share_compile_cache).unwrap_or(false),
            drain: Duration::from_secs(self.drain_seconds.or(file.drain_seconds).unwrap_or(10)),
            first_bay_uid,
            allow_degraded: self.allow_degraded.or(file.allow_degraded).unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file::tests::file;

    #[test]
    fn bays_never_run_as_an_account() {
        for uid in [0, 1000, 65_535, u32::MAX] {
            let flags = ProgramFlags { first_bay_uid: Some(uid), ..ProgramFlags::default() };
            assert!(flags.complete(&SettingsFile::default()).is_err(), "{uid}");
        }
    }

    #[test]
    fn what_the_file_switches_on_can_be_switched_off() {
        let allowed = |flag| {
            let flags = ProgramFlags { allow_degraded: flag, ..ProgramFlags::default() };
            flags.complete(&file("allow_degraded = true\n").unwrap()).unwrap().allow_degraded
        };
        assert_eq!([None, Some(true), Some(false)].map(allowed), [true, true, false]);
    }
}
