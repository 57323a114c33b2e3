//! What every service has.

use clap::Args;
use serde::Deserialize;

use super::SettingsFile;

/// How to run as a service.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default)]
pub(crate) struct ProcessFlags {
    /// Account to run as after the start, by name or number [default: runbay, or an unused number]
    #[arg(long, env = "RUNBAY_USER", value_name = "ACCOUNT")]
    user: Option<String>,

    /// What to log, such as info, debug or warn,runbay=debug [default: info]
    #[arg(long, env = "RUNBAY_LOG", value_name = "FILTER")]
    log: Option<String>,
}

/// How to run as a service, complete.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ProcessSettings {
    pub(crate) user: Option<String>,
    pub(crate) log: String,
}

impl ProcessFlags {
    /// Returns the account alone, for commands that do one thing and end; `flag` is theirs.
    pub(crate) fn account(flag: Option<String>, file: &SettingsFile) -> anyhow::Result<Option<String>> {
        Ok(flag.or(file.group::<Self>()?.user))
    }

    pub(crate) fn complete(self, file: &SettingsFile) -> anyhow::Result<ProcessSettings> {
        let file: Self = file.group()?;
        Ok(ProcessSettings {
            user: self.user.or(file.user),
            log: self.log.or(file.log).unwrap_or_else(|| "info".to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file::tests::file;

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let both = file("log = \"debug\"\nuser = \"ann\"\n").unwrap();
        let flags = ProcessFlags { user: Some("bob".to_owned()), log: None };
        let settings = flags.complete(&both).unwrap();
        assert_eq!((settings.user.as_deref(), settings.log.as_str()), (Some("bob"), "debug"));
        assert_eq!(ProcessFlags::account(None, &both).unwrap().as_deref(), Some("ann"));
        let defaults = ProcessFlags::default().complete(&SettingsFile::default()).unwrap();
        assert_eq!((defaults.user, defaults.log.as_str()), (None, "info"));
    }
}
