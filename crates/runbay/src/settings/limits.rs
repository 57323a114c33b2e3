//! What programs may use.

use clap::Args;
use serde::Deserialize;

use super::given::Group;
use crate::limit_list::LimitList;
use crate::limit_list::LimitSettings;

/// What programs may use, as an operator writes it; the same in all processes of an installation.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default)]
pub(crate) struct WrittenLimits {
    /// Limits where neither language nor request has others, such as wall_time_ms=2000,processes=32 [default: see GET /languages]
    #[arg(long, env = "RUNBAY_DEFAULT_LIMITS", value_name = "LIMITS")]
    default_limits: LimitList,

    /// The most that requests may choose, such as wall_time_ms=60000 [default: see GET /languages]
    #[arg(long, env = "RUNBAY_MAX_LIMITS", value_name = "LIMITS")]
    max_limits: LimitList,
}

impl Group for WrittenLimits {
    type Settings = LimitSettings;

    fn complete(self) -> anyhow::Result<LimitSettings> {
        LimitSettings::new(self.default_limits, self.max_limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::given::tests::settings;

    #[test]
    fn limits_are_a_table_in_the_file() {
        let file = "[default_limits]\nwall_time_ms = 700\n[max_limits]\ninodes = 300\n";
        let limits = settings::<WrittenLimits>(&["--max-limits=inodes=500"], file).unwrap();
        assert_eq!((limits.default.wall_time_ms, limits.ranges.most.inodes), (700, 500));
    }

    #[test]
    fn limits_are_a_text_in_the_file_as_in_a_variable() {
        let limits = settings::<WrittenLimits>(&[], "default_limits = \"wall_time_ms=700\"\n").unwrap();
        assert_eq!(limits.default.wall_time_ms, 700);
        let error = settings::<WrittenLimits>(&[], "default_limits = 5\n").unwrap_err().to_string();
        assert!(error.contains("default_limits must be a table of limits, or a text such as"), "{error}");
    }

    #[test]
    fn limits_out_of_their_range_are_named() {
        let error = settings::<WrittenLimits>(&[], "[default_limits]\ninodes = 1\n").unwrap_err().to_string();
        assert_eq!(error, "default_limits: inodes must be an integer from 256 to 16384");
    }
}
