//! How programs are run.

use std::path::PathBuf;
use std::time::Duration;

use clap::ArgAction;
use clap::Args;
use clap::builder::BoolishValueParser;
use serde::Deserialize;

use super::given::Group;
use super::words;
use super::words::optional_list;
use super::words::switch;
use super::words::whole_number;
use crate::sandbox::FIRST_BAY_UID;

/// How programs are run.
#[derive(Debug, PartialEq, Eq, Args, Deserialize)]
#[serde(default)]
pub(crate) struct ProgramSettings {
    /// Executions that run at one time [default: by cores and memory]
    #[arg(long, env = "RUNBAY_SLOTS", value_name = "COUNT", value_parser = whole_number::<usize>)]
    pub(crate) slots: Option<usize>,

    /// Interactive executions that run beside them at one time, however many others wait [default: 32, fewer with little
    /// memory]
    #[arg(long, env = "RUNBAY_INTERACTIVE_SLOTS", value_name = "COUNT", value_parser = whole_number::<usize>)]
    pub(crate) interactive_slots: Option<usize>,

    /// Languages to offer, separated by commas [default: all that this host has]
    #[arg(long, env = "RUNBAY_LANGUAGES", value_name = "IDS", value_delimiter = ',')]
    #[serde(deserialize_with = "optional_list")]
    pub(crate) languages: Option<Vec<String>>,

    /// Folder with recipes of more languages, or of the same in another way
    #[arg(long, env = "RUNBAY_LANGUAGES_DIR", value_name = "DIRECTORY")]
    pub(crate) languages_dir: Option<PathBuf>,

    /// Memory for what was compiled, to be used again for the same code; 0 for none [default: 268435456]
    #[arg(long, env = "RUNBAY_COMPILE_CACHE_BYTES", value_name = "BYTES", value_parser = whole_number::<u64>)]
    pub(crate) compile_cache_bytes: u64,

    /// Use what was compiled for one tenant for others with the same code
    #[arg(long, env = "RUNBAY_SHARE_COMPILE_CACHE", value_name = "YES", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "yes", action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    #[serde(deserialize_with = "switch")]
    pub(crate) share_compile_cache: bool,

    /// Seconds that running executions get to end when the process is stopped [default: 10]
    #[arg(long, env = "RUNBAY_DRAIN_SECONDS", value_name = "SECONDS", value_parser = whole_number::<u64>)]
    drain_seconds: u64,

    /// First of the user numbers that bays run as; two servers on one host need different ones [default: 1879049216]
    #[arg(long, env = "RUNBAY_FIRST_BAY_UID", value_name = "UID", value_parser = whole_number::<u32>)]
    pub(crate) first_bay_uid: u32,

    /// Run the programs of other machines even if they cannot be limited as they should be, see `runbay doctor`
    #[arg(long, env = "RUNBAY_ALLOW_DEGRADED", value_name = "YES", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "yes", action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    #[serde(deserialize_with = "switch")]
    pub(crate) allow_degraded: bool,
}

impl Default for ProgramSettings {
    fn default() -> Self {
        Self {
            slots: None,
            interactive_slots: None,
            languages: None,
            languages_dir: None,
            compile_cache_bytes: 256 * 1024 * 1024,
            share_compile_cache: false,
            drain_seconds: 10,
            first_bay_uid: FIRST_BAY_UID,
            allow_degraded: false,
        }
    }
}

impl Group for ProgramSettings {
    type Settings = Self;

    fn complete(mut self) -> anyhow::Result<Self> {
        self.languages = self.languages.map(words::trimmed).filter(|languages| !languages.is_empty());
        anyhow::ensure!(
            (65_536..=4_000_000_000).contains(&self.first_bay_uid),
            "first_bay_uid must be from 65536, below which accounts are, to 4000000000"
        );
        anyhow::ensure!(self.slots != Some(0), "slots must be at least 1");
        anyhow::ensure!(self.interactive_slots != Some(0), "interactive_slots must be at least 1");
        Ok(self)
    }
}

impl ProgramSettings {
    /// Returns how long running executions get to end.
    pub(crate) fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::given::tests::settings;

    #[test]
    fn bays_never_run_as_an_account() {
        for uid in [0, 1000, 65_535, u32::MAX] {
            let flag = format!("--first-bay-uid={uid}");
            let error = settings::<ProgramSettings>(&[&flag], "").unwrap_err().to_string();
            assert!(error.starts_with("first_bay_uid must be from 65536"), "{error}");
        }
    }

    #[test]
    fn what_the_file_switches_on_can_be_switched_off() {
        let allowed =
            |flags: &[&str]| settings::<ProgramSettings>(flags, "allow_degraded = true\n").unwrap().allow_degraded;
        assert!(allowed(&[]) && allowed(&["--allow-degraded"]) && allowed(&["--allow-degraded=yes"]));
        assert!(!allowed(&["--allow-degraded=no"]));
        assert!(settings::<ProgramSettings>(&["--allow-degraded"], "").unwrap().allow_degraded);
    }

    #[test]
    fn a_list_of_a_flag_takes_the_place_of_that_in_the_file() {
        let languages = |flags: &[&str]| settings::<ProgramSettings>(flags, "languages = [\"c\"]").unwrap().languages;
        assert_eq!(languages(&[]), Some(vec!["c".to_owned()]));
        assert_eq!(languages(&["--languages=python,ruby"]), Some(vec!["python".to_owned(), "ruby".to_owned()]));
    }
}
