//! What every service has.

use clap::Args;
use serde::Deserialize;

use super::file::SettingsFile;
use super::given::Group;

/// How to run as a service.
#[derive(Debug, PartialEq, Eq, Args, Deserialize)]
#[serde(default)]
pub(crate) struct ProcessSettings {
    /// Account to run as after the start, by name or number [default: runbay, or an unused number]
    #[arg(long, env = "RUNBAY_USER", value_name = "ACCOUNT")]
    pub(crate) user: Option<String>,

    /// What to log, such as info, debug or warn,runbay=debug [default: info]
    #[arg(long, env = "RUNBAY_LOG", value_name = "FILTER")]
    pub(crate) log: String,
}

impl Default for ProcessSettings {
    fn default() -> Self {
        Self { user: None, log: "info".to_owned() }
    }
}

impl Group for ProcessSettings {
    type Settings = Self;

    fn complete(self) -> anyhow::Result<Self> {
        Ok(self)
    }
}

impl ProcessSettings {
    /// Returns the account alone, for commands that do one thing and end; `flag` is theirs.
    pub(crate) fn account(flag: Option<String>, file: &SettingsFile) -> anyhow::Result<Option<String>> {
        Ok(flag.or(file.group::<Self>()?.user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file::tests::file;
    use crate::settings::given::tests::settings;

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let both = "log = \"debug\"\nuser = \"ann\"\n";
        let written = settings::<ProcessSettings>(&["--user=bob"], both).unwrap();
        assert_eq!((written.user.as_deref(), written.log.as_str()), (Some("bob"), "debug"));
        assert_eq!(ProcessSettings::account(None, &file(both).unwrap()).unwrap().as_deref(), Some("ann"));
        let defaults = settings::<ProcessSettings>(&[], "").unwrap();
        assert_eq!((defaults.user, defaults.log.as_str()), (None, "info"));
        // An empty text is a value like others.
        let empty = settings::<ProcessSettings>(&["--log="], both).unwrap();
        assert_eq!(empty.log, "");
    }
}
