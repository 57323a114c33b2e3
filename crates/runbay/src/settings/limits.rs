//! What programs may use.

use clap::Args;
use serde::Deserialize;

use super::SettingsFile;
use crate::limit_list::LimitList;
use crate::limit_list::LimitSettings;

/// What programs may use; the same in all processes of an installation.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default)]
pub(crate) struct LimitFlags {
    /// Limits where neither language nor request has others, such as wall_time_ms=2000,processes=32 [default: see GET /languages]
    #[arg(long, env = "RUNBAY_DEFAULT_LIMITS", value_name = "LIMITS")]
    default_limits: Option<LimitList>,

    /// The most that requests may choose, such as wall_time_ms=60000 [default: see GET /languages]
    #[arg(long, env = "RUNBAY_MAX_LIMITS", value_name = "LIMITS")]
    max_limits: Option<LimitList>,
}

impl LimitFlags {
    pub(crate) fn complete(self, file: &SettingsFile) -> anyhow::Result<LimitSettings> {
        let file: Self = file.group()?;
        LimitSettings::new(
            self.default_limits.or(file.default_limits).unwrap_or_default(),
            self.max_limits.or(file.max_limits).unwrap_or_default(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file::tests::file;

    #[test]
    fn limits_are_a_table_in_the_file() {
        let file = file("[default_limits]\nwall_time_ms = 700\n[max_limits]\ninodes = 300\n").unwrap();
        let flags = LimitFlags { max_limits: Some("inodes=500".parse().unwrap()), ..LimitFlags::default() };
        let limits = flags.complete(&file).unwrap();
        assert_eq!((limits.default.wall_time_ms, limits.ranges.most.inodes), (700, 500));
    }

    #[test]
    fn limits_out_of_their_range_are_named() {
        let file = file("[default_limits]\ninodes = 1\n").unwrap();
        let error = LimitFlags::default().complete(&file).unwrap_err().to_string();
        assert_eq!(error, "default_limits: inodes must be an integer from 256 to 16384");
    }
}
