//! How lost work is found and old work is removed; the same in all processes of an installation.

use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use super::SettingsFile;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How lost work is found and old work is removed.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default)]
pub(crate) struct UpkeepFlags {
    /// Seconds without a sign of life after which a worker counts as lost, the same in all processes [default: 10]
    #[arg(long, env = "RUNBAY_LEASE_SECONDS", value_name = "SECONDS")]
    lease_seconds: Option<u64>,

    /// Seconds between signs of life of a worker [default: 2]
    #[arg(long, env = "RUNBAY_HEARTBEAT_SECONDS", value_name = "SECONDS")]
    heartbeat_seconds: Option<u64>,

    /// Days that ended executions are kept, the same in all processes [default: 30]
    #[arg(long, env = "RUNBAY_RETENTION_DAYS", value_name = "DAYS")]
    retention_days: Option<u32>,

    /// Days that sessions are kept which nobody touches, the same in all processes [default: 90]
    #[arg(long, env = "RUNBAY_SESSION_RETENTION_DAYS", value_name = "DAYS")]
    session_retention_days: Option<u32>,
}

/// How lost work is found and old work is removed, complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UpkeepSettings {
    pub(crate) lease: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) executions_kept: Duration,
    pub(crate) sessions_kept: Duration,
}

impl UpkeepFlags {
    pub(crate) fn complete(self, file: &SettingsFile) -> anyhow::Result<UpkeepSettings> {
        let file: Self = file.group()?;
        let lease = self.lease_seconds.or(file.lease_seconds).unwrap_or(10);
        let heartbeat = self.heartbeat_seconds.or(file.heartbeat_seconds).unwrap_or(2);
        let executions = self.retention_days.or(file.retention_days).unwrap_or(30);
        let sessions = self.session_retention_days.or(file.session_retention_days).unwrap_or(90);
        anyhow::ensure!(heartbeat > 0, "heartbeat_seconds must be at least 1");
        anyhow::ensure!(lease <= 3600, "lease_seconds must be at most 3600");
        // One sign of life may get lost without any harm.
        anyhow::ensure!(
            heartbeat.checked_mul(3).is_some_and(|least| lease >= least),
            "lease_seconds must be at least three times heartbeat_seconds"
        );
        anyhow::ensure!(executions > 0, "retention_days must be at least 1");
        anyhow::ensure!(sessions > 0, "session_retention_days must be at least 1");
        Ok(UpkeepSettings {
            lease: Duration::from_secs(lease),
            heartbeat: Duration::from_secs(heartbeat),
            executions_kept: DAY.saturating_mul(executions),
            sessions_kept: DAY.saturating_mul(sessions),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(lease: u64, heartbeat: u64) -> Result<UpkeepSettings, String> {
        let flags =
            UpkeepFlags { lease_seconds: Some(lease), heartbeat_seconds: Some(heartbeat), ..UpkeepFlags::default() };
        flags.complete(&SettingsFile::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_lease_outlives_a_lost_sign_of_life() {
        assert_eq!(complete(3, 1).unwrap().lease, Duration::from_secs(3));
        let refusal = "lease_seconds must be at least three times heartbeat_seconds";
        assert_eq!(complete(5, 2).unwrap_err(), refusal);
        assert_eq!(complete(3600, u64::MAX).unwrap_err(), refusal);
        assert_eq!(complete(3, 0).unwrap_err(), "heartbeat_seconds must be at least 1");
        assert_eq!(complete(3601, 1).unwrap_err(), "lease_seconds must be at most 3600");
    }
}
