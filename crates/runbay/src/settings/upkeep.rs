//! How lost work is found and old work is removed; the same in all processes of an installation.

use std::time::Duration;

use clap::Args;
use runbay_engine::Retention;
use serde::Deserialize;

use super::given::Group;
use super::words::whole_number;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How lost work is found and old work is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args, Deserialize)]
#[serde(default)]
pub(crate) struct UpkeepSettings {
    /// Seconds without a sign of life after which a worker counts as lost, the same in all processes [default: 10]
    #[arg(long, env = "RUNBAY_LEASE_SECONDS", value_name = "SECONDS", value_parser = whole_number::<u64>)]
    lease_seconds: u64,

    /// Seconds between signs of life of a worker [default: 2]
    #[arg(long, env = "RUNBAY_HEARTBEAT_SECONDS", value_name = "SECONDS", value_parser = whole_number::<u64>)]
    heartbeat_seconds: u64,

    /// Days that ended executions are kept, the same in all processes [default: 30]
    #[arg(long, env = "RUNBAY_RETENTION_DAYS", value_name = "DAYS", value_parser = whole_number::<u32>)]
    retention_days: u32,

    /// Days that sessions are kept which nobody touches, the same in all processes [default: 90]
    #[arg(long, env = "RUNBAY_SESSION_RETENTION_DAYS", value_name = "DAYS", value_parser = whole_number::<u32>)]
    session_retention_days: u32,
}

impl Default for UpkeepSettings {
    fn default() -> Self {
        Self { lease_seconds: 10, heartbeat_seconds: 2, retention_days: 30, session_retention_days: 90 }
    }
}

impl Group for UpkeepSettings {
    type Settings = Self;

    fn complete(self) -> anyhow::Result<Self> {
        let (lease, heartbeat) = (self.lease_seconds, self.heartbeat_seconds);
        anyhow::ensure!(heartbeat > 0, "heartbeat_seconds must be at least 1");
        anyhow::ensure!(lease <= 3600, "lease_seconds must be at most 3600");
        // One sign of life may get lost without any harm.
        anyhow::ensure!(
            heartbeat.checked_mul(3).is_some_and(|least| lease >= least),
            "lease_seconds must be at least three times heartbeat_seconds"
        );
        anyhow::ensure!(self.retention_days > 0, "retention_days must be at least 1");
        anyhow::ensure!(self.session_retention_days > 0, "session_retention_days must be at least 1");
        Ok(self)
    }
}

impl UpkeepSettings {
    /// Returns how long a worker may be silent before it counts as lost.
    pub(crate) fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// Returns the time between two signs of life of a worker.
    pub(crate) fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.heartbeat_seconds)
    }

    /// Returns how long old work is kept.
    pub(crate) fn retention(&self) -> Retention {
        Retention {
            executions: DAY.saturating_mul(self.retention_days),
            sessions: DAY.saturating_mul(self.session_retention_days),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::given::tests::settings;

    fn complete(lease: u64, heartbeat: u64) -> Result<UpkeepSettings, String> {
        let flags = [format!("--lease-seconds={lease}"), format!("--heartbeat-seconds={heartbeat}")];
        settings::<UpkeepSettings>(&flags.each_ref().map(String::as_str), "").map_err(|error| error.to_string())
    }

    #[test]
    fn a_lease_outlives_a_lost_sign_of_life() {
        assert_eq!(complete(3, 1).unwrap().lease(), Duration::from_secs(3));
        let refusal = "lease_seconds must be at least three times heartbeat_seconds";
        assert_eq!(complete(5, 2).unwrap_err(), refusal);
        assert_eq!(complete(3600, u64::MAX).unwrap_err(), refusal);
        assert_eq!(complete(3, 0).unwrap_err(), "heartbeat_seconds must be at least 1");
        assert_eq!(complete(3601, 1).unwrap_err(), "lease_seconds must be at most 3600");
    }
}
